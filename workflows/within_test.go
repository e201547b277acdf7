package workflows_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ot2flow/ot2flow/spec/diag"
	"github.com/ot2flow/ot2flow/workflows"
)

// A workflow that is served reads nothing outside of the folder that is served: not by
// its names, and not by links.
func TestOpenWithin(t *testing.T) {
	top := t.TempDir()
	served := filepath.Join(top, "served")
	definition, err := os.ReadFile("../examples/01-mix-colors/labware/ac_6_tuberack_15000ul.json")
	if err != nil {
		t.Fatal(err)
	}
	text := func(labware string) string {
		return "ot2flow: 1\nname: x\nlabware: {rack: {type: " + labware + ", slot: 1}}\nsteps: [{comment: hello}]\n"
	}
	for name, data := range map[string]string{
		"secret.json":              string(definition),
		"served/shared/rack.json":  string(definition),
		"served/a/inside.yaml":     text("../shared/rack.json"),
		"served/a/linked.yaml":     text("./link.json"),
		"served/a/above.yaml":      text("../../secret.json"),
		"served/a/leads-out.yaml":  text("./out.json"),
		"served/a/through.yaml":    text("./folder/secret.json"),
		"served/a/absolute.yaml":   text(filepath.ToSlash(top) + "/secret.json"),
		"served/a/outandback.yaml": text("../../served/shared/rack.json"),
		"outside.yaml":             text("opentrons_96_tiprack_300ul"),
	} {
		path := filepath.Join(top, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(data), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for link, to := range map[string]string{
		"served/a/link.json":    "../shared/rack.json",
		"served/a/out.json":     "../../secret.json",
		"served/a/folder":       "../..",
		"served/a/foreign.yaml": "../../outside.yaml",
	} {
		if err := os.Symlink(filepath.FromSlash(to), filepath.Join(top, filepath.FromSlash(link))); err != nil {
			t.Skip("there are no links here: ", err)
		}
	}
	for name, code := range map[string]*diag.Code{
		"inside": nil, "linked": nil, "above": diag.FileOutside, "leads-out": diag.FileOutside, "through": diag.FileOutside,
		"absolute": diag.FileOutside, "outandback": diag.FileOutside, "foreign": diag.FileOutside, "nothing": diag.NotFound,
	} {
		path := filepath.Join(served, "a", name+".yaml")
		c := workflows.OpenWithin([]string{filepath.Join(top, "other"), served}, path)
		switch {
		case code == nil && c.Diagnostics.HasErrors():
			t.Errorf("%s: %v", name, c.Diagnostics)
		case code != nil && (len(c.Diagnostics) != 1 || c.Diagnostics[0].Code != code):
			t.Errorf("%s: %v, want %s", name, c.Diagnostics, code.ID)
		}
		if data := c.Source(path); name == "foreign" && len(data) > 0 {
			t.Errorf("what is outside is shown: %s", data)
		}
	}
	// A single file is served from its folder.
	file := filepath.Join(served, "a", "inside.yaml")
	if c := workflows.OpenWithin([]string{file}, file); len(c.Diagnostics) != 1 || c.Diagnostics[0].Code != diag.FileOutside {
		t.Error(c.Diagnostics)
	}
	if c := workflows.OpenWithin([]string{served}, filepath.Join(top, "outside.yaml")); !strings.Contains(c.Diagnostics[0].Message, "cannot be found") {
		t.Error(c.Diagnostics)
	}
}
