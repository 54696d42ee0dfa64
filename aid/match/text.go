// Package match tells whether two texts that offices and portals have typed
// mean the same person or the same house: accents, word order, abbreviations
// and typing errors do not matter. It decides nothing about identity: its
// answers are hints for a person.
package match

import (
	"slices"
	"strings"
	"unicode"
)

// tones are the vowels of Vietnamese with the six tones, in one order; the
// first of each row is the vowel without a tone.
var tones = [...]string{"aàảãáạ", "ăằẳẵắặ", "âầẩẫấậ", "eèẻẽéẹ", "êềểễếệ", "iìỉĩíị",
	"oòỏõóọ", "ôồổỗốộ", "ơờởỡớợ", "uùủũúụ", "ưừửữứự", "yỳỷỹýỵ"}

// word is a word of a text, taken apart: Hồng is plain hong, shaped hông, and
// has the grave tone. Where in the word the tone stands (hòa, hoà) is lost.
type word struct {
	plain  string // letters without any mark
	shaped string // letters with their shape (ă â đ ê ô ơ ư), without the tone
	tone   int    // 0: none
}

// marked tells whether the word was typed with any mark.
func (w word) marked() bool { return w.tone > 0 || w.plain != w.shaped }

// words takes a text apart: lower case, split at everything that is neither
// letter nor digit. Composed and decomposed letters are the same.
func words(text string) []word {
	var out []word
	var plain, shaped []rune
	tone := 0
	end := func() {
		if len(plain) > 0 {
			out = append(out, word{string(plain), string(shaped), tone})
		}
		plain, shaped, tone = nil, nil, 0
	}
	for _, r := range strings.ToLower(text) {
		if t, mark := combining(r); mark {
			if t > 0 {
				tone = t
			} else if n := len(shaped); n > 0 {
				shaped[n-1] = reshape(shaped[n-1], r)
			}
			continue
		}
		if !unicode.IsLetter(r) && !unicode.IsDigit(r) {
			end()
			continue
		}
		vowel, t := untone(r)
		if t > 0 {
			tone = t
		}
		shaped, plain = append(shaped, vowel), append(plain, bare(vowel))
	}
	end()
	return out
}

// untone takes the tone off a vowel.
func untone(r rune) (vowel rune, tone int) {
	if r < 0x80 {
		return r, 0
	}
	for _, row := range tones {
		at := 0
		var first rune
		for _, v := range row {
			if at == 0 {
				first = v
			}
			if v == r {
				return first, at
			}
			at++
		}
	}
	return r, 0
}

// bare takes the shape off a letter.
func bare(r rune) rune {
	switch r {
	case 'ă', 'â':
		return 'a'
	case 'đ', 'ð': // the second is typed by some keyboards
		return 'd'
	case 'ê':
		return 'e'
	case 'ô', 'ơ':
		return 'o'
	case 'ư':
		return 'u'
	}
	return r
}

// combining knows the marks that follow their letter in decomposed text; a
// tone of 0 is a shape.
func combining(r rune) (tone int, mark bool) {
	switch r {
	case 0x0300:
		return 1, true
	case 0x0309:
		return 2, true
	case 0x0303:
		return 3, true
	case 0x0301:
		return 4, true
	case 0x0323:
		return 5, true
	}
	return 0, unicode.Is(unicode.Mn, r)
}

func reshape(letter, mark rune) rune {
	for _, s := range [...]struct{ letter, mark, shaped rune }{
		{'a', 0x0306, 'ă'}, {'a', 0x0302, 'â'}, {'e', 0x0302, 'ê'}, {'o', 0x0302, 'ô'}, {'o', 0x031B, 'ơ'}, {'u', 0x031B, 'ư'}} {
		if s.letter == letter && s.mark == mark {
			return s.shaped
		}
	}
	return letter
}

// Plain gives a text in lower case, without marks and punctuation, its words
// parted by one space.
func Plain(text string) string {
	var out []string
	for _, w := range words(text) {
		out = append(out, w.plain)
	}
	return strings.Join(out, " ")
}

// NameKey gives a name in the one spelling under which equal names are found:
// plain, y and i alike where they sound alike, words in alphabetical order.
// Empty for a name without letters.
func NameKey(name string) string {
	var out []string
	for _, w := range words(name) {
		out = append(out, likeI(w.plain))
	}
	slices.Sort(out)
	return strings.Join(out, " ")
}

// likeI writes y as i where both are in use: at the end of a word that has no
// other vowel (Lý and Lí, Quý and Quí). In Mây and Mai they are two names.
func likeI(plain string) string {
	stem, ends := strings.CutSuffix(plain, "y")
	if !ends || strings.ContainsAny(strings.TrimPrefix(stem, "qu"), "aeiou") {
		return plain
	}
	return stem + "i"
}

// Digits gives the digits of a text: an account or a number in any grouping.
func Digits(text string) string {
	return strings.Map(func(r rune) rune {
		if r < '0' || r > '9' {
			return -1
		}
		return r
	}, text)
}

// PhoneKey gives a telephone number in its national form: +84 905 000 913 and
// 0905.000.913 are 0905000913. Numbers of other countries keep their code.
func PhoneKey(phone string) string {
	digits := Digits(phone)
	for _, prefix := range []string{"0084", "84"} {
		if rest, ok := strings.CutPrefix(digits, prefix); ok && len(rest) >= 9 && (prefix == "0084" || strings.HasPrefix(strings.TrimSpace(phone), "+") || len(digits) > 10) {
			return "0" + strings.TrimPrefix(rest, "0")
		}
	}
	return digits
}
