package workflows

import (
	"bytes"
	"embed"
	"io/fs"
	"path"
	"strings"
)

//go:embed templates/*.yaml
var templates embed.FS

// Templates returns the names of the workflows to start from: mix, transfer,
// worklist.
func Templates() []string {
	files, err := fs.Glob(templates, "templates/*.yaml")
	if err != nil {
		panic(err) // the pattern is ours
	}
	for i, f := range files {
		files[i] = strings.TrimSuffix(path.Base(f), ".yaml")
	}
	return files
}

// Template returns the text of a template, with the workflow's name set.
func Template(template, name string) ([]byte, bool) {
	data, err := templates.ReadFile("templates/" + template + ".yaml")
	if err != nil {
		return nil, false
	}
	return bytes.Replace(data, []byte("name: my_workflow"), []byte("name: "+name), 1), true
}
