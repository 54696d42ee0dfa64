package vault

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"slices"
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// Hash gives 32 bytes by which a value is found again without being stored in
// clear. The domain (national_id, phone, ...) keeps equal values of different
// meaning apart. The same value in another notation hashes the same: Unicode
// composition, letter case and runs of spaces do not matter, nor do spaces,
// dots and hyphens inside a number.
func (v *Vault) Hash(domain, value string) []byte {
	return v.mac("value", domain, normalise(value))
}

// Words gives one hash for each different word of a text, so that names can be
// searched by word; accents do not matter (Đặng = dang). The hashes are
// sorted: their order says nothing about the text.
func (v *Vault) Words(domain, text string) [][]byte {
	words := strings.FieldsFunc(plain(text), func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsDigit(r)
	})
	hashes := make([][]byte, 0, len(words))
	for _, word := range words {
		hashes = append(hashes, v.mac("word", domain, word))
	}
	slices.SortFunc(hashes, bytes.Compare)
	return slices.CompactFunc(hashes, bytes.Equal)
}

func (v *Vault) mac(parts ...string) []byte {
	mac := hmac.New(sha256.New, v.hashKey)
	mac.Write(place(parts...))
	return mac.Sum(nil)
}

func normalise(value string) string {
	value = lower(strings.Join(strings.Fields(norm.NFC.String(value)), " "))
	bare := strings.NewReplacer(" ", "", ".", "", "-", "").Replace(value)
	if bare != "" && strings.Trim(strings.TrimPrefix(bare, "+"), "0123456789") == "" {
		return bare
	}
	return value
}

// lower composes again: a lower-case letter may need another composition.
func lower(text string) string {
	return norm.NFC.String(strings.ToLower(text))
}

// plain is lower-case text without accents. Đ is a letter of its own, not a D
// with an accent, so Unicode does not decompose it.
func plain(text string) string {
	bare := strings.Map(func(r rune) rune {
		if unicode.Is(unicode.Mn, r) {
			return -1
		}
		return r
	}, norm.NFD.String(lower(text)))
	return strings.ReplaceAll(norm.NFC.String(bare), "đ", "d")
}
