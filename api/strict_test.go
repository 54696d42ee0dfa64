package api

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/aidflow/aidflow/aid"
)

func TestStrictDecoderRefusesTheWhole(t *testing.T) {
	for name, c := range map[string]struct{ body, why string }{
		"not json":        {`{"a": }`, "not_json"},
		"cut off":         {`{"a": [1, 2`, "not_json"},
		"trailing value":  {`{"a": 1} {"b": 2}`, "trailing_data"},
		"trailing byte":   {`{"a": 1}x`, "trailing_data"},
		"not utf-8":       {"{\"a\": \"\xff\"}", "not_utf8"},
		"too deep":        {strings.Repeat("[", 33) + strings.Repeat("]", 33), "too_deep"},
		"bare word":       {`hello`, "not_json"},
		"number then dot": {`1.`, "not_json"},
	} {
		_, _, err := decodeStrict([]byte(c.body))
		var e *aid.Error
		if !errors.As(err, &e) || e.Code != "malformed_json" || len(e.Faults) != 1 || e.Faults[0].Code != c.why {
			t.Errorf("%s: %v, want %s", name, err, c.why)
		}
	}
}

func TestStrictDecoderListsEveryFault(t *testing.T) {
	_, faults, err := decodeStrict([]byte(`{"a": 1, "a": 2, "l": [{"x/y": 1, "x/y": "\u0000"}], "b": {"~": 1, "~": 2}}`))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, f := range faults {
		got = append(got, f.Pointer+" "+f.Code)
	}
	want := []string{"/a duplicate_field", "/l/0/x~1y duplicate_field", "/l/0/x~1y bad_character", "/b/~0 duplicate_field"}
	if !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestStrictDecoderTakesDepth32(t *testing.T) {
	if _, _, err := decodeStrict([]byte(strings.Repeat("[", 32) + strings.Repeat("]", 32))); err != nil {
		t.Error(err)
	}
}

// Whatever comes, the decoder answers and never panics.
func TestStrictDecoderOnAnything(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		_, _, err := decodeStrict(rapid.SliceOf(rapid.Byte()).Draw(t, "body"))
		if err != nil && aid.CodeOf(err) != "malformed_json" {
			t.Fatalf("unexpected error %v", err)
		}
	})
}
