package main

import (
	"cmp"
	"fmt"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"github.com/ot2flow/ot2flow/interpreter/journal"
	"github.com/ot2flow/ot2flow/interpreter/program"
	"github.com/ot2flow/ot2flow/workflows/service"
)

func (a *app) tokensCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "tokens",
		Short: "Who may ask a device server for what",
		Long: `A device server knows by its token who asks for something, and does it under that name. A
viewer sees everything and changes nothing, an operator has runs carried out, answers and
stops them, an admin also decides how the server works. Tokens are in the journal, as hashes;
a server that uses the same journal knows within a second that one was made or revoked.`,
		Example: "  ot2flow tokens add ada --role operator > ada.token\n  OT2FLOW_TOKEN=$(cat ada.token) ot2flow call mix-colors --device https://bench-3.lab.example:8000 --ca ca.crt\n  ot2flow tokens revoke 4x7kq",
		Args:    knownCommand,
	}
	list := a.tokensListCommand()
	c.Flags().AddFlagSet(list.Flags())
	c.PreRunE, c.RunE = list.PreRunE, list.RunE
	c.AddCommand(a.tokensAddCommand(), a.tokensListCommand(), a.tokensRevokeCommand())
	return c
}

func (a *app) tokensAddCommand() *cobra.Command {
	var role, expires string
	var robots []string
	c := &cobra.Command{
		Use:   "add NAME --role viewer|operator|admin",
		Short: "Make a token for somebody, and print it this once",
		Long: `Makes a token for a person or a program, and prints it. It is shown this once, and kept
nowhere: whoever loses it gets another one.`,
		Example: "  ot2flow tokens add ada --role operator > ada.token\n  ot2flow tokens add lims --role viewer --expires never\n  ot2flow tokens add bo --role operator --robot bench-3 --expires 30d",
		Args:    cobra.MaximumNArgs(1),
	}
	a.stateFlag(c)
	f := c.Flags()
	f.StringVar(&role, "role", "", "what it is good for: viewer, operator or admin")
	f.StringVar(&expires, "expires", "90d", "for how long: 12h, 90d, 2y, or never")
	f.StringArrayVar(&robots, "robot", nil, "only for this robot, as serve --robot names it; repeatable; otherwise for all")
	c.RunE = func(c *cobra.Command, args []string) error {
		name := strings.TrimSpace(strings.Join(args, " "))
		if name == "" {
			return usage("say whose token it is: ot2flow tokens add NAME --role operator")
		}
		if role == "" {
			return usage("say what the token is good for: --role viewer, operator or admin")
		}
		r, err := service.ReadRole(role)
		if err != nil {
			return err
		}
		var until time.Time
		if expires != "never" {
			d, ok := age(expires)
			if !ok || d <= 0 {
				return usage("--expires %s: write for how long, such as 12h, 90d or 2y, or never", expires)
			}
			until = time.Now().Add(d)
		}
		secret, t, err := a.service().NewToken(c.Context(), name, r, robots, until)
		if err != nil {
			return err
		}
		a.tell("token %s for %s, %s, %s; this is the only time it is shown", t.ID, t.Name, t.Role, tokenUntil(t))
		_, err = fmt.Fprintln(a.out, secret)
		return a.written(err)
	}
	return c
}

// tokenUntil says for how long a token is good.
func tokenUntil(t *journal.Token) string {
	switch {
	case !t.Revoked.IsZero():
		return "revoked " + t.Revoked.Local().Format("2006-01-02 15:04")
	case t.Expires.IsZero():
		return "does not expire"
	case t.Expires.Before(time.Now()):
		return "expired " + t.Expires.Local().Format("2006-01-02 15:04")
	}
	return "good until " + t.Expires.Local().Format("2006-01-02 15:04")
}

func (a *app) tokensListCommand() *cobra.Command {
	c := &cobra.Command{Use: "list", Short: "Show the tokens that were made, which are not shown themselves", Args: cobra.NoArgs}
	a.stateFlag(c)
	a.formatFlag(c, "text", "json")
	c.RunE = func(c *cobra.Command, _ []string) error {
		list, err := a.service().Tokens(c.Context())
		if err != nil {
			return err
		}
		if a.format == "json" {
			_, err := a.out.Write(appendTokens(nil, list))
			return a.written(err)
		}
		t := tabwriter.NewWriter(a.out, 0, 0, 2, ' ', 0)
		for _, o := range list {
			fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\n", o.ID, o.Name, o.Role, cmp.Or(strings.Join(o.Robots, ", "), "all robots"), tokenUntil(o))
		}
		return a.written(t.Flush())
	}
	return c
}

func appendTokens(b []byte, list []*journal.Token) []byte {
	b = append(b, "{\"format\": \"ot2flow.tokens/1\",\n \"tokens\": ["...)
	for i, o := range list {
		if i > 0 {
			b = append(b, ',')
		}
		for k, text := range []string{o.ID, o.Name, o.Role, stamp(o.Made)} {
			b = append(b, []string{"\n  {\"id\": ", `, "name": `, `, "role": `, `, "made": `}[k]...)
			b = program.AppendString(b, text)
		}
		if o.Robots != nil {
			b = append(b, `, "robots": [`...)
			for k, robot := range o.Robots {
				if k > 0 {
					b = append(b, ", "...)
				}
				b = program.AppendString(b, robot)
			}
			b = append(b, ']')
		}
		if !o.Expires.IsZero() {
			b = fmt.Appendf(b, `, "expires": %q`, stamp(o.Expires))
		}
		if !o.Revoked.IsZero() {
			b = fmt.Appendf(b, `, "revoked": %q`, stamp(o.Revoked))
		}
		b = append(b, '}')
	}
	return append(b, "]}\n"...)
}

func (a *app) tokensRevokeCommand() *cobra.Command {
	c := &cobra.Command{Use: "revoke ID…", Short: "Make tokens worthless, for good", Example: "  ot2flow tokens revoke 4x7kq", Args: cobra.ArbitraryArgs}
	a.stateFlag(c)
	c.RunE = func(c *cobra.Command, args []string) error {
		if len(args) == 0 {
			return usage("say which token: ot2flow tokens list shows their ids")
		}
		for _, id := range args {
			if err := a.service().Revoke(c.Context(), id); err != nil {
				return err
			}
			a.tell("token %s is revoked", id)
		}
		return nil
	}
	return c
}
