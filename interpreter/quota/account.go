package quota

import "slices"

// Account is how much of a quota somebody has used.
type Account struct {
	Limit Limit
	User  string // whose account of a quota of Each it is; otherwise empty
	Used  int64  // with what is reserved for runs that are not over
	Open  int64  // of Used, by runs that are not over
	Need  int64  // of the run that is asked about
}

// Left is what may still be used, not counting Need; never less than nothing.
func (a *Account) Left() int64 { return max(0, a.Limit.Amount-a.Used) }

// Over reports whether the run that is asked about needs more than is left.
func (a *Account) Over() bool {
	return a.Limit.Amount != Unlimited && a.Need > 0 && a.Need > a.Left()
}

// Whose says whose account it is.
func (a *Account) Whose() string {
	if a.User != "" {
		return a.User
	}
	return a.Limit.Whose()
}

// String says what is used and left, and what the run that is asked about takes.
func (a *Account) String() string {
	k := &a.Limit.Key
	when := map[Period]string{Day: " today", Week: " this week", Month: " this month", Ever: " in all"}[k.Per]
	of := k.text(a.Limit.Amount)
	if k.What == Time {
		of += " on robots"
	}
	text := a.Whose() + ", " + of + when + ": "
	if a.Over() {
		return text + k.bare(a.Need) + " needed, " + k.bare(a.Left()) + " left" + a.open()
	}
	text += k.bare(a.Used) + " used" + a.open()
	if a.Need > 0 {
		return text + ", " + k.bare(a.Need) + " by this run, then " + k.bare(a.Left()-a.Need) + " left"
	}
	return text + ", " + k.bare(a.Left()) + " left"
}

// open says what runs that are not over may still use.
func (a *Account) open() string {
	if a.Open == 0 {
		return ""
	}
	return " (" + a.Limit.bare(a.Open) + " by runs that are not over)"
}

// Accounts returns the accounts of the quotas that a run of a user for a project
// counts in, where it has one. Since says when the period began that it is now,
// in ns since 1970.
func Accounts(limits []Limit, uses []Use, since func(Period) int64, run *Use) []Account {
	var out []Account
	for _, l := range limits {
		a := Account{Limit: l, Need: run.Of(&l.Key)}
		switch l.Kind {
		case User:
			if l.Name != run.User {
				continue
			}
		case Project:
			if l.Name != run.Project {
				continue
			}
		case Each:
			if hasOwn(limits, &l.Key, run.User) {
				continue
			}
			a.User = run.User
		}
		if l.Amount == Unlimited {
			continue
		}
		a.count(uses, since(l.Per))
		out = append(out, a)
	}
	return out
}

// hasOwn reports whether a user has a quota of their own in place of one of Each.
func hasOwn(limits []Limit, each *Key, user string) bool {
	own := *each
	own.Kind, own.Name = User, user
	return slices.ContainsFunc(limits, func(l Limit) bool { return l.Key == own })
}

// count adds up what was used since a time.
func (a *Account) count(uses []Use, since int64) {
	k := &a.Limit.Key
	for i := range uses {
		u := &uses[i]
		if u.Began < since || k.Kind == Project && u.Project != k.Name || k.Kind == User && u.User != k.Name || k.Kind == Each && u.User != a.User {
			continue
		}
		n := u.Of(k)
		a.Used += n
		if u.Open {
			a.Open += n
		}
	}
}

// All returns an account of every quota, in their order. After one of Each, whose
// User is empty, come those of everybody whom it is about and who has used
// something.
func All(limits []Limit, uses []Use, since func(Period) int64) []Account {
	var users []string
	for i := range uses {
		users = append(users, uses[i].User)
	}
	slices.Sort(users)
	users = slices.Compact(users)
	var out []Account
	for _, l := range limits {
		a := Account{Limit: l}
		if l.Kind != Each {
			a.count(uses, since(l.Per))
			out = append(out, a)
			continue
		}
		out = append(out, a)
		for _, u := range users {
			a := Account{Limit: l, User: u}
			if a.count(uses, since(l.Per)); a.Used > 0 && !hasOwn(limits, &l.Key, u) {
				out = append(out, a)
			}
		}
	}
	return out
}
