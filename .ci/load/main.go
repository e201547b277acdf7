// Command load measures how soon an HTTP server is ready and how soon it serves what was
// saved.
//
//	load saves -url U -file F [-times N]
//	load ready -url U [-times N] COMMAND…
package main

import (
	"bufio"
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"time"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "load:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	if len(args) == 0 {
		return errors.New("saves or ready")
	}
	f := flag.NewFlagSet(args[0], flag.ExitOnError)
	at := f.String("url", "", "what is asked for")
	switch args[0] {
	case "saves":
		file := f.String("file", "", "the workflow whose description is written anew")
		times := f.Int("times", 100, "how often")
		if err := f.Parse(args[1:]); err != nil {
			return err
		}
		t, err := newTarget(*at)
		if err != nil {
			return err
		}
		return t.saves(*file, *times)
	}
	times := f.Int("times", 5, "how often")
	if err := f.Parse(args[1:]); err != nil || args[0] != "ready" {
		return errors.Join(err, fmt.Errorf("%s is neither saves nor ready", args[0]))
	}
	t, err := newTarget(*at)
	if err != nil {
		return err
	}
	return t.ready(f.Args(), *times)
}

// target is what is asked for.
type target struct{ address, request string }

func newTarget(at string) (*target, error) {
	u, err := url.Parse(at)
	if err != nil {
		return nil, err
	}
	return &target{u.Host, "GET " + u.RequestURI() + " HTTP/1.1\r\nHost: " + u.Host + "\r\nUser-Agent: load\r\n\r\n"}, nil
}

// read reads an answer, and returns its status and length.
func read(in *bufio.Reader, body *[]byte) (status int, err error) {
	line, err := in.ReadSlice('\n')
	if err != nil {
		return 0, err
	}
	if len(line) < 12 {
		return 0, fmt.Errorf("the answer begins with %q", line)
	}
	if status, err = strconv.Atoi(string(line[9:12])); err != nil {
		return 0, err
	}
	length := -1
	for {
		if line, err = in.ReadSlice('\n'); err != nil {
			return 0, err
		}
		if len(line) <= 2 {
			break
		}
		name, value, _ := bytes.Cut(line, []byte(":"))
		if bytes.EqualFold(name, []byte("Content-Length")) {
			if length, err = strconv.Atoi(string(bytes.TrimSpace(value))); err != nil {
				return 0, err
			}
		}
	}
	if length < 0 {
		return 0, errors.New("the answer does not say how long it is")
	}
	if body == nil {
		_, err = in.Discard(length)
		return status, err
	}
	*body = make([]byte, length)
	_, err = io.ReadFull(in, *body)
	return status, err
}

// ready begins a server as often as times says, and asks until it answers. What it
// holds in memory is looked at a while later, when nobody wants anything of it.
func (t *target) ready(command []string, times int) error {
	if times < 2 {
		return errors.New("twice at least")
	}
	took, held := make([]float64, times), make([]float64, times)
	for i := range times {
		var err error
		if took[i], held[i], err = t.begin(command); err != nil {
			return err
		}
	}
	fmt.Printf("start to ready %.0f ms the first time, at rest %.1f MiB; ", took[0], held[0])
	took, held = took[1:], held[1:]
	slices.Sort(took)
	slices.Sort(held)
	fmt.Printf("afterwards %.0f ms (%.0f to %.0f), %.1f MiB\n", took[len(took)/2], took[0], took[len(took)-1], held[len(held)/2])
	return nil
}

// begin is how many ms a server took to answer, and how many MiB it holds at rest.
func (t *target) begin(command []string) (took, held float64, err error) {
	c := exec.Command(command[0], command[1:]...)
	at := time.Now()
	if err := c.Start(); err != nil {
		return 0, 0, err
	}
	defer func() {
		_ = c.Process.Signal(os.Interrupt)
		_ = c.Wait()
	}()
	for !t.answers() {
		if time.Since(at) > time.Minute {
			return 0, 0, errors.New("the server does not answer")
		}
		time.Sleep(time.Millisecond)
	}
	took = float64(time.Since(at).Microseconds()) / 1000
	time.Sleep(6 * time.Second)
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", c.Process.Pid))
	if err != nil {
		return took, 0, err
	}
	_, rest, _ := strings.Cut(string(status), "VmRSS:")
	kib, err := strconv.Atoi(strings.Fields(rest)[0])
	return took, float64(kib) / 1024, err
}

func (t *target) answers() bool {
	c, err := net.Dial("tcp", t.address)
	if err != nil {
		return false
	}
	defer c.Close()
	if _, err := io.WriteString(c, t.request); err != nil {
		return false
	}
	status, err := read(bufio.NewReader(c), nil)
	return err == nil && status == 200
}

// saves writes a file anew, as often as times says, and each time asks until what is
// answered has what was written.
func (t *target) saves(file string, times int) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	c, err := net.Dial("tcp", t.address)
	if err != nil {
		return err
	}
	defer c.Close()
	in := bufio.NewReader(c)
	var took []time.Duration
	for i := range times {
		mark := fmt.Sprintf("saved %d times", i+1)
		changed := strings.Replace(string(text), "description: ", "description: "+mark+" ", 1)
		if changed == string(text) {
			return errors.New("the file has no description")
		}
		if err := os.WriteFile(file, []byte(changed), 0o600); err != nil {
			return err
		}
		at := time.Now()
		for {
			if _, err := io.WriteString(c, t.request); err != nil {
				return err
			}
			var body []byte
			if _, err := read(in, &body); err != nil {
				return err
			}
			if bytes.Contains(body, []byte(mark)) {
				break
			}
			if time.Since(at) > 10*time.Second {
				return errors.New("what was saved is not served")
			}
			time.Sleep(500 * time.Microsecond)
		}
		took = append(took, time.Since(at))
	}
	slices.Sort(took)
	ms := func(p float64) float64 { return float64(took[int(p*float64(len(took)-1))].Microseconds()) / 1000 }
	fmt.Printf("from save to served: p50 %.1f ms, p99 %.1f ms, longest %.1f ms\n", ms(0.5), ms(0.99), ms(1))
	return nil
}
