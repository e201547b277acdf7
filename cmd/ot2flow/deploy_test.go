package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"testing"

	labfile "github.com/ot2flow/ot2flow/workflows/lab"
)

// What is shipped to be deployed asks for nothing that there is not: every flag is one
// of the command, and systemd takes its unit.
func TestDeploy(t *testing.T) {
	read := func(name string) string {
		t.Helper()
		data, err := os.ReadFile(filepath.Join("../../examples/deploy", name))
		if err != nil {
			t.Fatal(err)
		}
		return string(data)
	}
	unit := read("ot2flow.service")
	_, start, _ := strings.Cut(strings.ReplaceAll(unit, "\\\n", " "), "ExecStart=")
	start, _, _ = strings.Cut(start, "\n")
	commands := [][]string{strings.Fields(start)}
	_, cmd, _ := strings.Cut(read("Containerfile"), "\nCMD ")
	var args []string
	if err := json.Unmarshal([]byte(cmd), &args); err != nil {
		t.Fatal(err)
	}
	commands = append(commands, append([]string{"ot2flow"}, args...))
	shown := regexp.MustCompile(`(?m)^(?:\$ |    )(?:.* )?/?ot2flow ((?:serve|tokens|certs) .*)$`)
	for _, m := range shown.FindAllStringSubmatch(strings.ReplaceAll(read("README.md"), "\\\n", " "), -1) {
		commands = append(commands, append([]string{"ot2flow"}, strings.Fields(m[1])...))
	}
	if len(commands) < 5 {
		t.Fatalf("only %d commands are shown: %q", len(commands), commands)
	}
	for _, c := range commands {
		found, rest, err := (&app{}).command().Find(c[1:])
		if err != nil {
			t.Errorf("%q: %v", c, err)
			continue
		}
		if err := found.ParseFlags(rest); err != nil {
			t.Errorf("%q: %v", c, err)
		}
	}
	if o := labfile.Open("../../examples/deploy/lab.yaml"); o.Lab == nil || len(o.Diagnostics) > 0 || o.Lab.Access.Certificate == "" {
		t.Errorf("the file of a lab that is shipped: %v", o.Diagnostics)
	}
	// What a robot needs to stand still is what the unit waits for.
	if !strings.Contains(unit, "TimeoutStopSec=90") || !strings.Contains(unit, "Type=notify") {
		t.Error("the unit does not wait for a robot")
	}
	if runtime.GOOS != "linux" {
		return // where nobody has systemd
	}
	if _, err := exec.LookPath("systemd-analyze"); err != nil {
		t.Fatal("systemd says whether it takes the unit, and systemd-analyze is not here; Debian has it in the package systemd")
	}
	file := filepath.Join(t.TempDir(), "ot2flow.service")
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	text := strings.ReplaceAll(strings.ReplaceAll(unit, "/usr/local/bin/ot2flow", self), "=ot2flow\n", "=root\n")
	verify := func(text string) (said string) {
		t.Helper()
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		out, _ := exec.Command("systemd-analyze", "verify", "--man=no", file).CombinedOutput() // it also tells of other units
		for line := range strings.Lines(string(out)) {
			if strings.Contains(line, "ot2flow.service") && !strings.Contains(line, "executable") {
				said += line
			}
		}
		return said
	}
	if said := verify(text); said != "" {
		t.Errorf("systemd says: %s", said)
	}
	if said := verify(strings.Replace(text, "NoNewPrivileges", "NoNewPrivilegs", 1)); !strings.Contains(said, "NoNewPrivilegs") {
		t.Errorf("of a key that there is not, systemd says: %q", said)
	}
}
