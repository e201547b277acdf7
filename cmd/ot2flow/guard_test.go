package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// A server that others reach: it has a certificate of the lab's authority, knows who
// asks by their tokens, and does things under their names. The command line is all
// that is needed on both sides.
func TestServeGuarded(t *testing.T) {
	if testing.Short() {
		t.Skip("starts a process")
	}
	dir, folder := t.TempDir(), t.TempDir()
	text := strings.Replace(robotWorkflow, "  - pause: look at B1\n", "", 1)
	if err := os.WriteFile(filepath.Join(folder, "small.yaml"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	state, certs := filepath.Join(dir, "journal.db"), filepath.Join(dir, "certs")
	code, out, errs := called([]string{"certs", "--out", certs, "--name", "localhost", "--name", "127.0.0.1"}, "")
	if code != exitFine {
		t.Fatal(errs)
	}
	contains(t, out, "--ca "+filepath.Join(certs, "ca.crt"), "https://localhost:8000/health")
	contains(t, errs, "for localhost, 127.0.0.1")
	ca := filepath.Join(certs, "ca.crt")
	config := filepath.Join(dir, "lab.yaml")
	if err := os.WriteFile(config, []byte("lab: 1\nrobots: {practice: sim}\nworkflows: ["+folder+"]\nstate: journal.db\naccess: {certificate: certs/server.crt, key: certs/server.key, tokens: true}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	p := serverBy(t, "--config", config)
	if !strings.HasPrefix(p.url, "https://") {
		t.Fatal(p.url)
	}
	call := func(want int, says string, args ...string) string {
		t.Helper()
		code, out, errs := called(append([]string{"call", "small", "--device", p.url}, args...), "")
		if code != want || !strings.Contains(errs, says) {
			t.Errorf("%v: exit %d: %s", args, code, errs)
		}
		return out
	}
	call(exitCannot, "certificate signed by unknown authority")
	call(exitCannot, "ot2flow tokens add NAME --role operator", "--ca", ca)
	call(exitUsage, "there is no certificate in it", "--ca", state)
	code, secret, errs := called([]string{"tokens", "add", "ada", "--role", "operator", "--state", dir}, "")
	if code != exitFine {
		t.Fatal(errs)
	}
	contains(t, errs, "for ada, operator, good until", "the only time")
	file := filepath.Join(dir, "ada.token")
	if err := os.WriteFile(file, []byte(secret), 0o600); err != nil {
		t.Fatal(err)
	}
	call(exitFine, "run 2", "--ca", ca, "--token-file", file)
	call(exitCannot, "leave by out", "--ca", ca, "--token-file", file, "--by", "bo")
	t.Setenv("OT2FLOW_TOKEN", strings.TrimSpace(secret))
	call(exitFine, "run 2", "--ca", ca)
	call(exitCannot, "everybody there can read it", "--device", "http://192.0.2.1:8000")

	code, list, errs := called([]string{"tokens", "--state", state, "--format", "json"}, "")
	if code != exitFine || strings.Contains(list, strings.TrimSpace(secret)) {
		t.Errorf("exit %d: %s%s", code, list, errs)
	}
	asSchema(t, "tokens", list)
	_, id, _ := strings.Cut(list, `"id": "`)
	id, _, _ = strings.Cut(id, `"`)
	if code, _, errs := called([]string{"tokens", "revoke", id, "--state", state}, ""); code != exitFine {
		t.Fatal(errs)
	}
	for end := time.Now().Add(30 * time.Second); ; time.Sleep(50 * time.Millisecond) { // a server hears of it within a second
		code, _, errs := called([]string{"call", "small", "--device", p.url, "--ca", ca}, "")
		if code == exitCannot && strings.Contains(errs, "was revoked") {
			break
		}
		if time.Now().After(end) {
			t.Fatalf("exit %d: %s", code, errs)
		}
	}
	code, list, errs = called([]string{"tokens", "--state", state}, "")
	if code != exitFine {
		t.Fatal(errs)
	}
	contains(t, list, id+"  ada  operator  all robots  revoked 2")
	code, list, errs = called([]string{"audit", "--state", state}, "")
	if code != exitFine {
		t.Fatal(errs)
	}
	contains(t, list, "made token "+id+" for ada, operator", "submitted run", "POST /tasks/small/runs", "refused: token "+id+" of ada was revoked", "revoked token "+id)
	if code, list, errs = called([]string{"audit", "--state", state, "--since", "1h", "--by", "ada", "--format", "json"}, ""); code != exitFine || strings.Count(list, `"by": "ada"`) < 2 || strings.Contains(list, `"by": "root"`) {
		t.Errorf("exit %d: %s%s", code, list, errs)
	}
	asSchema(t, "audit", list)
	if log := p.log.String(); strings.Contains(log, strings.TrimSpace(secret)) || !strings.Contains(log, "nobody has a token") {
		t.Errorf("the log of the server:\n%s", log)
	}
}

func TestGuardRefuses(t *testing.T) {
	state := filepath.Join(t.TempDir(), "journal.db")
	for _, c := range []struct{ args, want string }{
		{"serve . --robot sim --http :8000", "ot2flow certs"},
		{"serve . --robot sim --tls-cert x", "belong together"},
		{"serve . --robot sim --origin lims", "an origin is like"},
		{"serve . --robot sim --rate -1", "--rate"},
		{"tokens add --role viewer", "whose token"},
		{"tokens add ada", "--role viewer, operator or admin"},
		{"tokens add ada --role operater", "did you mean operator?"},
		{"tokens add ada --role root", "there are viewer, operator, admin"},
		{"tokens add ada --role viewer --expires soon", "90d"},
		{"tokens revoke", "tokens list"},
		{"tokens revoke abcde", "there is no token abcde"},
		{"tokens lst", "did you mean list?"},
		{"certs --name a:80 --out " + t.TempDir(), "without port"},
		{"certs --for 10y --out " + t.TempDir(), "825 days"},
		{"audit --since yesterday", "how long ago"},
	} {
		args := strings.Fields(c.args)
		if args[0] != "certs" {
			args = append(args, "--state", state)
		}
		if code, out, errs := called(args, ""); code != exitUsage || !strings.Contains(errs, c.want) {
			t.Errorf("%s: exit %d: %s%s", c.args, code, out, errs)
		}
	}
}
