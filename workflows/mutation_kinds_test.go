package workflows_test

import (
	"regexp"
	"slices"
	"strings"
)

// The kinds of mistakes: what slips into a workflow when it is typed, copied, or
// changed for the next plate.

var mutationKinds = []mutation{
	// The text.
	{name: "letters of a key", sure: true, make: inCode(`(?:^|[{, ])(?:- )?(`+keyWords+`):(?: |$)`, swapLetters)},
	{name: "a key twice", sure: true, make: eachLine(func(f *shipped, i int) *mutant {
		if !blockKey.MatchString(f.lines[i]) {
			return nil
		}
		return f.with(slices.Insert(slices.Clone(f.lines), i, f.lines[i]), i+1, i+2)
	})},
	{name: "no colon", sure: true, make: inCode(`(?:^ *|[{,] *|- )[a-z_]+(:) `, func(string) []string { return []string{""} })},
	{name: "no blank", sure: true, make: inCode(`(?:^ *|[{,] *|- )[a-z_]+(: )[A-Za-z0-9]`, func(string) []string { return []string{":"} })},
	{name: "a quote too many", sure: true, make: openQuote},
	{name: "a bracket lost", sure: true, make: inCode(`.*([}\]])`, func(string) []string { return []string{""} })},
	{name: "a comma lost", other: true, make: inCode(`\{.*?(,) [a-z]+:`, func(string) []string { return []string{""} })},
	{name: "a tab", sure: true, make: inCode(`^(  ) *[a-z-]`, func(string) []string { return []string{"\t"} })},
	{name: "indented more", other: true, make: eachLine(indent(1))},
	{name: "indented less", other: true, make: eachLine(indent(-1))},
	// Names.
	{name: "letters of a name", sure: true, make: misspeltNames},
	{name: "letters of a labware", sure: true, make: inCode(`type: ([a-z0-9]+_[a-z0-9_]+)`, swapLetters)},
	{name: "letters of a word", sure: true, make: inCode(`(?:tip|mount|then|split|magnet|latch|lid|in): (new|once|dedicated|per_source|per_destination|right|left|return|trash|even|engage|disengage|closed|open|source|destination)\b`, swapLetters)},
	{name: "a well too far", sure: true, make: inCode(`[a-z]\.([A-H][0-9]{1,2})\b`, func(string) []string { return []string{"Z99"} })},
	{name: "another well", make: inCode(`[a-z]\.([A-H][0-9]{1,2})\b`, nextWell)},
	{name: "letters of a function", sure: true, make: inCode(`[ .(](first|columns|column|row|by_row|each|zip|range|sum|total|chunk|round)\(`, swapLetters)},
	{name: "a parenthesis lost", sure: true, make: inCode(`: [a-z]+[^'"{]*(\))`, func(string) []string { return []string{""} })},
	// Declarations.
	{name: "a declaration lost", other: true, make: lostDeclarations(`.`)},
	{name: "a tip rack lost", other: true, make: lostDeclarations(`tiprack`)},
	{name: "no tips", other: true, make: inCode(`(, tips: \[[^\]]*\])`, func(string) []string { return []string{""} })},
	{name: "another pipette", make: inCode(`type: (p300_single_gen2|p20_single_gen2|p1000_single_gen2|p300_multi_gen2)`, func(s string) []string {
		if s == "p20_single_gen2" {
			return []string{"p300_single_gen2"}
		}
		return []string{"p20_single_gen2"}
	})},
	{name: "a slot twice", sure: true, make: slotTwice},
	{name: "no such slot", sure: true, make: inCode(`slot: ([0-9]+)`, func(string) []string { return []string{"13"} })},
	{name: "another labware", make: inCode(`type: ([a-z0-9]+_96_[a-z]*plate[a-z0-9_]*)`, func(string) []string { return []string{"opentrons_96_tiprack_300ul", "nest_1_reservoir_195ml"} })},
	{name: "bounds exchanged", sure: true, make: boundsExchanged},
	// Quantities.
	{name: "letters of a unit", sure: true, make: inCode(quantityIn+`(uL|mL|mm|rpm|min|ms)\b`, func(s string) []string { return []string{s[1:] + s[:1] + "x"} })},
	{name: "another dimension", sure: true, make: inCode(`(?:volume|rate|shake|at|hold): *`+quantityOf+`(uL|mL|uL/s|rpm|mm)\b`, func(s string) []string {
		if s == "mm" {
			return []string{"C"}
		}
		return []string{"mm"}
	})},
	{name: "uL and mL", make: inCode(quantityIn+`(uL|mL)\b`, func(s string) []string {
		if s == "uL" {
			return []string{"mL"}
		}
		return []string{"uL"}
	})},
	{name: "ten times", make: inCode(`[^a-zA-Z_0-9.][0-9][0-9.]*( )uL\b`, func(string) []string { return []string{"0 "} })},
	{name: "a tenth", make: inCode(`[^0-9.a-z_]([1-9][0-9]*) uL\b`, func(s string) []string { return []string{("0" + s)[min(1, len(s)-1):len(s)] + "." + s[len(s)-1:]} })},
	{name: "below nothing", sure: true, make: inCode(`volume: (\d+) uL`, func(s string) []string { return []string{"-" + s} })},
	{name: "a height below", make: inCode(`bottom (\+) `, func(string) []string { return []string{"-"} })},
	{name: "a height above", make: inCode(`top (-) `, func(string) []string { return []string{"+"} })},
	{name: "numbers exchanged", make: inCode(`([0-9.]+ [a-zA-Z]+, [a-z]+: [0-9.]+ [a-zA-Z]+)`, exchanged)},
	{name: "a comparison turned", make: inCode(` (<=|>=|<|>) `, func(s string) []string {
		return []string{map[string]string{"<=": ">", ">=": "<", "<": ">=", ">": "<="}[s]}
	})},
	// Steps.
	{name: "a step lost", make: eachStep(func(f *shipped, from, to int) *mutant {
		return f.with(slices.Delete(slices.Clone(f.lines), from, to), from, from+1).naming(f.lines[from:to])
	})},
	{name: "a step twice", make: eachStep(func(f *shipped, from, to int) *mutant {
		return f.with(slices.Insert(slices.Clone(f.lines), to, f.lines[from:to]...), span(from+1, 2*to-from)...).naming(f.lines[from:to])
	})},
	{name: "steps exchanged", make: exchangedSteps},
	{name: "a step without key", sure: true, make: inCode(`^ *- ([a-z_]+: )[a-z{]`, func(string) []string { return []string{""} })},
	{name: "an option lost", make: inCode(`(, [a-z_]+: [^,{}\[\]()]+)[,}]`, func(string) []string { return []string{""} })},
}

