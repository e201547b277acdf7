package workflows

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/ot2flow/ot2flow/spec/diag"
)

// FindTests returns the files with tests that paths stand for: a file *.test.yaml for
// itself, a workflow for the one beside it, and a folder for all below it, but for hidden
// folders and those that only tools write to. They are sorted within each path, and each
// is there once.
func FindTests(paths ...string) (files []string, problems diag.List) {
	add := func(path string) {
		if !slices.Contains(files, path) {
			files = append(files, path)
		}
	}
	for _, path := range paths {
		info, err := os.Stat(path)
		switch {
		case err != nil:
			problems = append(problems, diag.Diagnostic{Code: diag.NotFound, Span: diag.Span{File: path}, Message: path + " cannot be read: " + cause(err).Error(), Help: "check the spelling; upper and lower case matter"})
		case !info.IsDir() && isTest(path):
			add(path)
		case !info.IsDir():
			ext := filepath.Ext(path)
			beside := strings.TrimSuffix(path, ext) + ".test" + ext
			if _, err := os.Stat(beside); err == nil {
				add(beside)
			}
		default:
			problems = append(problems, testsBelow(path, add)...)
		}
	}
	return files, problems
}

func testsBelow(folder string, add func(string)) diag.List {
	var problems diag.List
	err := filepath.WalkDir(folder, func(path string, e fs.DirEntry, err error) error {
		name := ""
		if e != nil {
			name = e.Name()
		}
		switch {
		case err != nil:
			problems = append(problems, diag.Diagnostic{Code: diag.Unreadable, Span: diag.Span{File: path}, Message: path + " cannot be read: " + cause(err).Error()})
		case path == folder:
		case strings.HasPrefix(name, ".") || e.IsDir() && isToolFolder(name):
			if e.IsDir() {
				return fs.SkipDir
			}
		case !e.IsDir() && isTest(path) && !isTemporary(name):
			add(path)
		}
		return nil
	})
	if err != nil {
		problems = append(problems, diag.Diagnostic{Code: diag.Unreadable, Span: diag.Span{File: folder}, Message: folder + " cannot be read: " + cause(err).Error()})
	}
	return problems
}

// isTest reports whether a file is one with tests, by its name.
func isTest(path string) bool {
	return strings.HasSuffix(path, ".test.yaml") || strings.HasSuffix(path, ".test.yml")
}
