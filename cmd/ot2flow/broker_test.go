package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/ot2flow/ot2flow/workflows/broker"
	"github.com/ot2flow/ot2flow/workflows/mqtt"
)

// A server is a broker, too, to which it comes itself, and others with what the folder has.
func TestServeBroker(t *testing.T) {
	if testing.Short() {
		t.Skip("starts a process")
	}
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "touch.yaml"), []byte(touchText), 0o600); err != nil {
		t.Fatal(err)
	}
	users := filepath.Join(dir, "broker")
	if _, err := broker.Users(users, []broker.User{{Name: "office", Role: broker.Controller}}); err != nil {
		t.Fatal(err)
	}
	p := serverBy(t, dir, "--robot", "sim", "--state", filepath.Join(dir, "j.db"), "--http", "127.0.0.1:0", "--broker", users, "--broker-listen", "127.0.0.1:0", "--mqtt-device", "bench-3")
	p.said(t, "a device at a broker")
	at := regexp.MustCompile(`a broker.*mqtt://(127\.0\.0\.1:\d+)`).FindStringSubmatch(p.log.String())
	if at == nil {
		t.Fatal(p.log)
	}
	secret, err := os.ReadFile(filepath.Join(users, broker.PasswordFile("office")))
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv(mqtt.UserVariable, "office")
	t.Setenv(mqtt.PasswordVariable, strings.TrimSpace(string(secret)))
	code, out, errs := called([]string{"call", "touch", "n=4", "--device", "mqtt://" + at[1] + "/bench-3"}, "")
	if code != exitFine || !strings.Contains(out, "4") {
		t.Errorf("exit %d\n%s\n%s\n%s", code, out, errs, p.log)
	}
}

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
