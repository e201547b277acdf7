package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A configuration of mosquitto is written, and no password said.
func TestBrokerConfig(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "broker")
	code, stdout, stderr := called([]string{"broker", "config", "--out", dir, "--device", "bench-3", "--controller", "office", "--sensor", "pico"}, "")
	if code != exitFine || !strings.Contains(stdout, "mosquitto -c "+filepath.Join(dir, "mosquitto.conf")) || !strings.Contains(stdout, "mqtt://…:1883") {
		t.Fatalf("exit %d\n%s\n%s", code, stdout, stderr)
	}
	secret, err := os.ReadFile(filepath.Join(dir, "bench-3.password"))
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(stdout+stderr, strings.TrimSpace(string(secret))) {
		t.Errorf("it says the password of bench-3:\n%s\n%s", stdout, stderr)
	}
	for _, args := range [][]string{{}, {"--device", "a/b"}, {"--device", "a", "--tls-cert", "server.crt"}, {"--device", "a", "--sensor", "a"}, {"--device", "a", "--port", "70000"}} {
		other := filepath.Join(t.TempDir(), "other")
		if code, _, stderr := called(append([]string{"broker", "config", "--out", other}, args...), ""); code != exitUsage {
			t.Errorf("%v: exit %d\n%s", args, code, stderr)
		}
	}
}
