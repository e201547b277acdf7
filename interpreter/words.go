package interpreter

import (
	"strconv"
	"strings"

	"github.com/ot2flow/ot2flow/spec/quantity"
)

// Small pieces of sentences.

func itoa(n int) string { return strconv.Itoa(n) }

// volume renders nanolitres.
func volume(nl int64) string { return quantity.Quantity{Dim: quantity.Volume, N: nl}.String() }

func length(um int64) string { return quantity.Quantity{Dim: quantity.Length, N: um}.String() }

// count renders a number of things: "1 well", "3 wells".
func count(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return itoa(n) + " " + thing + "s"
}

func article(noun string) string {
	if noun != "" && strings.ContainsRune("AEIOUaeiou", rune(noun[0])) {
		return "an " + noun
	}
	return "a " + noun
}
