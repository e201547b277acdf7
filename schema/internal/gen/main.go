// Command gen writes the schema of workflow files into the folder it is run
// in: go generate ./schema.
package main

import (
	"fmt"
	"os"

	"github.com/ot2flow/ot2flow/schema"
)

func main() {
	if err := os.WriteFile("workflow.schema.json", schema.Workflow(), 0o644); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
