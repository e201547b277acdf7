package ot2_test

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// What the engines answered lies in testdata/differential/answers.json.gz, and
// beside it, one file each, the calls that once disagreed.

const differFolder = "testdata/differential"

// recordedCall is what the engines made of a call. An answer that is the same
// as that of the engine before stands once.
type recordedCall struct {
	Call    string                     `json:"call"` // fingerprint of its Python
	Answers map[string]json.RawMessage `json:"answers"`
}

func callPrint(c *call) string {
	sum := sha256.Sum256([]byte(c.Mount + strings.Join(inPython(c), "\n") + protocolOf(c.Bench, nil)))
	return hex.EncodeToString(sum[:8])
}

// recordCalls asks the engines about the calls that nothing is recorded of, and
// forgets those that are no more.
func recordCalls(t *testing.T, running map[string]*engine, calls []*call) {
	t.Helper()
	if len(running) < len(engines) {
		t.Fatal("-update needs both engines")
	}
	known := map[string]recordedCall{}
	for _, r := range readRecorded(t) {
		known[r.Call] = r
	}
	var missing []*call
	for _, c := range calls {
		if _, ok := known[callPrint(c)]; !ok {
			missing = append(missing, c)
		}
	}
	theirs, err := askAll(running, missing)
	if err != nil {
		t.Fatal(err)
	}
	for i, c := range missing {
		r := recordedCall{callPrint(c), map[string]json.RawMessage{}}
		var before json.RawMessage
		for _, e := range engines {
			if raw := theirs[e.version][i].raw; !bytes.Equal(raw, before) {
				r.Answers[e.version], before = raw, raw
			}
		}
		known[r.Call] = r
	}
	recorded := make([]recordedCall, len(calls))
	for i, c := range calls {
		recorded[i] = known[callPrint(c)]
	}
	data, err := json.Marshal(recorded)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	w, _ := gzip.NewWriterLevel(&out, gzip.BestCompression)
	w.Write(data)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(differFolder, "answers.json.gz"), out.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
}

// sameCalls compares the engines' answers with the recorded ones, and returns
// the recorded ones of all engines.
func sameCalls(t *testing.T, calls []*call, theirs map[string][]*outcome) map[string][]*outcome {
	t.Helper()
	const again = "; ask the engines again: go test ./ot2 -run TestDifferential -update"
	recorded := readRecorded(t)
	if len(recorded) != len(calls) {
		t.Fatalf("answers to %d calls are recorded, and there are %d%s", len(recorded), len(calls), again)
	}
	out := map[string][]*outcome{}
	for i, r := range recorded {
		if r.Call != callPrint(calls[i]) {
			t.Fatalf("call %d is another than the one recorded%s", i, again)
		}
		var raw json.RawMessage
		for _, e := range engines {
			if answer, ok := r.Answers[e.version]; ok {
				raw = answer
			}
			o, err := readOutcome(raw)
			if err != nil {
				t.Fatal(err)
			}
			out[e.version] = append(out[e.version], o)
			if fresh := theirs[e.version]; fresh != nil && !bytes.Equal(compact(t, fresh[i].raw), compact(t, raw)) {
				t.Errorf("call %d: %s answers\n%s, recorded is\n%s", i, e.version, fresh[i].raw, raw)
			}
		}
	}
	return out
}

// drawnID is what an engine names a pipette or a labware by, in its errors too.
var drawnID = regexp.MustCompile(`[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}`)

// compact is JSON in one form, whichever way Python or Go writes it, and without
// the names that an engine draws.
func compact(t *testing.T, data []byte) []byte {
	t.Helper()
	var value any
	if err := json.Unmarshal(data, &value); err != nil {
		t.Fatal(err)
	}
	out, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	return drawnID.ReplaceAll(out, []byte("id"))
}

func readRecorded(t *testing.T) []recordedCall {
	t.Helper()
	file, err := os.Open(filepath.Join(differFolder, "answers.json.gz"))
	if *update && os.IsNotExist(err) {
		return nil
	}
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	unpacked, err := gzip.NewReader(file)
	if err != nil {
		t.Fatal(err)
	}
	data, err := io.ReadAll(unpacked)
	if err != nil {
		t.Fatal(err)
	}
	var out []recordedCall
	if err := json.Unmarshal(data, &out); err != nil {
		t.Fatal(err)
	}
	return out
}

// keptCalls are those that once disagreed.
func keptCalls(t *testing.T, folder string) []*call {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(folder, "*.json"))
	if err != nil {
		t.Fatal(err)
	}
	var out []*call
	for _, path := range paths {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		c := &call{}
		if err := json.Unmarshal(data, c); err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		out = append(out, c)
	}
	return out
}

func keepCall(t *testing.T, folder string, c *call) {
	t.Helper()
	data, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(folder, callPrint(c)+".json"), append(data, '\n'), 0o644); err != nil {
		t.Fatal(err)
	}
}
