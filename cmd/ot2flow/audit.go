package main

import (
	"context"
	"fmt"
	"iter"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/ot2flow/ot2flow/interpreter/journal"
	"github.com/ot2flow/ot2flow/interpreter/program"
)

// audit is something that a person said is so.
type audit struct {
	at        time.Time
	by        journal.Holder
	what, why string
}

// audited writes what people said, oldest first: for people, or as the form of
// that name with the list under key.
func (a *app) audited(form, key string, list iter.Seq2[audit, error]) error {
	b := fmt.Appendf(nil, "{\"format\": \"ot2flow.%s/1\",\n \"%s\": [", form, key)
	t := tabwriter.NewWriter(a.out, 0, 0, 2, ' ', 0)
	n := 0
	for e, err := range list {
		if err != nil {
			return cannot("%v", err)
		}
		if n++; n > 1 {
			b = append(b, ',')
		}
		b = fmt.Appendf(b, "\n  {\"at\": %q, \"by\": ", stamp(e.at))
		for i, text := range []string{e.by.Name, e.by.Host, e.what, e.why} {
			b = append(b, []string{"", `, "host": `, `, "what": `, `, "why": `}[i]...)
			b = program.AppendString(b, text)
		}
		b = append(b, '}')
		if a.format == "text" {
			fmt.Fprintf(t, "%s\t%s\t%s\t%s\n", e.at.Local().Format("2006-01-02 15:04"), e.by.Name, e.what, e.why)
		}
	}
	if a.format == "json" {
		_, err := a.out.Write(append(b, "]}\n"...))
		return a.written(err)
	}
	return a.written(t.Flush())
}

func (a *app) auditCommand() *cobra.Command {
	var since, by string
	c := &cobra.Command{
		Use:   "audit",
		Short: "Show who had a device server do what, when and from where",
		Long: `Lists what was submitted to a device server, what else was asked of it that changes something,
what it refused, and the tokens that were made and revoked, oldest first. Where nobody had to
show a token, the name is what the client said. What is written down of what is
refused is limited: twenty at once, and then one a second.`,
		Example: "  ot2flow audit --since 7d\n  ot2flow audit --by ada --format json",
		Args:    cobra.NoArgs,
	}
	a.stateFlag(c)
	a.formatFlag(c, "text", "json")
	c.Flags().StringVar(&since, "since", "", "only since then: 7d, 12h or 2026-11-23; otherwise all")
	c.Flags().StringVar(&by, "by", "", "only what this person or program did, or wanted")
	c.RunE = func(c *cobra.Command, _ []string) error {
		from, err := moment("since", since)
		if err != nil {
			return err
		}
		return a.audit(c.Context(), from, by)
	}
	return c
}

func (a *app) audit(ctx context.Context, since time.Time, by string) error {
	s, err := a.service().Journal(ctx)
	if err != nil {
		return err
	}
	b := []byte("{\"format\": \"ot2flow.audit/1\",\n \"deeds\": [")
	t := tabwriter.NewWriter(a.out, 0, 0, 2, ' ', 0)
	n := 0
	for d, err := range s.Deeds(ctx, since) {
		if err != nil {
			return cannot("%v", err)
		}
		if by != "" && d.By.Name != by {
			continue
		}
		if n++; n > 1 {
			b = append(b, ',')
		}
		b = fmt.Appendf(b, "\n  {\"at\": %q", stamp(d.At))
		for i, text := range []string{d.By.Name, d.By.Host, d.Token, d.What, d.Outcome} {
			b = append(b, []string{`, "by": `, `, "from": `, `, "token": `, `, "what": `, `, "outcome": `}[i]...)
			b = program.AppendString(b, text)
		}
		b = append(b, '}')
		if a.format == "text" {
			fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\n", d.At.Local().Format("2006-01-02 15:04:05"), deedBy(d), deedFrom(d), printable(d.What), deedOutcome(d))
		}
	}
	if a.format == "json" {
		_, err := a.out.Write(append(b, "]}\n"...))
		return a.written(err)
	}
	return a.written(t.Flush())
}

func deedBy(d *journal.Deed) string {
	switch {
	case d.By.Name == "":
		return "somebody"
	case d.Token != "":
		return printable(d.By.Name) + " (" + d.Token + ")"
	}
	return printable(d.By.Name)
}

func deedFrom(d *journal.Deed) string {
	if d.By.Host == "" {
		return "this computer"
	}
	return printable(d.By.Host)
}

func deedOutcome(d *journal.Deed) string {
	if d.Outcome == "" {
		return "it is not known what became of it"
	}
	return printable(d.Outcome)
}

// printable is text from a client on one line, without what steers a terminal.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f {
			return '?'
		}
		return r
	}, text)
}