const (
	keyWords   = `transfer|distribute|consolidate|mix|fill|dilute|formulate|from|to|volume|volumes|labware|type|slot|mount|tips|default|min|max|pipettes|liquids|params|modules|steps|require|that|tip|aspirate|dispense|blow_out|at|rate|air_gap|touch_tip|times|factor|diluent|pick_up_tip|drop_tip|return_tip|move_to|delay|pause|comment|repeat|until|at_most|while|do|for|if|else|call|check|message|set|module|adapter|magnet|temperature|heater_shaker|thermocycler|columns|choices|as|with|ot2flow`
	quantityOf = `[0-9][0-9.]* ?`
	quantityIn = `[^a-zA-Z_0-9.]` + quantityOf
)

// blockKey is a line that is a key and its value; listed ones and rows are not.
var blockKey = regexp.MustCompile(`^ *[a-z_]+: +[^|>#]*$`)

// prose is what people read: a mistake in it changes nothing.
var prose = regexp.MustCompile(`^\s*(- )?(#|name:|description:|message:|comment:|pause:|log:|title:|notify:)`)

// code is the part of a line that means something.
func code(line string) string {
	if prose.MatchString(line) {
		return ""
	}
	if i := strings.Index(line, " #"); i >= 0 {
		line = line[:i]
	}
	if i := strings.Index(line, "description:"); i >= 0 {
		line = line[:i]
	}
	return line
}

// with is the workflow with other lines.
func (f *shipped) with(lines []string, at ...int) *mutant { return &mutant{lines: lines, at: at} }

// naming takes what uses the same names for right.
func (m *mutant) naming(lines []string) *mutant {
	for _, line := range lines {
		m.names = append(m.names, names.FindAllString(code(line), -1)...)
	}
	return m
}

// names are wells, and the pipettes, liquids and labware that steps name.
var names = regexp.MustCompile(`\b[a-z_]+\.[A-H][0-9]{1,2}\b`)

type sites func(*shipped) []mutant

// inCode puts something else in the place of what the group of a pattern finds.
func inCode(pattern string, put func(string) []string) sites {
	re := regexp.MustCompile(pattern)
	return func(f *shipped) []mutant {
		var out []mutant
		for i, line := range f.lines {
			for _, at := range re.FindAllStringSubmatchIndex(code(line), -1) {
				if at[2] < 0 {
					continue
				}
				for _, text := range put(line[at[2]:at[3]]) {
					lines := slices.Clone(f.lines)
					lines[i] = line[:at[2]] + text + line[at[3]:]
					if lines[i] != line {
						out = append(out, *f.with(lines, i+1).value(line))
					}
				}
			}
		}
		return out
	}
}

