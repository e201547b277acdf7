package main

import (
	"encoding/json"
	"fmt"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"

	"github.com/ot2flow/ot2flow/ot2/labware"
	"github.com/ot2flow/ot2flow/spec"
)

// version and commit are set when a release is built.
var (
	version = "0.1.0-dev"
	commit  string
)

// versionDoc is the form ot2flow.version/1.
type versionDoc struct {
	Format   string           `json:"format"`
	Version  string           `json:"version"`
	Commit   string           `json:"commit,omitempty"`
	Changed  bool             `json:"changed,omitempty"`
	Language string           `json:"language"`
	Labware  versionOfLabware `json:"labware"`
	Go       string           `json:"go"`
	Platform string           `json:"platform"`
}

type versionOfLabware struct {
	Source  string `json:"source"`
	Version string `json:"version"`
}

func (a *app) versionCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "version",
		Short: "Print the versions of ot2flow, of its language and of its labware",
		Long: `Prints the version of ot2flow, the commit it was built from, the version of the workflow
language that it reads, and the version of the Opentrons data that its catalogue of labware
and pipettes was made from.`,
		Args: cobra.NoArgs,
	}
	a.formatFlag(c, "text", "json")
	c.RunE = func(*cobra.Command, []string) error {
		return a.written(a.printVersion(versionOf(debug.ReadBuildInfo())))
	}
	return c
}

// versionOf says what this program is. A release is told its commit; otherwise it is the
// one that Go has found in the folder it was built in, if it has looked.
func versionOf(info *debug.BuildInfo, ok bool) *versionDoc {
	v := &versionDoc{
		Format: "ot2flow.version/1", Version: version, Commit: commit, Language: spec.Version,
		Labware: versionOfLabware{"opentrons-shared-data", labware.SharedData},
		Go:      runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH,
	}
	if commit != "" || !ok {
		return v
	}
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			v.Commit = s.Value
		case "vcs.modified":
			v.Changed = s.Value == "true"
		}
	}
	return v
}

func (a *app) printVersion(v *versionDoc) error {
	if a.format == "json" {
		e := json.NewEncoder(a.out)
		e.SetIndent("", "  ")
		return e.Encode(v)
	}
	from := v.Commit
	switch {
	case from == "":
		from = "not known"
	case v.Changed:
		from += ", with changes"
	}
	_, err := fmt.Fprintf(a.out, "ot2flow %s\n  commit    %s\n  language  %s\n  labware   %s %s\n  built     %s for %s\n",
		v.Version, from, v.Language, v.Labware.Source, v.Labware.Version, v.Go, v.Platform)
	return err
}
