package bankfile

import (
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// The longest texts of the formats.
const (
	maxID      = 35
	maxName    = 140
	maxAccount = 34
	maxText    = 140
)

// latin writes a text in the letters that banks exchange: accents are taken
// off (Nguyễn becomes Nguyen), đ becomes d, and spaces are written once.
// Nothing else is changed or left out; what the bank's letters do not have
// stays, and clean refuses it.
func latin(text string) string {
	bare := strings.Map(func(r rune) rune {
		switch {
		case unicode.Is(unicode.Mn, r):
			return -1
		case r == 'đ':
			return 'd'
		case r == 'Đ':
			return 'D'
		case r == '\u00a0':
			return ' '
		}
		return r
	}, norm.NFD.String(text))
	words := strings.FieldsFunc(bare, func(r rune) bool { return r == ' ' })
	return strings.Join(words, " ")
}

// clean tells whether a text has only the letters of the basic Latin set of
// ISO 20022, and no slashes where banks read a code.
func clean(text string) bool {
	for _, r := range text {
		letter := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9'
		if !letter && !strings.ContainsRune("/-?:().,'+ ", r) {
			return false
		}
	}
	return !strings.HasPrefix(text, "/") && !strings.HasSuffix(text, "/") && !strings.Contains(text, "//")
}

// formula tells whether a spreadsheet would compute the text.
func formula(text string) bool {
	return text != "" && strings.ContainsRune("=+-@\t\r", rune(text[0]))
}
