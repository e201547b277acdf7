package complete

import (
	"strings"

	"github.com/ot2flow/ot2flow/spec"
)

// place is where somebody writes: below which keys and elements, and what of it is there
// already.
type place struct {
	path    []step // from the top of the file
	key     bool   // a key is begun, and not a value; a value in a list may become either
	partial string // what is written of it
	there   map[string]bool
	flow    bool     // inside { } or [ ]
	loops   []string // the names of the loops around it
	results []string // the names that steps above give to what they return
}

// nowhere is a place at which nothing is offered: a comment, or running text.
func nowhere() place { return place{path: []step{{key: "?"}}, flow: true} }

// step is a key, or an element of a list.
type step struct {
	key  string
	item bool
}

// level is a mapping or a list in block style that is open.
type level struct {
	column int
	step
	there map[string]bool // keys of the mapping below it
	loops []string        // names that the loop of the step gives
}

// reader goes through the lines of a text that may be wrong everywhere.
type reader struct {
	text  string
	open  []level // outermost first; the first is the file
	names map[string][]string

	types   map[string]string // of labware, by its name
	results []string
}

// find finds the place at the end of text; rest is what follows it. The reader knows the
// names that text declares.
func find(text, rest string) (place, *reader) {
	r := &reader{text: text, open: []level{{column: -1, there: map[string]bool{}}}, names: map[string][]string{}, types: map[string]string{}}
	var at place
	for pos := 0; pos <= len(text); {
		var done bool
		if pos, done = r.line(pos, &at); done {
			break
		}
	}
	if !at.flow && at.key {
		r.behind(rest, at.there)
	}
	for _, l := range r.open {
		at.loops = append(at.loops, l.loops...)
	}
	at.results = r.results
	return at, r
}

// valued remembers what is said of a name by a value: the type of a labware, and the names
// that steps give. top is where the key of the value is.
func (r *reader) valued(path []step, value string, top *level) {
	key := path[len(path)-1].key
	value, _, _ = strings.Cut(value, " #")
	value = unquoted(value)
	switch {
	case len(path) == 3 && path[0].key == "labware" && key == "type":
		r.types[path[1].key] = value
	case key == "as" && len(path) > 1 && path[len(path)-2].item && spec.IsName(value):
		r.results = append(r.results, value)
	case key == "for" && top != nil:
		for _, at := range spec.LoopNames(value) {
			top.loops = append(top.loops, value[at[0]:at[1]])
		}
	}
}

// line takes the line at pos. It returns where the next one begins, and whether the text
// ends in this one.
func (r *reader) line(pos int, at *place) (next int, last bool) {
	end := strings.IndexByte(r.text[pos:], '\n')
	last = end < 0
	end += pos
	if last {
		end = len(r.text)
	}
	line := r.text[pos:end]
	body := strings.TrimLeft(line, " ")
	column := len(line) - len(body)
	switch {
	case body == "" && !last, strings.HasPrefix(body, "#"):
		if last {
			*at = nowhere()
		}
		return end + 1, last
	}
	for body == "-" || strings.HasPrefix(body, "- ") {
		r.shut(column + 1)
		if top := &r.open[len(r.open)-1]; top.item && top.column == column {
			r.open = r.open[:len(r.open)-1]
		}
		r.open = append(r.open, level{column: column, step: step{item: true}, there: map[string]bool{}})
		behind := strings.TrimLeft(body[1:], " ")
		column += len(body) - len(behind)
		body = behind
	}
	if last && body == "" {
		column = len(line)
	}
	r.shut(column)
	key, value, isKey := cutKey(body)
	if !isKey {
		if strings.HasPrefix(body, "{") || strings.HasPrefix(body, "[") {
			return r.flow(end-len(body), at)
		}
		if last {
			top := &r.open[len(r.open)-1]
			*at = place{path: r.path(), key: true, partial: body, there: top.there}
		}
		return end + 1, last
	}
	top := &r.open[len(r.open)-1]
	top.there[key] = true
	r.declared(key)
	r.open = append(r.open, level{column: column, step: step{key: key}, there: map[string]bool{}})
	if !last {
		r.valued(r.path(), value, &r.open[len(r.open)-2])
	}
	switch {
	case strings.HasPrefix(value, "{") || strings.HasPrefix(value, "["):
		return r.flow(end-len(value), at)
	case strings.HasPrefix(value, "|") || strings.HasPrefix(value, ">"):
		return r.skip(end, column, at)
	case last:
		*at = place{path: r.path(), partial: value}
		if strings.HasPrefix(value, "#") || strings.Contains(value, " #") {
			*at = nowhere()
		}
	}
	return end + 1, last
}

// shut closes what is not below a column any more.
func (r *reader) shut(column int) {
	for r.open[len(r.open)-1].column >= column {
		r.open = r.open[:len(r.open)-1]
	}
}

// path is what is open.
func (r *reader) path() []step {
	var out []step
	for _, l := range r.open[1:] {
		out = append(out, l.step)
	}
	return out
}

