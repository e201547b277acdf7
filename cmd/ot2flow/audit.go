package main

import (
	"fmt"
	"iter"
	"text/tabwriter"
	"time"

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
