package api

import (
	"sync"
	"testing"
)

func TestIdempotency(t *testing.T) {
	d := openDoor(t)
	request, k := d.request("medical"), key()
	first := d.call("portal1", "POST", "/v1/cases", request, k...)
	again := d.call("portal1", "POST", "/v1/cases", request, k...)
	if first.Status != 201 || again.Status != 201 || again.Raw != first.Raw || again.Header.Get("Idempotent-Replayed") != "true" ||
		again.Header.Get("ETag") != first.Header.Get("ETag") || again.Header.Get("Location") != first.Header.Get("Location") {
		t.Errorf("%d %v %s\n%s", again.Status, again.Header, first.Raw, again.Raw)
	}
	if first.Header.Get("Idempotent-Replayed") != "" {
		t.Error("the first answer claims to be a replay")
	}
	if a := d.call("portal1", "POST", "/v1/cases", change(request, "urgent", false), k...); a.Status != 422 || a.str("code") != "idempotency_key_reused" {
		t.Errorf("%d %s", a.Status, a.Raw)
	}
	if a := d.call("portal1", "POST", "/v1/cases", request); a.Status != 400 || a.str("code") != "idempotency_key_missing" {
		t.Errorf("%d %s", a.Status, a.Raw)
	}
	// Another partner's key of the same name is another key.
	if a := d.call("portal2", "POST", "/v1/cases", request, k...); a.str("code") == "idempotency_key_reused" {
		t.Error("keys of two partners are mixed")
	}
	if n := d.count("cases"); n != 1 {
		t.Errorf("%d cases", n)
	}
}

// A refusal frees its key: the same request may be put right and sent again.
func TestRefusedRequestFreesItsKey(t *testing.T) {
	d := openDoor(t)
	k := key()
	if a := d.call("portal1", "POST", "/v1/cases", change(d.request("medical"), "consent", nil), k...); a.Status != 422 {
		t.Fatal(a.Raw)
	}
	if a := d.call("portal1", "POST", "/v1/cases", d.request("medical"), k...); a.Status != 201 {
		t.Errorf("%d %s", a.Status, a.Raw)
	}
}

func TestFiftyCopiesMakeOneCase(t *testing.T) {
	d := openDoor(t)
	request, k := d.request("medical"), key()
	answers := make([]answer, 50)
	var wg sync.WaitGroup
	for i := range answers {
		wg.Go(func() { answers[i] = d.call("portal1", "POST", "/v1/cases", request, k...) })
	}
	wg.Wait()
	ids := map[string]bool{}
	for _, a := range answers {
		switch {
		case a.Status == 201:
			ids[a.str("id")] = true
		case a.Status != 409 || a.str("code") != "idempotency_running" || a.Header.Get("Retry-After") == "":
			t.Errorf("%d %s", a.Status, a.Raw)
		}
	}
	if len(ids) != 1 || d.count("cases") != 1 {
		t.Errorf("ids %v, %d cases", ids, d.count("cases"))
	}
}
