// Package quota owns how much of what a person or a project may use on the
// robots: tips, liquids, runs and the time of the robots, a day, a week, a month
// or in all. What was used is never counted here: it is the fold of the journal,
// which tells it run by run.
package quota

import (
	"cmp"
	"slices"
	"strconv"

	"github.com/ot2flow/ot2flow/spec/quantity"
)

// Kind says who a quota is about.
type Kind string

// The kinds.
const (
	User    Kind = "user"
	Project Kind = "project"
	// Each is every user who has no quota of their own of the same thing.
	Each Kind = "each"
)

// What is what is counted.
type What string

// What is counted.
const (
	Tips   What = "tips"   // new ones taken
	Runs   What = "runs"   // in which something may have moved
	Time   What = "time"   // ms in which a run has a robot
	Liquid What = "liquid" // nL drawn from the wells that it is declared in
)

// Period is what an amount is for. Days, weeks and months are those of the
// calendar; a week begins on Monday. All of a run counts where it began.
type Period string

// The periods.
const (
	Day   Period = "day"
	Week  Period = "week"
	Month Period = "month"
	Ever  Period = "ever"
)

// Periods lists the periods, shortest first.
func Periods() []Period { return []Period{Day, Week, Month, Ever} }

// Unlimited is the Amount of a quota that lets somebody use whatever they need,
// where others may not.
const Unlimited = -1

// Key says what a quota is about; there is one of each.
type Key struct {
	Kind   Kind   `json:"kind"`
	Name   string `json:"name,omitempty"` // of the user or project
	What   What   `json:"what"`
	Liquid string `json:"liquid,omitempty"`
	Per    Period `json:"per"`
}

// Limit is a quota, or, where it is Gone, that there is none any more.
type Limit struct {
	Key
	Amount int64 `json:"amount"` // tips, runs, ms or nL; Unlimited
	Gone   bool  `json:"gone,omitempty"`
}

// Fold returns the quotas that there are after changes, in the order of their
// keys: the last word on a key counts.
func Fold(changes []Limit) []Limit {
	last := map[Key]Limit{}
	for _, c := range changes {
		last[c.Key] = c
		if c.Gone {
			delete(last, c.Key)
		}
	}
	out := make([]Limit, 0, len(last))
	for _, l := range last {
		out = append(out, l)
	}
	slices.SortFunc(out, func(a, b Limit) int { return compareKeys(&a.Key, &b.Key) })
	return out
}

func compareKeys(a, b *Key) int {
	order := []string{string(Each), string(User), string(Project)}
	things := []string{string(Tips), string(Liquid), string(Runs), string(Time)}
	return cmp.Or(
		cmp.Compare(slices.Index(order, string(a.Kind)), slices.Index(order, string(b.Kind))), cmp.Compare(a.Name, b.Name),
		cmp.Compare(slices.Index(things, string(a.What)), slices.Index(things, string(b.What))), cmp.Compare(a.Liquid, b.Liquid),
		cmp.Compare(slices.Index(Periods(), a.Per), slices.Index(Periods(), b.Per)))
}

// Use is what one run used up, or will.
type Use struct {
	User    string           `json:"user"`
	Project string           `json:"project,omitempty"`
	Began   int64            `json:"began_ns"` // since 1970
	Tips    int64            `json:"tips,omitempty"`
	Runs    int64            `json:"runs,omitempty"`
	MS      int64            `json:"time_ms,omitempty"`
	Liquids map[string]int64 `json:"liquids_nL,omitempty"`
	// Open says that the run is not over: what its plan needs is taken for used
	// as long as it may still use it.
	Open bool `json:"open,omitempty"`
}

// Of returns how much of a thing was used.
func (u *Use) Of(k *Key) int64 {
	switch k.What {
	case Tips:
		return u.Tips
	case Runs:
		return u.Runs
	case Time:
		return u.MS
	case Liquid:
		return u.Liquids[k.Liquid]
	}
	return 0
}

// Reserve makes of a run that is not over one that has used what its plan needs,
// unless it has used more.
func (u *Use) Reserve(plan *Use) {
	u.Tips, u.Runs, u.MS, u.Open = max(u.Tips, plan.Tips), max(u.Runs, plan.Runs), max(u.MS, plan.MS), true
	for name, nl := range plan.Liquids {
		if u.Liquids == nil {
			u.Liquids = map[string]int64{}
		}
		u.Liquids[name] = max(u.Liquids[name], nl)
	}
}

// Add adds what another run used.
func (u *Use) Add(o *Use) {
	u.Tips, u.Runs, u.MS = u.Tips+o.Tips, u.Runs+o.Runs, u.MS+o.MS
	for name, nl := range o.Liquids {
		if u.Liquids == nil {
			u.Liquids = map[string]int64{}
		}
		u.Liquids[name] += nl
	}
}

// text is an amount of what a key is about, for people: 192 tips, 2 mL red.
func (k *Key) text(n int64) string {
	switch k.What {
	case Liquid:
		return quantity.Volume.Text(n) + " " + k.Liquid
	case Time:
		return clock(n)
	case Runs, Tips:
	}
	return count(n, k)
}

func count(n int64, k *Key) string {
	unit := map[What][2]string{Tips: {" tip", " tips"}, Runs: {" run", " runs"}}[k.What]
	if n == 1 {
		return "1" + unit[0]
	}
	return strconv.FormatInt(n, 10) + unit[1]
}

// bare is text without what it is of.
func (k *Key) bare(n int64) string {
	switch k.What {
	case Liquid:
		return quantity.Volume.Text(n)
	case Time:
		return clock(n)
	case Runs, Tips:
	}
	return strconv.FormatInt(n, 10)
}

// clock is a time in ms as hours and minutes, as it is given out.
func clock(ms int64) string {
	min := (ms + 30_000) / 60_000
	if min < 60 {
		return strconv.FormatInt(min, 10) + " min"
	}
	out := strconv.FormatInt(min/60, 10) + " h"
	if min%60 > 0 {
		out += " " + strconv.FormatInt(min%60, 10) + " min"
	}
	return out
}

// String says what a quota is, for people.
func (l *Limit) String() string {
	thing := map[What]string{Tips: "tips", Runs: "runs", Time: "time on robots", Liquid: l.Liquid}[l.What]
	per := map[Period]string{Day: " a day", Week: " a week", Month: " a month", Ever: " in all"}[l.Per]
	switch {
	case l.Gone:
		return l.Whose() + ": no quota of " + thing + per + " any more"
	case l.Amount == Unlimited:
		return l.Whose() + ": " + thing + per + " without a limit"
	case l.What == Time:
		return l.Whose() + ": " + clock(l.Amount) + " on robots" + per
	}
	return l.Whose() + ": " + l.text(l.Amount) + per
}

// Whose says who the quota is about.
func (k *Key) Whose() string {
	switch k.Kind {
	case Project:
		return "project " + k.Name
	case Each:
		return "each user"
	case User:
	}
	return k.Name
}
