package diag

import "testing"

func TestNearest(t *testing.T) {
	tests := []struct {
		name       string
		candidates []string
		want       string
	}{
		{"tranfser", []string{"transfer", "distribute", "mix"}, "transfer"},
		{"Aspirate", []string{"dispense", "aspirate"}, "aspirate"},
		{"asprate", []string{"aspirate"}, "aspirate"},
		{"p300_single_gen", []string{"p300_single", "p300_single_gen2"}, "p300_single_gen2"},
		{"vloume", []string{"volume", "value"}, "volume"},
		{"mxi", []string{"mix"}, "mix"},
		{"a1", []string{"B1", "A1"}, "A1"},
		{"plate", []string{"plate_b", "plate_a"}, "plate_b"}, // equally near: the first
		{"µl", []string{"uL"}, "uL"},
		{"shake", []string{"aspirate", "volume"}, ""},
		{"xy", []string{"ab"}, ""},
		{"x", []string{"y"}, ""},
		{"x", []string{"X"}, "X"},
		{"", []string{"a"}, ""},
		{"from", nil, ""},
	}
	for _, tt := range tests {
		got, ok := Nearest(tt.name, tt.candidates)
		if got != tt.want || ok != (tt.want != "") {
			t.Errorf("Nearest(%q, %q) = %q, %v; want %q", tt.name, tt.candidates, got, ok, tt.want)
		}
	}
}

func TestDistance(t *testing.T) {
	tests := []struct {
		a, b string
		want int
	}{
		{"", "", 0},
		{"abc", "abc", 0},
		{"abc", "", 3},
		{"kitten", "sitting", 3},
		{"ab", "ba", 1},
		{"abcd", "badc", 2},
		{"ca", "abc", 3}, // 2 if a swapped pair could be edited again
		{"flaw", "lawn", 2},
	}
	var rows editRows
	for _, tt := range tests {
		for _, pair := range [][2]string{{tt.a, tt.b}, {tt.b, tt.a}} {
			if d, ok := rows.distance([]rune(pair[0]), []rune(pair[1]), 9); d != tt.want || !ok {
				t.Errorf("distance(%q, %q) = %d, %v; want %d", pair[0], pair[1], d, ok, tt.want)
			}
			if _, ok := rows.distance([]rune(pair[0]), []rune(pair[1]), tt.want-1); ok {
				t.Errorf("distance(%q, %q) found below %d", pair[0], pair[1], tt.want)
			}
		}
	}
}

// FuzzDistance holds the early exit against the same table without one.
func FuzzDistance(f *testing.F) {
	f.Add("transfer", "tranfsre", 2)
	f.Add("ab", "ba", 1)
	f.Fuzz(func(t *testing.T, a, b string, limit int) {
		if len(a) > 40 || len(b) > 40 {
			return
		}
		var rows editRows
		full, _ := rows.distance([]rune(a), []rune(b), 1000)
		if d, ok := rows.distance([]rune(a), []rune(b), limit); ok != (full <= limit) || ok && d != full {
			t.Errorf("distance(%q, %q) within %d: %d, %v; without a limit %d", a, b, limit, d, ok, full)
		}
	})
}
