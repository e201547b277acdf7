package main

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"
)

// The manual is made by a test, so that what makes it is not in the program.
var (
	manual   = flag.String("manual", "", "write the pages of the manual into this folder")
	manualOf = flag.Int64("manual-date", 0, "the date on them, in seconds since 1970")
	manualIs = flag.String("manual-version", version, "the version on them")
)

// TestManual has a page for every command, and writes them where that is asked for.
func TestManual(t *testing.T) {
	header := &doc.GenManHeader{Section: "1", Source: "ot2flow " + *manualIs, Manual: "ot2flow"}
	date := time.Unix(*manualOf, 0).UTC()
	header.Date = &date
	root := (&app{}).command()
	root.InitDefaultCompletionCmd()
	root.DisableAutoGenTag = true
	pages := 0
	var each func(c *cobra.Command)
	each = func(c *cobra.Command) {
		if !c.IsAvailableCommand() && c != root || c.IsAdditionalHelpTopicCommand() {
			return
		}
		pages++
		var page bytes.Buffer
		h := *header
		h.Title = strings.ToUpper(strings.ReplaceAll(c.CommandPath(), " ", "-"))
		if err := doc.GenMan(c, &h, &page); err != nil {
			t.Fatal(err)
		}
		if c.Short == "" || !bytes.Contains(page.Bytes(), []byte(".SH SYNOPSIS")) {
			t.Errorf("%s is not described", c.CommandPath())
		}
		if *manual != "" {
			name := strings.ReplaceAll(c.CommandPath(), " ", "-") + ".1"
			if err := os.WriteFile(filepath.Join(*manual, name), page.Bytes(), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		for _, sub := range c.Commands() {
			each(sub)
		}
	}
	each(root)
	if pages < 30 {
		t.Errorf("only %d pages", pages)
	}
}
