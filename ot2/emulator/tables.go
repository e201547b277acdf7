package emulator

import (
	"crypto/sha256"
	"encoding/json"
	"io"
	"net/http"
	"path"
	"slices"
)

// The CSV files of run-time parameters. They are forgotten with the power.

// dataFile is such a file.
type dataFile struct {
	id, name string
	sum      [sha256.Size]byte
	body     object
}

func (e *Emulator) postTable(r *http.Request) answer {
	unreadable := fault(400, "BadRequest", "Bad Request", "There was an error parsing the body", "4000")
	if err := r.ParseMultipartForm(maxBody); err != nil {
		return unreadable
	}
	defer r.MultipartForm.RemoveAll() //nolint:errcheck // nothing was put on disk: the limit is that of the body
	list := r.MultipartForm.File["file"]
	if len(list) != 1 || path.Ext(list[0].Filename) != ".csv" {
		return invalid(trouble{ID: "FileFormatNotAccepted", Title: "Invalid file format", Detail: "Only .csv files are accepted.", Source: object{"pointer": "/file"}, Code: "4000"})
	}
	f, err := list[0].Open()
	if err != nil {
		return unreadable
	}
	defer f.Close()
	data, err := io.ReadAll(f)
	if err != nil {
		return unreadable
	}
	name := path.Base(list[0].Filename)
	sum := sumOf(name, data)
	e.mu.Lock()
	defer e.mu.Unlock()
	if i := slices.IndexFunc(e.dataFiles, func(t dataFile) bool { return t.sum == sum }); i >= 0 {
		return okData(e.dataFiles[i].body)
	}
	id := e.options.NewID()
	t := dataFile{id, name, sum, object{"id": id, "createdAt": e.now(), "name": name, "source": "uploaded"}}
	e.dataFiles = append(e.dataFiles, t)
	return created(t.body)
}

// tablesOf returns the names of the files that a request gives, by parameter, and the
// sums of what is in them; ok is false where one of them is not there.
func (e *Emulator) tablesOf(given json.RawMessage) (names map[string]string, sums []byte, ok bool) {
	ids := map[string]string{}
	if len(given) > 0 && json.Unmarshal(given, &ids) != nil {
		return nil, nil, false
	}
	names = map[string]string{}
	params := make([]string, 0, len(ids))
	for param := range ids {
		params = append(params, param)
	}
	slices.Sort(params)
	for _, param := range params {
		i := slices.IndexFunc(e.dataFiles, func(t dataFile) bool { return t.id == ids[param] })
		if i < 0 {
			return nil, nil, false
		}
		names[param] = e.dataFiles[i].name
		sums = append(sums, e.dataFiles[i].sum[:]...)
	}
	return names, sums, true
}

func noTable() answer {
	return fault(404, "FileIdNotFound", "Specified file id not found", "A file that a run-time parameter names was not found on the robot.", "4000")
}
