package interpreter

import (
	"strconv"
	"strings"
)

// Small pieces of sentences.

func itoa(n int) string { return strconv.Itoa(n) }

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