// declares finds the name that a line declares, in a section or for a parameter.
var declares = regexp.MustCompile(`^  ([A-Za-z_][A-Za-z_0-9]*): `)

// value takes what reads the value that a line declares for right.
func (m *mutant) value(line string) *mutant {
	if d := declares.FindStringSubmatch(line); d != nil {
		m.names = append(m.names, d[1])
	}
	return m
}

// openQuote opens a quote in front of a value that ends the line.
func openQuote(f *shipped) []mutant {
	re := regexp.MustCompile(`^( *(?:- )?[a-z_]+: )([a-z][A-Za-z0-9 ]*)$`)
	var out []mutant
	for i, line := range f.lines {
		if d := re.FindStringSubmatch(code(line)); d != nil {
			lines := slices.Clone(f.lines)
			lines[i] = d[1] + "'" + d[2]
			out = append(out, *f.with(lines, i+1))
		}
	}
	return out
}

// swapLetters exchanges two letters in the middle of a word, or doubles the last.
func swapLetters(s string) []string {
	for i := len(s) / 2; i+1 < len(s); i++ {
		if s[i] != s[i+1] && s[i] != '_' && s[i+1] != '_' && (s[i] > '9' && s[i+1] > '9') {
			return []string{s[:i] + s[i+1:i+2] + s[i:i+1] + s[i+2:]}
		}
	}
	return []string{s + s[len(s)-1:] + "q"}
}

func nextWell(s string) []string {
	if s[0] == 'H' {
		return []string{"G" + s[1:]}
	}
	return []string{string(s[0]+1) + s[1:]}
}

// exchanged exchanges the two quantities of "50 uL, at: 3 mm".
func exchanged(s string) []string {
	a, rest, _ := strings.Cut(s, ", ")
	key, b, _ := strings.Cut(rest, ": ")
	x, unitX, _ := strings.Cut(a, " ")
	y, unitY, _ := strings.Cut(b, " ")
	return []string{y + " " + unitX + ", " + key + ": " + x + " " + unitY}
}

func eachLine(change func(f *shipped, i int) *mutant) sites {
	return func(f *shipped) []mutant {
		var out []mutant
		for i := range f.lines {
			if strings.TrimSpace(code(f.lines[i])) == "" {
				continue
			}
			if m := change(f, i); m != nil {
				out = append(out, *m)
			}
		}
		return out
	}
}

// indent moves a line to the right or the left.
func indent(by int) func(*shipped, int) *mutant {
	return func(f *shipped, i int) *mutant {
		lines := slices.Clone(f.lines)
		switch {
		case by > 0:
			lines[i] = "  " + lines[i]
		case strings.HasPrefix(lines[i], "  "):
			lines[i] = lines[i][2:]
		default:
			return nil
		}
		from, to := i, i+2
		for from > 0 && depth(f.lines[from]) >= depth(f.lines[i]) {
			from-- // to what it belongs to
		}
		return f.with(lines, append(span(i, to), from+1)...)
	}
}

func depth(line string) int {
	if strings.TrimSpace(line) == "" {
		return 1000
	}
	return len(line) - len(strings.TrimLeft(line, " "))
}

// span is the numbers from a to b.
func span(a, b int) []int {
	var out []int
	for ; a <= b; a++ {
		out = append(out, a)
	}
	return out
}

// section is the key without indentation that a line stands under.
func (f *shipped) section(i int) string {
	for ; i >= 0; i-- {
		if key, _, ok := strings.Cut(f.lines[i], ":"); ok && key != "" && depth(f.lines[i]) == 0 && key[0] != '#' {
			return key
		}
	}
	return ""
}

// declared are the names that a workflow declares in one line, with the lines.
func (f *shipped) declared() (names []string, at []int) {
	for i, line := range f.lines {
		d := declares.FindStringSubmatch(line)
		switch {
		case d == nil || i+1 < len(f.lines) && depth(f.lines[i+1]) > 2 && depth(f.lines[i+1]) < 1000:
		case slices.Contains([]string{"params", "labware", "pipettes", "liquids", "modules", "let", "vars", "instruments"}, f.section(i)):
			names, at = append(names, d[1]), append(at, i)
		}
	}
	return names, at
}

