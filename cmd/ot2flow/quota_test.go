package main

import (
	"strings"
	"testing"

	"github.com/ot2flow/ot2flow/ot2/emulator"
)

// A person is told what a run takes of their quotas, and a run that is too much is
// refused before the question and before the robot is given anything; whoever
// changes a quota is in the log, and the simulator uses nothing.
func TestQuotaOfARobot(t *testing.T) {
	t.Parallel()
	b := newLedgerBench(t)
	_, address := emulated(t, emulator.Options{})
	none, _ := b.do(exitFine, "", "quota")
	if none != "" {
		t.Error(none)
	}
	apply := func(want int, args ...string) string {
		t.Helper()
		_, errs := b.do(want, "", append([]string{"apply", b.file, "--robot", address, "--yes", "--new", "all"}, args...)...)
		return errs
	}
	_, errs := b.do(exitFine, "", "quota", "set", "ada", "--tips", "90", "--runs", "5", "--time", "2h", "--liquid", "red=10mL", "--per", "week", "--why", "the group's share")
	contains(t, errs, "ada: 90 tips a week", "ada: 5 runs a week", "ada: 2 h on robots a week", "ada: 10 mL red a week")
	b.do(exitFine, "", "quota", "set", "--project", "assay", "--runs", "1", "--per", "ever")
	b.do(exitFine, "", "quota", "set", "--each-user", "--tips", "41", "--per", "day")
	plan, _ := b.do(exitFine, "", "plan", b.file, "--robot", address, "--by", "ada")
	contains(t, plan, "Quotas", "ada, 90 tips this week: 0 used, 41 by this run, then 49 left", "ada, 10 mL red this week: 0 uL used, 2.05 mL by this run, then 7.95 mL left", "ada, 5 runs this week: 0 used, 1 by this run, then 4 left")
	contains(t, apply(exitFine, "--by", "ada", "--project", "assay"), "project assay, 1 run in all: 0 used, 1 by this run, then 0 left")
	contains(t, apply(exitCannot, "--by", "bob", "--project", "assay"), "project assay, 1 run in all: 1 needed, 0 left", "nothing has moved", "ot2flow quota set")
	contains(t, apply(exitCannot, "--by", "ada"), "ada, 41 tips today: 41 needed, 0 left")
	b.do(exitFine, "", "quota", "set", "ada", "--tips", "unlimited", "--per", "day")
	apply(exitFine, "--by", "ada")
	contains(t, apply(exitCannot, "--by", "ada"), "ada, 90 tips this week: 41 needed, 8 left")
	apply(exitFine, "--by", "bob")
	var runs struct{ Data []struct{ ID string } }
	if robotGet(t, address+"/runs", &runs); len(runs.Data) != 3 {
		t.Errorf("the robot was given %d runs, and 3 were within the quotas", len(runs.Data))
	}
	b.apply(exitFine, "--by", "ada", "--project", "assay") // on the simulator

	show, _ := b.do(exitFine, "", "quota")
	contains(t, show, "each user: 41 tips a day\n", "bob, 41 tips today: 41 used, 0 left\n", "ada: tips a day without a limit\n", "ada, 90 tips this week: 82 used, 8 left\n", "project assay, 1 run in all: 1 used, 0 left\n")
	if strings.Contains(show, "ada, 41 tips") {
		t.Errorf("ada has a quota of her own:\n%s", show)
	}
	used, _ := b.do(exitFine, "", "quota", "used", "--since", "1d")
	contains(t, used, "ada            1     41", "ada   assay    1     41", "bob            1     41", "2.05 mL red")
	list, _ := b.do(exitFine, "", "runs", "list", "--by", "ada", "--project", "assay", "--format", "json", "--robot", "sim")
	contains(t, list, `"project": "assay"`, `"name": "ada"`)
	b.do(exitFine, "", "quota", "set", "ada", "--tips", "none", "--per", "week")
	log, _ := b.do(exitFine, "", "quota", "log")
	contains(t, log, "ada: 90 tips a week", "the group's share", "project assay: 1 run in all", "each user: 41 tips a day", "ada: no quota of tips a week any more")
	for form, args := range map[string][]string{"quotas": {"quota"}, "quota_log": {"quota", "log"}, "uses": {"quota", "used"}} {
		out, _ := b.do(exitFine, "", append(args, "--format", "json")...)
		asSchema(t, form, out)
	}
}

func TestQuotaSetRefuses(t *testing.T) {
	b := newLedgerBench(t)
	for _, c := range []struct{ args, want string }{
		{"--tips 5 --per day", "say whose quota it is"},
		{"ada --project x --tips 5 --per day", "say whose quota it is"},
		{"ada --tips 5", "--per day, week, month or ever"},
		{"ada --tips 5 --per weak", "did you mean week"},
		{"ada --per day", "say how much"},
		{"ada --tips 1.5 --per day", "whole number"},
		{"ada --tips -1 --per day", "whole number"},
		{"ada --time 8uL --per day", "such as 8h"},
		{"ada --liquid red --per day", "such as antibody=2mL"},
		{"ada --liquid red=8h --per day", "such as 2mL"},
		{"--project x --runs unlimited --per day", "write none"},
	} {
		_, errs := b.do(exitUsage, "", append([]string{"quota", "set"}, strings.Fields(c.args)...)...)
		contains(t, errs, c.want)
	}
	if out, _ := b.do(exitFine, "", "quota", "log"); out != "" {
		t.Errorf("something was written down: %s", out)
	}
}
