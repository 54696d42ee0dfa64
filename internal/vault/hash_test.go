package vault_test

import (
	"bytes"
	"testing"

	"golang.org/x/text/unicode/norm"
)

func TestHash(t *testing.T) {
	v := ephemeral(t)
	tests := []struct {
		name, a, b string
		same       bool
	}{
		{"spaces in a number", "051084000913", " 051 084 000913 ", true},
		{"dots and hyphens in a number", "0905.000-913", "0905000913", true},
		{"plus belongs to the number", "+84905000913", "84905000913", false},
		{"letter case", "HN-2026-0913", "hn-2026-0913", true},
		{"hyphens in a code", "HN-2026", "HN2026", false},
		{"composition", norm.NFC.String("Tình"), norm.NFD.String("Tình"), true},
		{"capital with accents", "ĐẶNG", "đặng", true},
		{"runs of spaces", "Phạm  Văn\tTình", "phạm văn tình", true},
		{"accents matter", "Tình", "Tinh", false},
		{"other value", "051084000913", "051084000914", false},
		{"nothing", "", "   ", true},
		{"a separator is not nothing", "-", "", false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a, b := v.Hash("x", tt.a), v.Hash("x", tt.b)
			if len(a) != 32 || bytes.Equal(a, b) != tt.same {
				t.Errorf("%q and %q: same %v, want %v", tt.a, tt.b, !tt.same, tt.same)
			}
		})
	}
	if bytes.Equal(v.Hash("phone", "0905"), v.Hash("account", "0905")) {
		t.Error("two domains share a hash")
	}
	if bytes.Equal(v.Hash("a", "bc"), v.Hash("ab", "c")) {
		t.Error("domain and value run into each other")
	}
	if bytes.Equal(v.Hash("a", "b"), ephemeral(t).Hash("a", "b")) {
		t.Error("two deployments share a hash")
	}
}

func TestWords(t *testing.T) {
	v := ephemeral(t)
	equal := func(a, b [][]byte) bool {
		return len(a) == len(b) && bytes.Equal(bytes.Join(a, nil), bytes.Join(b, nil))
	}
	name := v.Words("name", "Đặng Thị Mỹ-Hạnh")
	if len(name) != 4 {
		t.Fatalf("%d words, want 4", len(name))
	}
	for _, other := range []string{"dang thi my hanh", "HẠNH, MỸ ĐẶNG THỊ", norm.NFD.String("Đặng Thị Mỹ Hạnh"), "đặng đặng thị mỹ hạnh"} {
		if !equal(name, v.Words("name", other)) {
			t.Errorf("%q is not found", other)
		}
	}
	if equal(name, v.Words("name", "dang thi my hang")) || equal(name, v.Words("school", "dang thi my hanh")) {
		t.Error("another word or domain is found")
	}
	if one := v.Words("name", "hanh"); len(one) != 1 || bytes.Equal(one[0], v.Hash("name", "hanh")) {
		t.Error("a word and a value share a hash")
	}
	if got := v.Words("name", " ,. "); len(got) != 0 {
		t.Errorf("%d words in nothing", len(got))
	}
}
