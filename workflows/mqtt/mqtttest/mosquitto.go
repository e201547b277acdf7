// Package mqtttest starts mosquitto for tests.
package mqtttest

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"
)

// Broker is a mosquitto of a test, which ends with it.
type Broker struct {
	URL string // such as mqtt://127.0.0.1:34567
	Dir string // where it keeps things; files of its configuration may be put there

	t    testing.TB
	conf string
	host string
	cmd  *exec.Cmd
	gone chan struct{} // closed when cmd is no more
}

// patience is how long a machine may take that is busy with other things.
const patience = time.Minute

// Start starts a broker that keeps sessions and messages over restarts. The lines of its
// configuration are those given, with DIR for its folder and PORT for the port, and by
// default those of one that takes everybody on this computer.
func Start(t testing.TB, conf ...string) *Broker {
	t.Helper()
	b := &Broker{t: t, Dir: t.TempDir()}
	if len(conf) == 0 {
		conf = []string{"listener PORT 127.0.0.1", "allow_anonymous true"}
	}
	b.conf = strings.Join(conf, "\n")
	b.take(freePort(t))
	b.Up()
	t.Cleanup(b.Kill)
	return b
}

func (b *Broker) take(port string) {
	b.host = net.JoinHostPort("127.0.0.1", port)
	b.URL = "mqtt://" + b.host
	text := strings.ReplaceAll(strings.ReplaceAll(b.conf, "DIR", b.Dir), "PORT", port)
	text += fmt.Sprintf("\npersistence true\npersistence_location %s/\nautosave_interval 1\nautosave_on_changes true\nmax_queued_messages 100000\nlog_dest file %s/log\nuser root\n", b.Dir, b.Dir)
	if err := os.WriteFile(filepath.Join(b.Dir, "mosquitto.conf"), []byte(text), 0o600); err != nil {
		b.t.Fatal(err)
	}
}

func freePort(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	return port
}

// program is where mosquitto is, also where only root would find it.
func program(t testing.TB) string {
	t.Helper()
	for _, name := range []string{"mosquitto", "/usr/sbin/mosquitto", "/usr/local/sbin/mosquitto"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	t.Fatal("the test needs mosquitto, which is not here: apt-get install mosquitto")
	return ""
}

// Host is the address with the port.
func (b *Broker) Host() string { return b.host }

// Up starts the broker after Kill or End, and returns when it takes connections.
func (b *Broker) Up() {
	b.t.Helper()
	cmd, began, gone := exec.Command(program(b.t), "-c", filepath.Join(b.Dir, "mosquitto.conf")), make(chan error), make(chan struct{})
	dieWithUs(cmd)
	go func() {
		// Where the broker dies with whoever started it, that is a thread; this one is there
		// until the broker is gone, and so is gone early only with the process, however that
		// ends: a test that panics or takes too long cleans nothing up.
		runtime.LockOSThread()
		defer close(gone)
		err := cmd.Start()
		began <- err
		if err == nil {
			_ = cmd.Wait() // it is told by the log
		}
	}()
	if err := <-began; err != nil {
		b.t.Fatal(err)
	}
	b.cmd, b.gone = cmd, gone
	for end := time.Now().Add(patience); ; {
		if c, err := net.Dial("tcp", b.host); err == nil {
			c.Close()
			return
		}
		select {
		case <-gone:
			log, _ := os.ReadFile(filepath.Join(b.Dir, "log"))
			b.t.Fatalf("mosquitto does not start\n%s", log)
		case <-time.After(5 * time.Millisecond):
		}
		if time.Now().After(end) {
			b.t.Fatal("mosquitto takes no connections")
		}
	}
}

// Kill ends the broker as a loss of power does: what it had not written is gone.
func (b *Broker) Kill() { b.stop(syscall.SIGKILL) }

// End has the broker keep what it has, and end.
func (b *Broker) End() { b.stop(syscall.SIGTERM) }

func (b *Broker) stop(s syscall.Signal) {
	if b.cmd == nil {
		return
	}
	_ = b.cmd.Process.Signal(s) // it may be gone
	select {
	case <-b.gone:
	case <-time.After(patience):
		b.t.Error("mosquitto does not end")
	}
	b.cmd = nil
}