// declared remembers a name that a section of the file declares.
func (r *reader) declared(key string) {
	if len(r.open) == 2 && r.open[1].column == 0 && !r.open[1].item {
		section := r.open[1].key
		r.names[section] = append(r.names[section], key)
	}
}

// skip passes by text that goes on over several lines.
func (r *reader) skip(end, column int, at *place) (next int, last bool) {
	for end < len(r.text) {
		pos := end + 1
		end = strings.IndexByte(r.text[pos:], '\n')
		if end < 0 {
			end = len(r.text)
		} else {
			end += pos
		}
		line := r.text[pos:end]
		if body := strings.TrimLeft(line, " "); body != "" && len(line)-len(body) <= column {
			return pos, false
		}
	}
	*at = nowhere()
	return end, true
}

// cutKey cuts a line into a key and the value behind it.
func cutKey(body string) (key, value string, ok bool) {
	if strings.HasPrefix(body, "{") || strings.HasPrefix(body, "[") {
		return "", "", false
	}
	if strings.HasSuffix(body, ":") && !strings.Contains(body, ": ") {
		return unquoted(strings.TrimSuffix(body, ":")), "", true
	}
	key, value, ok = strings.Cut(body, ": ")
	return unquoted(key), strings.TrimLeft(value, " "), ok
}

func unquoted(s string) string { return strings.Trim(strings.TrimSpace(s), `"'`) }

// bracket is a mapping or a list in flow style that is open.
type bracket struct {
	mapping bool
	key     string // the value of which begins; empty where a key is begun
	begins  int    // where what is being written begins
	there   map[string]bool
}

// flow takes what stands in braces or brackets from pos on.
func (r *reader) flow(pos int, at *place) (next int, last bool) {
	var open []bracket
	for i := pos; i < len(r.text); i++ {
		c := r.text[i]
		if len(open) > 0 {
			if top := &open[len(open)-1]; top.begins == i && c == ' ' || top.begins == i && c == '\n' {
				top.begins++
				continue
			}
		}
		switch c {
		case '{', '[':
			open = append(open, bracket{mapping: c == '{', begins: i + 1, there: map[string]bool{}})
		case '}', ']':
			r.inBraces(open, i)
			open = open[:len(open)-1]
			if len(open) == 0 {
				end := strings.IndexByte(r.text[i:], '\n')
				if end < 0 {
					*at = nowhere()
					return len(r.text), true
				}
				return i + end + 1, false
			}
			open[len(open)-1].begins = i + 1
		case ',':
			top := &open[len(open)-1]
			if strings.Count(r.text[top.begins:i], "(") == strings.Count(r.text[top.begins:i], ")") {
				r.inBraces(open, i)
				top.key, top.begins = "", i+1
			}
		case ':':
			top := &open[len(open)-1]
			if top.mapping && top.key == "" && (i+1 == len(r.text) || r.text[i+1] == ' ' || r.text[i+1] == '\n') {
				top.key = unquoted(r.text[top.begins:i])
				top.there[top.key] = true
				if len(open) == 1 && len(r.open) == 2 {
					r.declared(top.key)
				}
				top.begins = i + 1
			}
		case '"', '\'':
			if top := &open[len(open)-1]; top.begins == i {
				if end := strings.IndexByte(r.text[i+1:], c); end >= 0 {
					i += end + 1
				}
			}
		case '#':
			if r.text[i-1] == ' ' || r.text[i-1] == '\n' {
				end := strings.IndexByte(r.text[i:], '\n')
				if end < 0 {
					*at = nowhere()
					return len(r.text), true
				}
				i += end
			}
		}
	}
	path := r.path()
	for i, b := range open {
		switch {
		case !b.mapping:
			path = append(path, step{item: true})
		case b.key != "":
			path = append(path, step{key: b.key})
		case i < len(open)-1:
			path = append(path, step{key: "?"}) // a mapping as a key: nothing is there
		}
	}
	top := &open[len(open)-1]
	*at = place{path: path, key: top.mapping && top.key == "", partial: r.text[top.begins:], there: top.there, flow: true}
	return len(r.text), true
}

// inBraces remembers the value that ends at a place in braces.
func (r *reader) inBraces(open []bracket, end int) {
	path := r.path()
	for _, b := range open {
		if !b.mapping || b.key == "" {
			return
		}
		path = append(path, step{key: b.key})
	}
	r.valued(path, r.text[open[len(open)-1].begins:end], nil)
}

// behind adds the keys of a mapping that stand behind the place.
func (r *reader) behind(rest string, there map[string]bool) {
	column := len(r.text) - strings.LastIndexByte(r.text, '\n') - 1
	line := r.text[len(r.text)-column:]
	column = len(line) - len(strings.TrimLeft(line, " -"))
	_, rest, _ = strings.Cut(rest, "\n")
	for rest != "" {
		var line string
		line, rest, _ = strings.Cut(rest, "\n")
		body := strings.TrimLeft(line, " ")
		indent := len(line) - len(body)
		switch {
		case body == "" || body[0] == '#' || indent > column:
			continue
		case indent < column || body[0] == '-':
			return
		}
		if key, _, ok := cutKey(body); ok {
			there[key] = true
		}
	}
}
