package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/ot2flow/ot2flow/workflows/mqtt/mqtttest"
)

var (
	fenced  = regexp.MustCompile("(?ms)^```([a-z]+)\n(.*?)^```$")
	fileRow = regexp.MustCompile(`^# (\S+\.yaml)\n`)
)

// Every workflow, command and program of MIGRATING.md is carried out, in the order in
// which it stands there, by one server and from one folder.
func TestMigrating(t *testing.T) {
	if testing.Short() {
		t.Skip("starts processes")
	}
	for _, program := range []string{"sh", "curl", "python3"} {
		if _, err := exec.LookPath(program); err != nil {
			t.Fatal("what the page shows needs ", program, ", which is not here")
		}
	}
	text, err := os.ReadFile("../../MIGRATING.md")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	bin := t.TempDir()
	if err := os.WriteFile(filepath.Join(bin, "ot2flow"), []byte("#!/bin/sh\nexec '"+self+"' \"$@\"\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	client, err := os.ReadFile("../../examples/python/orchestrator_client.py")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "orchestrator_client.py"), client, 0o600); err != nil {
		t.Fatal(err)
	}
	t.Chdir(dir)
	t.Setenv("XDG_STATE_HOME", filepath.Join(dir, "state"))
	t.Setenv("PATH", bin+string(os.PathListSeparator)+os.Getenv("PATH"))
	t.Setenv(chaosChild, "never")
	t.Setenv("PYTHONDONTWRITEBYTECODE", "1")
	blocks := fenced.FindAllStringSubmatch(string(text), -1)
	for _, b := range blocks { // files first: a workflow may call one that stands further down
		if m := fileRow.FindStringSubmatch(b[2]); b[1] == "yaml" && m != nil {
			if err := os.MkdirAll(filepath.Dir(m[1]), 0o700); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(m[1], []byte(b[2]), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	var server *serverProcess
	broker := mqtttest.Start(t)
	did := map[string]int{}
	for _, b := range blocks {
		switch b[1] {
		case "sh":
			for _, line := range strings.Split(strings.TrimSpace(b[2]), "\n") {
				did["sh"]++
				line = strings.ReplaceAll(line, "mqtt://localhost", broker.URL)
				if args, is := strings.CutPrefix(line, "ot2flow serve "); is {
					if server != nil { // there is one robot
						server.kill()
					}
					server = serverBy(t, append(strings.Fields(args), "--http", "127.0.0.1:0")...)
					continue
				}
				carriedOut(t, server, line, "sh", "-c", line)
			}
		case "python":
			python := "python3"
			if strings.Contains(b[2], "import paho") {
				if python = os.Getenv("OT2FLOW_PAHO"); python == "" {
					t.Log("OT2FLOW_PAHO is not set to a Python with paho-mqtt: what needs it was not carried out")
					continue
				}
			}
			did["python"]++
			carriedOut(t, server, b[2], python, "-c", strings.ReplaceAll(b[2], `"localhost", 1883`, strings.Replace(broker.Host(), "127.0.0.1:", `"127.0.0.1", `, 1)))
		}
	}
	if did["sh"] < 12 || did["python"] < 4 {
		t.Errorf("%v were carried out", did)
	}
}

// carriedOut runs what is shown, against the server of the test.
func carriedOut(t *testing.T, server *serverProcess, shown string, command ...string) {
	t.Helper()
	for i, part := range command {
		if server != nil {
			part = strings.ReplaceAll(part, "http://localhost:8000", server.url)
			part = strings.ReplaceAll(part, "localhost:8000", server.url)
		}
		if strings.HasPrefix(part, "ot2flow call ") && !strings.Contains(part, "--device") || strings.HasPrefix(part, "ot2flow queue") {
			part += " --device " + server.url
		}
		command[i] = part
	}
	if out, err := exec.Command(command[0], command[1:]...).CombinedOutput(); err != nil || strings.Contains(string(out), `"status":4`) {
		t.Errorf("%s\n%v\n%s", shown, err, out)
	}
}

// The client in Python tells its users apart what is refused, what failed, what is not
// over and who does not answer, and a broken connection is not told at all.
func TestPythonClient(t *testing.T) {
	if testing.Short() {
		t.Skip("starts processes")
	}
	if _, err := exec.LookPath("python3"); err != nil {
		t.Fatal("the client needs python3, which is not here")
	}
	dir := t.TempDir()
	flow := strings.Replace(robotWorkflow, "  - pause: look at B1\n", "", 1)
	asks := strings.Replace(strings.Replace(flow, "name: small", "name: asks", 1), "steps:\n", "outputs: {cells: seen}\nsteps:\n  - ask: {message: how many, type: integer, min: 0, example: 3}\n    as: seen\n", 1)
	fails := strings.Replace(strings.Replace(asks, "name: asks", "name: fails", 1), "    as: seen\n", "    as: seen\n  - if: seen > 5\n    fail: too many\n", 1)
	for name, text := range map[string]string{"small": flow, "asks": asks, "fails": fails} {
		if err := os.WriteFile(filepath.Join(dir, name+".yaml"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	p := serverOf(t, dir, "sim", filepath.Join(t.TempDir(), "journal.db"))
	program := fmt.Sprintf(`
import sys, threading, time
sys.path.insert(0, %q)
sys.dont_write_bytecode = True
from orchestrator_client import *

client = OrchestratorClient(%q)
assert client.health()["status"] == "healthy"
assert sorted(client.get_available_tasks()) == ["asks", "fails", "small"]
assert client.execute_task("small") == {}

for task, parameters in (("smal", {}), ("small", {"x": 1})):
    try:
        client.execute_task(task, **parameters)
        raise SystemExit("it was not refused")
    except TaskRefused as e:
        assert e.status in (404, 422), e.status
        assert ("did you mean small?" in str(e)) == (task == "smal"), e

run = client.submit_task("asks", _key="k", _priority=3, _experiment="e", _robot="sim")
assert run == client.submit_task("asks", _key="k", _priority=3, _experiment="e", _robot="sim")
try:
    client.wait(run, timeout=0.2)
    raise SystemExit("it is over")
except StillRunning as e:
    assert e.run["id"] == run
while True:  # until it asks
    try:
        client.wait(run, timeout=0)
    except StillRunning as e:
        if "it asks: how many" in str(e):
            break
client.answer(run, 7)
assert client.wait(run)["result"] == {"cells": 7}

run = client.submit_task("fails")
while True:
    try:
        client.answer(run, 9)
        break
    except TaskRefused:
        time.sleep(0.01)
try:
    client.wait(run)
    raise SystemExit("it did not fail")
except TaskError as e:
    assert "too many" in str(e) and e.run["state"] == "failed", e

run = client.submit_task("asks")
client.stop(run)
try:
    client.wait(run)
    raise SystemExit("it was not stopped")
except TaskError as e:
    assert e.run["state"] in ("stopped", "withdrawn"), e.run

try:
    OrchestratorClient("http://127.0.0.1:1", timeout=0).execute_task("small")
    raise SystemExit("somebody answered")
except Unreachable:
    pass
`, filepath.Join(mustGetwd(t), "../../examples/python"), p.url)
	if out, err := exec.Command("python3", "-c", program).CombinedOutput(); err != nil {
		t.Errorf("%v\n%s\n%s", err, out, p.log)
	}
}

func mustGetwd(t *testing.T) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	return dir
}
