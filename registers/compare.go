package registers

import (
	"slices"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// compare holds what a request says against what a register holds. What one of
// them does not know differs in nothing.
func compare(asked, held Person) Answer {
	var fields []string
	for _, f := range []struct {
		name string
		same bool
	}{
		{FieldBirthDate, same(asked.BirthDate, held.BirthDate)},
		{FieldName, same(words(asked.FullName), words(held.FullName))},
		{FieldSex, same(asked.Sex, held.Sex)},
	} {
		if !f.same {
			fields = append(fields, f.name)
		}
	}
	switch {
	case len(fields) == 0:
		return Answer{Result: Match}
	case slices.Contains(fields, FieldName) && slices.Contains(fields, FieldBirthDate):
		return Answer{Result: NoMatch, Fields: fields}
	}
	return Answer{Result: Differs, Fields: fields}
}

func same(a, b string) bool { return a == "" || b == "" || a == b }

// words gives a name without accents, in lower case and with its words sorted:
// registers write NGUYEN VAN A and A, Nguyễn Văn. Đ is a letter of its own,
// which Unicode does not decompose.
func words(name string) string {
	plain := strings.Map(func(r rune) rune {
		switch {
		case unicode.Is(unicode.Mn, r):
			return -1
		case r == 'đ':
			return 'd'
		case !unicode.IsLetter(r):
			return ' '
		}
		return r
	}, norm.NFD.String(strings.ToLower(norm.NFC.String(name))))
	all := strings.Fields(plain)
	slices.Sort(all)
	return strings.Join(all, " ")
}
