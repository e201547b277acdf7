package main

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
)

// TestOutFileOfDevice proves that a device keeps its name: for root, a rename
// onto /dev/null would take it from everybody.
func TestOutFileOfDevice(t *testing.T) {
	f, err := createOut(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer f.discard()
	if f.whole != nil {
		t.Error("it would be renamed")
	}
}

func TestOutFileFollowsLinks(t *testing.T) {
	dir := t.TempDir()
	file, link := filepath.Join(dir, "file"), filepath.Join(dir, "link")
	if err := errors.Join(os.WriteFile(file, nil, 0o644), os.Symlink(file, link)); err != nil {
		t.Skip(err)
	}
	if err := keepFile(link, []byte("kept")); err != nil {
		t.Fatal(err)
	}
	if data, _ := os.ReadFile(file); string(data) != "kept" {
		t.Errorf("the file holds %q", data)
	}
	if info, _ := os.Lstat(link); info.Mode()&os.ModeSymlink == 0 {
		t.Error("the link is gone")
	}
}

// full is an output that takes nothing more.
type full struct{}

func (full) Write([]byte) (int, error) { return 0, errors.New("no space left") }

// TestOutputIsFull proves that nobody takes half an output for all of it.
func TestOutputIsFull(t *testing.T) {
	for _, args := range [][]string{
		{"lint", "../../workflows/testdata/err/bad-rate.yaml"},
		{"lint", "--format", "json", mixColors},
		{"plan", mixColors},
		{"plan", mixColors, "--format", "json"},
		{"simulate", mixColors},
		{"simulate", mixColors, "--format", "json"},
		{"apply", mixColors, "--robot", "sim", "--yes"},
		{"export", mixColors, "--to", "json"},
		{"labware", "list"},
		{"labware", "list", "--format", "json"},
		{"labware", "show", "corning_96_wellplate_360ul_flat"},
		{"labware", "check", "../../examples/01-mix-colors/labware/ac_6_tuberack_15000ul.json"},
		{"explain", "OTF602"},
		{"explain", "transfer"},
		{"explain", "water"},
		{"schema"},
		{"version"},
	} {
		if code := ot2flow(args, nil, full{}, discard{}); code != exitCannot {
			t.Errorf("%v: exit code %d", args, code)
		}
	}
}

type discard struct{}

func (discard) Write(b []byte) (int, error) { return len(b), nil }
