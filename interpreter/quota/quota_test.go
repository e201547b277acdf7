package quota

import (
	"testing"

	"pgregory.net/rapid"
)

var names = []string{"ada", "bob", "cleo"}

func drawKey(t *rapid.T) Key {
	k := Key{
		Kind: rapid.SampledFrom([]Kind{User, Project, Each}).Draw(t, "kind"),
		What: rapid.SampledFrom([]What{Tips, Runs, Time, Liquid}).Draw(t, "what"), Per: rapid.SampledFrom(Periods()).Draw(t, "per"),
	}
	if k.Kind != Each {
		k.Name = rapid.SampledFrom(names).Draw(t, "name")
	}
	if k.What == Liquid {
		k.Liquid = rapid.SampledFrom([]string{"red", "blue"}).Draw(t, "liquid")
	}
	return k
}

func drawUse(t *rapid.T) Use {
	n := rapid.Int64Range(0, 50)
	return Use{
		User: rapid.SampledFrom(names).Draw(t, "user"), Project: rapid.SampledFrom(append(names, "")).Draw(t, "project"),
		Began: rapid.Int64Range(0, 100).Draw(t, "began"), Tips: n.Draw(t, "tips"), Runs: 1, MS: n.Draw(t, "ms"),
		Liquids: map[string]int64{"red": n.Draw(t, "red")}, Open: rapid.Bool().Draw(t, "open"),
	}
}

// Whatever is allowed and used: who keeps to what they are told is left never uses
// more than the quota, of any period, since it was set; and a run is refused only
// where it would be more.
func TestNobodyUsesMoreThanTheirQuota(t *testing.T) {
	began := map[Period]int64{Day: 90, Week: 60, Month: 30, Ever: -1}
	since := func(p Period) int64 { return began[p] }
	rapid.Check(t, func(t *rapid.T) {
		var changes []Limit
		for range rapid.IntRange(1, 8).Draw(t, "changes") {
			changes = append(changes, Limit{Key: drawKey(t), Amount: rapid.Int64Range(-1, 200).Draw(t, "amount"), Gone: rapid.Bool().Draw(t, "gone")})
		}
		limits := Fold(changes)
		last := map[Key]Limit{}
		for _, c := range changes {
			last[c.Key] = c
		}
		there := 0
		for _, c := range last {
			if !c.Gone {
				there++
			}
		}
		if len(limits) != there {
			t.Fatalf("%d quotas of %d", len(limits), there)
		}
		var uses []Use
		for range rapid.IntRange(0, 12).Draw(t, "runs") {
			u := drawUse(t)
			u.Began, u.Open = 95, false
			over := false
			for _, a := range Accounts(limits, uses, since, &u) {
				over = over || a.Over()
			}
			if would := exceeded(limits, append(uses, u), &u); would != over {
				t.Fatalf("%+v is refused: %t, and exceeds: %t", u, over, would)
			}
			if !over {
				uses = append(uses, u)
			}
		}
	})
}

// exceeded says in the plainest way whether a run makes a quota that it takes from
// too small.
func exceeded(limits []Limit, uses []Use, run *Use) bool {
	for _, l := range limits {
		own := false
		for _, o := range limits {
			own = own || l.Kind == Each && o.Kind == User && o.Name == run.User && o.What == l.What && o.Liquid == l.Liquid && o.Per == l.Per
		}
		about := l.Kind == Each && !own || l.Kind == User && l.Name == run.User || l.Kind == Project && l.Name == run.Project
		if !about || l.Amount == Unlimited || run.Of(&l.Key) == 0 {
			continue
		}
		sum := int64(0)
		for i := range uses {
			if l.Kind == Project && uses[i].Project == run.Project || l.Kind != Project && uses[i].User == run.User {
				sum += uses[i].Of(&l.Key)
			}
		}
		if sum > l.Amount {
			return true
		}
	}
	return false
}

// What was used before a period began is not of it, what is reserved is told, and
// everybody whom a quota of each holds has an account of their own.
func TestAccounts(t *testing.T) {
	limits := Fold([]Limit{
		{Key: Key{Kind: Each, What: Tips, Per: Week}, Amount: 96},
		{Key: Key{Kind: User, Name: "bob", What: Tips, Per: Week}, Amount: Unlimited},
		{Key: Key{Kind: User, Name: "ada", What: Time, Per: Ever}, Amount: 90 * 60_000},
	})
	uses := []Use{
		{User: "ada", Began: 9, Tips: 50, MS: 60_000},
		{User: "ada", Began: 10, Tips: 20, MS: 60_000},
		{User: "ada", Began: 11, Tips: 8, MS: 3_600_000, Open: true},
		{User: "bob", Began: 11, Tips: 500},
		{User: "cleo", Began: 12, Tips: 1},
	}
	since := func(p Period) int64 { return map[Period]int64{Week: 10, Ever: -1}[p] }
	var got []string
	for _, a := range All(limits, uses, since) {
		got = append(got, a.String())
	}
	want := []string{
		"each user, 96 tips this week: 0 used, 96 left",
		"ada, 96 tips this week: 28 used (8 by runs that are not over), 68 left",
		"cleo, 96 tips this week: 1 used, 95 left",
		"ada, 1 h 30 min on robots in all: 1 h 2 min used (1 h by runs that are not over), 28 min left",
	}
	for i := range want {
		if i >= len(got) || got[i] != want[i] {
			t.Errorf("%q, want %q", got, want[i])
			break
		}
	}
}
