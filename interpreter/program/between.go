package program

import (
	"fmt"
	"strconv"
)

// Between returns the names of the wells of a rectangle, column by column, as
// A1:H3 names them. The error says which of the two there is not.
func (l *Labware) Between(from, to string) ([]string, error) {
	var corner [2]*Well
	for i, name := range []string{from, to} {
		w, ok := l.Well(name)
		if !ok {
			return nil, fmt.Errorf("%s has no well %s", l.DisplayName, name)
		}
		corner[i] = &l.Wells[w]
	}
	var out []string
	for _, column := range l.Columns {
		within := false
		for _, w := range column {
			well := &l.Wells[w]
			within = within || well.Row == corner[0].Row
			if within && well.Column >= corner[0].Column && well.Column <= corner[1].Column {
				out = append(out, well.Name)
			}
			if well.Row == corner[1].Row {
				break
			}
		}
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("%s:%s holds no well; write the upper left one first", from, to)
	}
	return out, nil
}

// SlotNames returns the slots that labware can stand in.
func SlotNames() []string {
	var out []string
	for i := 1; i <= 11; i++ {
		out = append(out, strconv.Itoa(i))
	}
	return out
}
