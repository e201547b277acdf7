package emulator

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/ot2flow/ot2flow/interpreter/program"
	"github.com/ot2flow/ot2flow/ot2"
	"github.com/ot2flow/ot2flow/ot2/mishap"
)

// Options describe the robot to be. The zero value is an OT-2 of software
// 8.2.0 with a P300 single GEN2 on the right mount, whose commands take no
// time.
type Options struct {
	// Pipettes are load names by mount, left or right. Nil is the one above;
	// an empty map is a robot without pipettes.
	Pipettes map[string]string
	// Modules are the modules that are connected, by the names ot2.Module takes;
	// of a kind there can be several. Nil is none.
	Modules []string
	// Name and Version are what the robot says of itself in GET /health.
	Name, Version string
	// Serial is the robot's serial number; empty is "emulator".
	Serial string
	// Serials are those of the pipettes by mount, and of modules by their models,
	// where they are not to be the usual ones.
	Serials map[string]string
	// Clock is the robot's time; nil is NoTime.
	Clock Clock
	// Timer says how long operations take on a deck; nil is the OT-2's model.
	Timer func(*program.Deck) program.Timer
	// AnalysisTime is how long the analysis of a protocol takes on the clock.
	AnalysisTime time.Duration
	// HomeTime is how long the home takes that begins a run without a protocol,
	// EndTime what follows a played run: halt, drop the tips, home. Zero is 10 s
	// and 15 s, less is no time.
	HomeTime, EndTime time.Duration
	// NewID makes the ids of runs, commands, protocols; nil makes random ones.
	NewID func() string
	// Disk is a file for what survives a loss of power, and for what happened on
	// the deck (ReadDeeds). Empty is a robot that forgets everything.
	Disk string
	// Analyses are recorded analyses of protocols in Python, in place of the
	// Python that the emulator has not.
	Analyses [][]byte
	// Faults is how the robot misbehaves.
	Faults Faults
}

// Emulator is a robot. Its methods may be called from several goroutines. It
// works from New to Close.
type Emulator struct {
	options Options
	faults  Faults
	clock   Clock
	robot   http.Handler // without mischief
	ctx     context.Context
	cancel  context.CancelFunc
	wake    chan struct{} // something may be there for the worker
	workers sync.WaitGroup

	mu         sync.Mutex
	disk       *os.File // nil if there is none
	diskErr    error
	requests   int // answered since start
	down       int // requests still to be answered with 503
	cut        int // requests still to break off
	dice       *mishap.Dice
	replies    *mishap.Replies
	ahead      atomic.Int64 // by which the clock has jumped, in ns
	pipettes   map[string]attached
	appliances []*appliance
	runs       []*run // oldest first
	current    *run
	shown      *run // the last that did something; for the wells
	upkeep     *run // the maintenance run
	stateless  *run // of POST /commands
	protocols  []*protocol
	dataFiles  []dataFile
	lights     bool
	doorOpen   bool
	doorSwitch bool
	clientData map[string]any
}

// attached is a pipette on a mount.
type attached struct {
	model  *program.PipetteModel
	serial string
}

// New starts a robot. Pipettes that do not exist are errors.
func New(o Options) (*Emulator, error) {
	if o.Pipettes == nil {
		o.Pipettes = map[string]string{"right": "p300_single_gen2"}
	}
	if o.Faults.Pipettes != nil {
		o.Pipettes = o.Faults.Pipettes
	}
	if o.Name == "" {
		o.Name = "emulated"
	}
	if o.Version == "" {
		o.Version = "8.2.0"
	}
	if o.Clock == nil {
		o.Clock = NoTime()
	}
	if o.Timer == nil {
		o.Timer = ot2.Machine{}.Timer
	}
	o.HomeTime, o.EndTime = cmp.Or(o.HomeTime, 10*time.Second), cmp.Or(o.EndTime, 15*time.Second)
	o.NewID = onePerCall(o.NewID)
	if err := o.Faults.check(); err != nil {
		return nil, err
	}
	e := &Emulator{
		options: o, faults: o.Faults, clock: o.Clock, wake: make(chan struct{}, 1),
		dice: o.Faults.Roll(), replies: o.Faults.Replies(),
		down:     o.Faults.Booting,
		pipettes: map[string]attached{}, clientData: map[string]any{},
		doorOpen: o.Faults.DoorOpen, doorSwitch: o.Faults.DoorSwitch,
	}
	for mount, name := range o.Pipettes {
		if err := checkPipette(mount, name); err != nil {
			return nil, err
		}
		model, _ := ot2.Pipette(name)
		e.pipettes[mount] = attached{model, cmp.Or(o.Serials[mount], "P3EMULATED"+mount)}
	}
	for i, name := range o.Modules {
		model, ok := ot2.Module(name)
		if !ok {
			return nil, fmt.Errorf("there is no module %q; there are %v", name, ot2.ModuleNames())
		}
		e.appliances = append(e.appliances, newAppliance(model, o.Serials[name], i+1, e.now()))
	}
	//nolint:contextcheck // the robot lives until Close, not as long as a request
	e.ctx, e.cancel = context.WithCancel(context.Background())
	e.robot = e.routes()
	e.stateless = e.newStateless()
	if o.Disk != "" {
		if err := e.boot(o.Disk); err != nil {
			e.Close()
			return nil, err
		}
	}
	e.workers.Go(e.work)
	if o.Faults.Busy {
		e.occupy()
	}
	return e, nil
}

