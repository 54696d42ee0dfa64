package e2e

import (
	"net/http"
	"slices"
	"strings"
	"testing"
)

// ofTheWhole are the codes of faults that a whole body can have: the pointer to
// it is empty.
var ofTheWhole = []string{"wrong_type", "not_json", "trailing_data"}

// expectProblem checks that an answer is one clear problem (RFC 9457) with a
// status and a code.
func expectProblem(t *testing.T, r reply, status int, code string) {
	t.Helper()
	p := r.problem
	if r.status != status || p.Code != code {
		t.Errorf("got %d %q, want %d %q: %s", r.status, p.Code, status, code, r)
	}
	if got := r.header.Get("Content-Type"); got != "application/problem+json" {
		t.Errorf("the content is %q", got)
	}
	if p.Status != r.status || p.Type == "" || p.Title == "" || p.Detail == "" || p.RequestID == "" || p.RequestID != r.header.Get("X-Request-Id") {
		t.Errorf("not a whole problem: %s", r)
	}
	if r.status >= http.StatusInternalServerError {
		t.Errorf("a fault of ours: %s", r)
	}
	// A sentence for people: a code that no catalogue knows ends as its own words.
	if strings.ReplaceAll(p.Code, "_", " ")+"." == p.Detail {
		t.Errorf("the code %s has no text", p.Code)
	}
	for _, f := range p.Errors {
		if f.Code == "" || f.Message == "" || (f.Pointer == "") == (f.Parameter == "") && !slices.Contains(ofTheWhole, f.Code) {
			t.Errorf("a fault says too little: %+v", f)
		}
		if strings.ReplaceAll(f.Code, "_", " ")+"." == f.Message {
			t.Errorf("the code %s has no text", f.Code)
		}
	}
}
