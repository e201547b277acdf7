package workflows

import (
	"bytes"
	"testing"

	"github.com/ot2flow/ot2flow/spec"
)

// A template is in canonical form, has its name once, and is proved without a
// finding.
func TestTemplatesAreFine(t *testing.T) {
	if len(Templates()) < 3 {
		t.Fatal(Templates())
	}
	for _, name := range Templates() {
		text, ok := Template(name, "plate_7")
		if !ok || bytes.Count(text, []byte("plate_7")) != 1 {
			t.Fatalf("%s: %s", name, text)
		}
		out, list, err := Format(&spec.File{Name: name, Data: text})
		if err != nil || len(list) > 0 || !bytes.Equal(out, text) {
			t.Errorf("%s: %v %v\n%s", name, list, err, out)
		}
		c := FromBytes(name+".yaml", text)
		c.Lint(nil)
		if len(c.Diagnostics) > 0 {
			t.Errorf("%s: %+v", name, c.Diagnostics)
		}
	}
}
