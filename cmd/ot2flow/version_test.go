package main

import (
	"os"
	"runtime/debug"
	"strings"
	"testing"

	"github.com/ot2flow/ot2flow/ot2/labware"
)

// TestVersionOf has what Go knows of a program that is no release.
func TestVersionOf(t *testing.T) {
	built := &debug.BuildInfo{Settings: []debug.BuildSetting{{Key: "vcs.revision", Value: "abc"}, {Key: "vcs.modified", Value: "true"}}}
	if v := versionOf(built, true); v.Commit != "abc" || !v.Changed {
		t.Errorf("%+v", v)
	}
	defer func() { commit = "" }()
	commit = "of the release"
	if v := versionOf(built, true); v.Commit != commit || v.Changed {
		t.Errorf("%+v", v)
	}
}

// TestVersionOfLabware compares what is said of the catalogue with what it was made with,
// and with what its notice says.
func TestVersionOfLabware(t *testing.T) {
	for file, text := range map[string]string{
		"../../ot2/labware/generate.py": "VERSION = \"" + labware.SharedData + "\"\n",
		"../../ot2/labware/NOTICE":      "version " + labware.SharedData,
		"../../ot2/pipettes_gen.go":     "opentrons-shared-data " + labware.SharedData + ";",
	} {
		data, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(data), text) {
			t.Errorf("%s does not say %q", file, text)
		}
	}
}

// TestVersionAsJSON compares the document with its schema.
func TestVersionAsJSON(t *testing.T) {
	_, out, _ := called([]string{"version", "--format", "json"}, "")
	asSchema(t, "version", out)
}
