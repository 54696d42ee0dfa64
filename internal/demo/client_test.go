package demo

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// A request that is sent again keeps its key: it is carried out once.
func TestCallIsSentAgainUnderItsKey(t *testing.T) {
	keys := []string{}
	c := fakeAPI(t, map[string]http.HandlerFunc{"POST /v1/cases": func(w http.ResponseWriter, r *http.Request) {
		keys = append(keys, r.Header.Get("Idempotency-Key"))
		if len(keys) == 1 {
			w.Header().Set("Retry-After", "0")
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		w.WriteHeader(http.StatusCreated)
		_ = json.NewEncoder(w).Encode(caseView{ID: "case_1"})
	}})
	var made caseView
	a, err := callerOf(c, "portal1").post(t.Context(), "/v1/cases", caseNew{}, &made)
	if err != nil || a.status != http.StatusCreated || made.ID != "case_1" {
		t.Fatalf("got %+v, %+v, %v", a, made, err)
	}
	if len(keys) != 2 || keys[0] == "" || keys[0] != keys[1] {
		t.Fatalf("keys %q", keys)
	}
	if _, err := callerOf(c, "portal1").post(t.Context(), "/v1/cases", caseNew{}, nil); err != nil || keys[2] == keys[0] {
		t.Fatalf("another request got the same key: %q, %v", keys, err)
	}
}

func TestCallHeaders(t *testing.T) {
	var got http.Header
	c := fakeAPI(t, map[string]http.HandlerFunc{"POST /v1/tasks/t/decisions": func(_ http.ResponseWriter, r *http.Request) { got = r.Header }})
	_, err := callerOf(c, "verifier1").call(t.Context(), request{method: "POST", path: "/v1/tasks/t/decisions", body: decisionNew{Action: "complete"}, ifMatch: `"3"`}, nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"Authorization": "Bearer secret", "If-Match": `"3"`, "Accept-Language": "en", "Content-Type": "application/json"} {
		if got.Get(name) != want {
			t.Errorf("%s: %q, want %q", name, got.Get(name), want)
		}
	}
}

// A conflict is final unless the API says when to come back.
func TestConflictIsNotRepeated(t *testing.T) {
	calls := 0
	c := fakeAPI(t, map[string]http.HandlerFunc{"POST /v1/x": func(w http.ResponseWriter, _ *http.Request) {
		calls++
		w.WriteHeader(http.StatusConflict)
	}})
	if _, err := callerOf(c, "portal1").post(t.Context(), "/v1/x", nil, nil); err == nil || calls != 1 {
		t.Fatalf("%d calls, %v", calls, err)
	}
}

func TestProblemIsOneLine(t *testing.T) {
	c := fakeAPI(t, map[string]http.HandlerFunc{"POST /v1/cases": func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusUnprocessableEntity)
		_, _ = w.Write([]byte(`{"title": "Not valid", "detail": "Two faults.", "code": "invalid", "request_id": "req_1",
			"errors": [{"pointer": "/a", "code": "required", "message": "is missing"}, {"parameter": "limit", "code": "too_large", "message": "is too large"}]}`))
	}})
	_, err := callerOf(c, "portal1").post(t.Context(), "/v1/cases", caseNew{}, nil)
	var p *problem
	if !errors.As(err, &p) || p.Status != 422 || p.Code != "invalid" {
		t.Fatalf("got %v", err)
	}
	want := "POST /v1/cases as portal1: 422 Not valid: Two faults. [invalid]; /a: is missing [required]; limit: is too large [too_large] (request req_1)"
	if err.Error() != want {
		t.Errorf("got  %s\nwant %s", err, want)
	}
}

// What is not a problem document is named by its status.
func TestProblemOfAnotherKind(t *testing.T) {
	c := fakeAPI(t, map[string]http.HandlerFunc{"GET /v1/x": func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusBadGateway)
		_, _ = w.Write([]byte("<html>"))
	}})
	_, err := callerOf(c, "portal1").get(t.Context(), "/v1/x", nil, nil)
	if err == nil || !strings.Contains(err.Error(), "502 Bad Gateway") || strings.Contains(err.Error(), "html") {
		t.Fatalf("got %v", err)
	}
}

func TestListReadsAllPages(t *testing.T) {
	c := fakeAPI(t, map[string]http.HandlerFunc{"GET /v1/tasks": func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Get("case") != "c" || r.URL.Query().Get("limit") == "" {
			t.Errorf("query %s", r.URL.RawQuery)
		}
		page := map[string]any{"data": []task{{ID: "1"}, {ID: "2"}}, "has_more": true, "next_cursor": "n"}
		if r.URL.Query().Get("cursor") == "n" {
			page = map[string]any{"data": []task{{ID: "3"}}, "has_more": false}
		}
		_ = json.NewEncoder(w).Encode(page)
	}})
	all, err := list[task](t.Context(), callerOf(c, "verifier1"), "/v1/tasks", url.Values{"case": {"c"}})
	if err != nil || len(all) != 3 || all[2].ID != "3" {
		t.Fatalf("got %+v, %v", all, err)
	}
}