func checkPipette(mount, name string) error {
	if mount != "left" && mount != "right" {
		return fmt.Errorf("there is no mount %q; there are left and right", mount)
	}
	if _, ok := ot2.Pipette(name); !ok {
		return fmt.Errorf("there is no pipette %q; there are %v", name, ot2.PipetteNames())
	}
	return nil
}

// Close cuts the power. It returns when everything the robot was at is over;
// whoever serves Handler closes its connections first or afterwards.
func (e *Emulator) Close() {
	e.mu.Lock()
	e.cancel() // nothing is begun from here on
	e.mu.Unlock()
	e.workers.Wait()
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.disk != nil {
		e.diskErr = errors.Join(e.diskErr, e.disk.Close())
		e.disk = nil
	}
}

// Err returns what went wrong with the file of Options.Disk.
func (e *Emulator) Err() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.diskErr
}

// Handler answers the robot's HTTP API.
func (e *Emulator) Handler() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Body = http.MaxBytesReader(w, r.Body, maxBody)
		if a, bad := e.mischief(r); bad {
			e.misbehave(w, r, a, e.robot)
			return
		}
		e.robot.ServeHTTP(w, r)
	})
}

// SetDoor opens or closes the front door.
func (e *Emulator) SetDoor(open bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.openDoor(open)
}

func (e *Emulator) openDoor(open bool) {
	e.doorOpen = open
	if r := e.current; r != nil && r.doorSwitch && r.result == noResult && r.queue != setupQueue {
		r.doorBlocks = open
		if open {
			r.queue = pausedQueue
		}
	}
	e.poke()
}

// closeDoorAfter has somebody close the door after a while, of the time that
// people have.
func (e *Emulator) closeDoorAfter(d time.Duration) {
	e.workers.Go(func() {
		if wait(e.ctx, d) == nil {
			e.SetDoor(false)
		}
	})
}

// Reboot cuts the power and switches it on again: a run that was not over is
// lost. The next down requests are answered with 503.
func (e *Emulator) Reboot(down int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.reboot(down)
}

func (e *Emulator) reboot(down int) {
	if r := e.current; r != nil {
		r.current = false
		if r.completed.IsZero() {
			r.lost = true
			r.cancel()
			r.end()
		}
	}
	if e.upkeep != nil {
		e.upkeep.cancel()
		e.upkeep.end()
	}
	e.current, e.upkeep, e.down = nil, nil, down
	e.clientData = map[string]any{}
	e.stateless.end()
	e.stateless = e.newStateless()
	e.poke()
}

// now is the robot's time of day.
func (e *Emulator) now() time.Time { return e.clock.Now().Add(time.Duration(e.ahead.Load())) }

// poke has the worker look again.
func (e *Emulator) poke() {
	select {
	case e.wake <- struct{}{}:
	default:
	}
}

// onePerCall makes f usable from several goroutines.
func onePerCall(f func() string) func() string {
	if f == nil {
		return randomID
	}
	var mu sync.Mutex
	return func() string {
		mu.Lock()
		defer mu.Unlock()
		return f()
	}
}

// randomID is a UUID of version 4.
func randomID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}