// misspeltNames writes a declared name otherwise where it is used.
func misspeltNames(f *shipped) []mutant {
	names, at := f.declared()
	var out []mutant
	for k, name := range names {
		wrong := name + "x"
		if len(name) > 3 {
			wrong = name[:2] + name[3:]
		}
		for i, line := range f.lines {
			text := code(line)
			if i == at[k] || slices.Contains([]string{"name", "description"}, f.section(i)) {
				continue
			}
			for from := 0; ; {
				j := strings.Index(text[from:], name)
				if j < 0 {
					break
				}
				j += from
				from = j + len(name)
				key := from < len(text) && text[from] == ':'
				if wordAt(text, j-1) || wordAt(text, from) || key || j > 0 && strings.ContainsRune(`.'"/`, rune(text[j-1])) {
					continue
				}
				if before := text[:j]; !strings.Contains(before, ": ") && !strings.Contains(before, "- ") || slices.Contains(names, wrong) {
					continue
				}
				lines := slices.Clone(f.lines)
				lines[i] = line[:j] + wrong + line[j+len(name):]
				out = append(out, *f.with(lines, i+1))
				break
			}
		}
	}
	return out
}

// lostDeclarations leaves a declaration out.
func lostDeclarations(pattern string) sites {
	re := regexp.MustCompile(pattern)
	return func(f *shipped) []mutant {
		var out []mutant
		names, at := f.declared()
		for k, i := range at {
			if !re.MatchString(f.lines[i]) {
				continue
			}
			m := f.with(slices.Delete(slices.Clone(f.lines), i, i+1), i, i+1)
			m.names = []string{names[k]}
			out = append(out, *m)
		}
		return out
	}
}

var slotOf = regexp.MustCompile(`slot: ([0-9]+)`)

// slotTwice puts a labware where another one stands.
func slotTwice(f *shipped) []mutant {
	var out []mutant
	before, line := "", 0
	for i, text := range f.lines {
		at := slotOf.FindStringSubmatchIndex(code(text))
		if at == nil || f.section(i) != "labware" {
			continue
		}
		slot := text[at[2]:at[3]]
		if before != "" && before != slot {
			lines := slices.Clone(f.lines)
			lines[i] = text[:at[2]] + before + text[at[3]:]
			out = append(out, *f.with(lines, i+1, line))
		}
		before, line = slot, i+1
	}
	return out
}

var minMax = regexp.MustCompile(`min: ([^,}]+), max: ([^,}]+)`)

func boundsExchanged(f *shipped) []mutant {
	var out []mutant
	for i, text := range f.lines {
		at := minMax.FindStringSubmatchIndex(code(text))
		if at == nil || text[at[2]:at[3]] == text[at[4]:at[5]] {
			continue
		}
		lines := slices.Clone(f.lines)
		lines[i] = text[:at[2]] + text[at[4]:at[5]] + text[at[3]:at[4]] + text[at[2]:at[3]] + text[at[5]:]
		out = append(out, *f.with(lines, i+1).value(text))
	}
	return out
}

// steps are the stretches of lines that are a step of the workflow's own list.
func (f *shipped) steps() [][2]int {
	var out [][2]int
	for i, line := range f.lines {
		if !strings.HasPrefix(line, "  - ") || f.section(i) != "steps" {
			continue
		}
		to := i + 1
		for to < len(f.lines) && (depth(f.lines[to]) > 2 && strings.TrimSpace(f.lines[to]) != "") {
			to++
		}
		out = append(out, [2]int{i, to})
	}
	return out
}

func eachStep(change func(f *shipped, from, to int) *mutant) sites {
	return func(f *shipped) []mutant {
		var out []mutant
		all := f.steps()
		for i, s := range all {
			m := change(f, s[0], s[1])
			if i+1 < len(all) { // what is missing then shows at the step behind it
				m.at = append(m.at, span(s[0]+1, s[0]+all[i+1][1]-all[i+1][0])...)
			}
			out = append(out, *m)
		}
		return out
	}
}

func exchangedSteps(f *shipped) []mutant {
	var out []mutant
	all := f.steps()
	for i := range all[:max(0, len(all)-1)] {
		a, b := all[i], all[i+1]
		if a[1] != b[0] {
			continue
		}
		lines := slices.Concat(f.lines[:a[0]], f.lines[b[0]:b[1]], f.lines[a[0]:a[1]], f.lines[b[1]:])
		out = append(out, *f.with(lines, span(a[0]+1, b[1])...).naming(f.lines[a[0]:b[1]]))
	}
	return out
}
