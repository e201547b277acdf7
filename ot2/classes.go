package ot2

import (
	"embed"
	"strings"

	"github.com/ot2flow/ot2flow/spec"
)

// The liquid classes that are shipped, written as users write theirs.

//go:embed classes/*.yaml
var classFiles embed.FS

// LiquidClasses lists the names of the liquid classes that are shipped, sorted.
func (Machine) LiquidClasses() []string {
	entries, err := classFiles.ReadDir("classes")
	if err != nil {
		panic(err) // the files are part of the program
	}
	names := make([]string, len(entries))
	for i, e := range entries {
		names[i] = strings.TrimSuffix(e.Name(), ".yaml")
	}
	return names
}

// LiquidClass finds a liquid class that is shipped, by its name.
func (Machine) LiquidClass(name string) (*spec.LiquidClass, bool) {
	text, ok := LiquidClassFile(name)
	if !ok {
		return nil, false
	}
	src := spec.NewSource(&spec.File{Name: "liquid class " + name, Data: text})
	root, _ := src.Parse()
	c, _, _ := spec.DecodeClass(src, root)
	return c, true
}

// LiquidClassFile returns the text of a liquid class that is shipped.
func LiquidClassFile(name string) ([]byte, bool) {
	text, err := classFiles.ReadFile("classes/" + name + ".yaml")
	return text, err == nil
}
