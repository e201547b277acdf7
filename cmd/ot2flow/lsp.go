package main

import (
	"errors"

	"github.com/spf13/cobra"

	"github.com/ot2flow/ot2flow/workflows/lsp"
)

func (a *app) lspCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "lsp",
		Short: "Help an editor with workflows, by the Language Server Protocol",
		Long: `Is started by an editor and speaks the Language Server Protocol with it over standard input
and output: what is wrong is shown as you type, with what mends it; keys, names, wells, labware
and functions are offered; hovering over a key says what it means, and over a well what it holds
at that step; names lead to where they come from, and can be changed everywhere at once.
examples/editors says how to set up VS Code and neovim.`,
		Example: "  ot2flow lsp",
		Args:    cobra.NoArgs,
	}
	c.Flags().Bool("stdio", true, "over standard input and output, which is all there is")
	c.RunE = func(c *cobra.Command, _ []string) error {
		if isTerminal(a.in) {
			a.tell("an editor starts this and speaks with it; examples/editors says how")
		}
		switch err := lsp.Serve(c.Context(), a.in, a.out, version); {
		case errors.Is(err, lsp.ErrUnclean):
			return &exitError{code: exitFindings} // as the protocol wants it
		default:
			return err
		}
	}
	return c
}
