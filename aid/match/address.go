package match

import (
	"slices"
	"strings"
)

// units are words that begin a part of an address, in plain letters, with the
// one spelling that stands for all of theirs. Longer ones come first.
var units = []struct{ spelled, unit string }{
	{"to dan pho", "to"}, {"khu dan cu", "khu"}, {"khu pho", "khu"}, {"so nha", "so"}, {"thi tran", "xa"}, {"thi xa", "huyen"}, {"thanh pho", "tinh"},
	{"tdp", "to"}, {"kdc", "khu"}, {"kp", "khu"}, {"sn", "so"}, {"tt", "xa"}, {"tx", "huyen"}, {"tp", "tinh"},
	{"thon", "thon"}, {"th", "thon"}, {"xom", "xom"}, {"ap", "ap"}, {"ban", "ban"}, {"buon", "ban"}, {"lang", "lang"}, {"doi", "doi"}, {"to", "to"}, {"khu", "khu"},
	{"so", "so"}, {"nha", "so"}, {"duong", "duong"}, {"d", "duong"}, {"hem", "hem"}, {"ngo", "hem"}, {"kiet", "hem"}, {"ngach", "hem"},
	{"xa", "xa"}, {"x", "xa"}, {"phuong", "xa"}, {"p", "xa"}, {"huyen", "huyen"}, {"h", "huyen"}, {"quan", "huyen"}, {"q", "huyen"}, {"tinh", "tinh"}, {"t", "tinh"},
}

// Address gives the address of a house in the one spelling under which equal
// ones are found: without accents, units in one word, parts in alphabetical
// order, commune, district and province left out, because the area says them.
// It is empty for an address that fits many houses: a hamlet, a group or a
// street without a number.
func Address(text string) string {
	var parts []string
	house := false
	for _, line := range strings.FieldsFunc(text, func(r rune) bool { return r == ',' || r == ';' || r == '\n' || r == '-' }) {
		for _, p := range split(unglued(strings.Fields(Plain(line)))) {
			if p.unit == "xa" || p.unit == "huyen" || p.unit == "tinh" || p.rest == "" {
				continue
			}
			house = house || p.names()
			parts = append(parts, strings.TrimSpace(p.unit+" "+p.rest))
		}
	}
	if !house {
		return ""
	}
	slices.Sort(parts)
	return strings.Join(slices.Compact(parts), ", ")
}

// part is a part of an address: a unit and its number or name.
type part struct{ unit, rest string }

// names tells whether the part tells one house from its neighbours.
func (p part) names() bool {
	return p.unit == "so" // of a house: a number, or whose it is
}

// split cuts a line before every unit. A number at the beginning is that of
// the house, and what follows it without a unit is a street.
func split(tokens []string) []part {
	var parts []part
	unit, rest := "", []string{}
	end := func() {
		n := 0
		for n < len(rest) && numbered(rest[n]) {
			n++
		}
		switch {
		case unit == "" && n > 0, unit == "so" && n > 0 && n < len(rest):
			parts = append(parts, part{"so", strings.Join(rest[:n], " ")}, part{"duong", strings.Join(rest[n:], " ")})
		case unit != "" || len(rest) > 0:
			parts = append(parts, part{unit, strings.Join(rest, " ")})
		}
	}
	for len(tokens) > 0 {
		found, n := unitAt(tokens)
		if n == 0 {
			rest, tokens = append(rest, tokens[0]), tokens[1:]
			continue
		}
		end()
		unit, rest, tokens = found, nil, tokens[n:]
	}
	end()
	return parts
}

// unitAt finds a unit at the beginning of tokens; the last word is a name, not
// a unit.
func unitAt(tokens []string) (unit string, n int) {
	for _, u := range units {
		spelled := strings.Fields(u.spelled)
		if len(tokens) > len(spelled) && slices.Equal(tokens[:len(spelled)], spelled) {
			return u.unit, len(spelled)
		}
	}
	return "", 0
}

// unglued parts a unit from the number that was typed to it: th3, to5.
func unglued(tokens []string) []string {
	var out []string
	for _, token := range tokens {
		at := strings.IndexAny(token, "0123456789")
		if at > 0 && slices.ContainsFunc(units, func(u struct{ spelled, unit string }) bool { return u.spelled == token[:at] }) {
			out = append(out, token[:at])
			token = token[at:]
		}
		out = append(out, token)
	}
	return out
}

func numbered(token string) bool { return strings.ContainsAny(token, "0123456789") }
