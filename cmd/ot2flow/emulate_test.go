package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ot2flow/ot2flow/ot2/emulator"
)

func TestEmulateFlags(t *testing.T) {
	faults := filepath.Join(t.TempDir(), "faults.yaml")
	if err := os.WriteFile(faults, []byte("door: open\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		args string
		code int
		says string
	}{
		{"--pipette p300_single_gen2", exitUsage, "left=NAME or right=NAME"},
		{"--pipette right=p400", exitUsage, `no pipette "p400"`},
		{"--speed -1", exitUsage, "does not go backwards"},
		{"--faults " + faults, exitUsage, "field door not found"},
		{"--faults nowhere.yaml", exitCannot, "nowhere.yaml cannot be read"},
		{"--listen 256.0.0.1 --port 0", exitCannot, "nothing can listen on 256.0.0.1:0"},
	} {
		var out, stderr bytes.Buffer
		code := ot2flow(append([]string{"emulate"}, strings.Fields(c.args)...), strings.NewReader(""), &out, &stderr)
		if code != c.code || !strings.Contains(stderr.String(), c.says) {
			t.Errorf("%s: %d %s; want %d …%s…", c.args, code, &stderr, c.code, c.says)
		}
	}
}

func TestEmulateServes(t *testing.T) {
	robot, err := emulator.New(emulator.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer robot.Close()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- answerAs(ctx, l, robot) }()
	r, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+l.Addr().String()+"/health", nil)
	r.Header.Set("Opentrons-Version", "*")
	web := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	answer, err := web.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	body, _ := io.ReadAll(answer.Body)
	answer.Body.Close()
	if !bytes.Contains(body, []byte("OT-2 Standard")) {
		t.Error(string(body))
	}
	cancel()
	select {
	case err := <-ended:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(10 * time.Second):
		t.Error(errors.New("it does not end"))
	}
	var out bytes.Buffer
	a := &app{out: &out, format: "text", noColor: true}
	if err := a.reportWells(robot); err != nil || out.String() != "nothing was done\n" {
		t.Error(out.String(), err)
	}
}
