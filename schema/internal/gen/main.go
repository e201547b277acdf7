// Command gen writes the schemas of what people write, workflows, liquid classes, labs and tests, into the folder it is run
// in: go generate ./schema.
package main

import (
	"fmt"
	"os"

	"github.com/ot2flow/ot2flow/schema"
)

func main() {
	for name, data := range map[string][]byte{"workflow": schema.Workflow(), "liquid_class": schema.LiquidClass(), "lab": schema.Lab(), "test": schema.Tests()} {
		if err := os.WriteFile(name+".schema.json", data, 0o644); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
}
