package api

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aidflow/aidflow/aid"
)

func TestProblemsOutsideTheDocument(t *testing.T) {
	d := openDoor(t)
	for _, c := range []struct {
		method, path, code string
		status             int
	}{
		{"GET", "/nothing", "no_such_path", 404},
		{"GET", "/v1/cases/", "no_such_path", 404},
		{"DELETE", "/v1/cases", "method_not_allowed", 405},
		{"GET", "/panic", "internal", 500},
	} {
		a := d.call("portal1", c.method, c.path, nil)
		if a.Status != c.status || a.str("code") != c.code || a.Header.Get("Content-Type") != "application/problem+json" || a.str("request_id") == "" {
			t.Errorf("%s %s: %d %s", c.method, c.path, a.Status, a.Raw)
		}
		if strings.Contains(a.Raw, "canary") {
			t.Errorf("%s: the panic's value got out", c.path)
		}
	}
	if strings.Contains(d.logged(), "canary") {
		t.Error("the panic's value is in the log")
	}
}

func TestProblemSpeaksTheCallersLanguage(t *testing.T) {
	d := openDoor(t)
	for accept, want := range map[string]string{"vi": "Chưa xác thực", "vi-VN,vi;q=0.9,en;q=0.8": "Chưa xác thực", "id": "Belum dikenali", "en": "Who are you?", "": "Who are you?", "xx": "Who are you?"} {
		a := d.call("", "GET", "/v1/whoami", nil, "Accept-Language", accept)
		if a.Status != http.StatusUnauthorized || a.str("title") != want {
			t.Errorf("%q: %d %q", accept, a.Status, a.str("title"))
		}
		if a.Header.Get("WWW-Authenticate") == "" {
			t.Error("401 without WWW-Authenticate")
		}
	}
}

func TestInnerFaultsStayInside(t *testing.T) {
	d := openDoor(t)
	if err := d.db.Close(); err != nil {
		t.Fatal(err)
	}
	a := d.call("portal1", "GET", "/v1/cases", nil)
	if a.Status < 500 || strings.Contains(strings.ToLower(a.Raw), "sql") || strings.Contains(a.Raw, "closed") {
		t.Errorf("%d %s", a.Status, a.Raw)
	}
	if a := d.call("", "GET", "/readyz", nil); a.Status != http.StatusServiceUnavailable {
		t.Errorf("ready without a database: %d", a.Status)
	}
	if a := d.call("", "GET", "/livez", nil); a.Status != http.StatusOK {
		t.Errorf("not alive: %d", a.Status)
	}
}

func TestReadyWhileTheEngineIsAway(t *testing.T) {
	d := openDoor(t)
	d.process.healthErr = errors.New("away")
	a := d.call("", "GET", "/readyz", nil)
	if a.Status != http.StatusOK || a.at("engine") == true {
		t.Errorf("%d %s", a.Status, a.Raw)
	}
}

func TestBodiesAreLimited(t *testing.T) {
	d := openDoor(t)
	for name, c := range map[string]struct {
		body, contentType string
		status            int
	}{
		"too large":   {`{"a": "` + strings.Repeat("x", maxBody) + `"}`, "application/json", 413},
		"other type":  {`programme=medical`, "application/x-www-form-urlencoded", 415},
		"no type":     {`{}`, "", 415},
		"empty":       {``, "application/json", 400},
		"not json":    {`{`, "application/json", 400},
		"with params": {`{}`, "application/json; charset=utf-8", 422},
	} {
		r := httptest.NewRequest("POST", "/v1/cases", strings.NewReader(c.body))
		r.Header.Set("Authorization", d.credential("portal1"))
		r.Header.Set("Idempotency-Key", name)
		r.Header.Set("Content-Type", c.contentType)
		w := httptest.NewRecorder()
		d.ServeHTTP(w, r)
		if a := d.checked(r, w); a.Status != c.status {
			t.Errorf("%s: %d %s", name, a.Status, a.Raw)
		}
	}
}

func TestLogHoldsNoQueryNoBodyNoPath(t *testing.T) {
	d := openDoor(t)
	d.call("portal1", "GET", "/v1/cases?external_id=canary-query", nil)
	d.call("portal1", "GET", "/v1/cases/canary-path", nil)
	d.call("portal1", "POST", "/v1/cases/search", map[string]any{"name": "canary body"})
	log := d.logged()
	if strings.Contains(log, "canary") {
		t.Error(log)
	}
	if !strings.Contains(log, `"operation":"searchCases"`) || !strings.Contains(log, `"request_id":"req_`) {
		t.Error("requests are not logged:", log)
	}
}

// What a handler has handed out may look at its context after the answer is
// sent, as database/sql does: it must not find the next request there.
func TestAContextStaysThatOfItsRequest(t *testing.T) {
	d := openDoor(t)
	d.applyDecisions()
	task := d.underReview(d.submitted("medical"))
	if a := d.decide("verifier1", task, map[string]any{"action": "complete"}); a.Status != 200 {
		t.Fatal(a.Raw)
	}
	for range 20 { // the router uses its own contexts again, sooner or later
		d.call("auditor1", "GET", "/v1/whoami", nil)
		if who := callerOf(d.process.asked); who == nil || who.ID != "verifier1" {
			t.Fatalf("the context of verifier1's request is now that of %+v", who)
		}
	}
}

// A caller cannot say where it comes from, unless a proxy is trusted.
func TestForwardedAddressIsNotBelieved(t *testing.T) {
	d := openDoor(t)
	if d.engine.ForwardedByClientIP && len(d.cfg.TrustedProxies) > 0 {
		t.Fatal("proxies are trusted by default")
	}
	if _, err := New(Config{Mode: "test", TrustedProxies: []string{"not an address"}}, nil, nil, nil); err == nil {
		t.Error("a trusted proxy that is no address is taken")
	}
}

func TestCredentials(t *testing.T) {
	d := openDoor(t)
	other := newIssuer(t)
	good := strings.TrimPrefix(d.credential("verifier1"), "Bearer ")
	forged := good[:strings.LastIndex(good, ".")+1] + "AAAA"
	portal := d.db.Keys["portal1"]
	last := map[bool]string{true: "1", false: "0"}[strings.HasSuffix(portal, "0")] // another one than it has
	for name, c := range map[string]struct {
		header, code string
		status       int
	}{
		"nothing":          {"", "credentials_missing", 401},
		"basic":            {"Basic abc", "credentials_missing", 401},
		"key":              {"Bearer " + portal, "", 200},
		"lower case":       {"bearer " + portal, "", 200},
		"mistyped key":     {"Bearer " + portal[:len(portal)-1] + last, "invalid_key", 401},
		"live key in test": {"Bearer aid_live_" + strings.TrimPrefix(portal, "aid_test_"), "wrong_mode", 401},
		"token":            {"Bearer " + good, "", 200},
		"forged token":     {"Bearer " + forged, "invalid_token", 401},
		"expired token":    {"Bearer " + d.issuer.token(t, "verifier1", "aidflow", time.Now().Add(-time.Hour)), "invalid_token", 401},
		"other audience":   {"Bearer " + d.issuer.token(t, "verifier1", "elsewhere", time.Now().Add(time.Hour)), "invalid_token", 401},
		"other issuer":     {"Bearer " + other.token(t, "verifier1", "aidflow", time.Now().Add(time.Hour)), "invalid_token", 401},
		"unknown person":   {"Bearer " + d.issuer.token(t, "nobody", "aidflow", time.Now().Add(time.Hour)), "unknown_subject", 401},
		"no token at all":  {"Bearer abc", "invalid_token", 401},
	} {
		a := d.call("", "GET", "/v1/whoami", nil, "Authorization", c.header)
		if a.Status != c.status || a.str("code") != c.code {
			t.Errorf("%s: %d %s, want %d %s", name, a.Status, a.Raw, c.status, c.code)
		}
	}
}

func TestRevokedKeyEndsAtOnce(t *testing.T) {
	d := openDoor(t)
	p := d.db.Partner(t, "portal1")
	if err := d.db.Owner(t).RevokeKey(t.Context(), p.ID, p.KeyID); err != nil {
		t.Fatal(err)
	}
	if a := d.call("portal1", "GET", "/v1/whoami", nil); a.Status != 401 || a.str("code") != "key_revoked" {
		t.Errorf("%d %s", a.Status, a.Raw)
	}
}

func TestIssuerAwayAndBack(t *testing.T) {
	d := openDoor(t)
	token := d.credential("verifier1")
	d.staff.issuer = "http://127.0.0.1:1"
	if a := d.call("", "GET", "/v1/whoami", nil, "Authorization", token); a.Status != 503 || a.Header.Get("Retry-After") == "" {
		t.Errorf("%d %s", a.Status, a.Raw)
	}
	d.staff.issuer = d.issuer.URL
	if a := d.call("", "GET", "/v1/whoami", nil, "Authorization", token); a.Status != 200 {
		t.Errorf("%d %s", a.Status, a.Raw)
	}
}

func TestWhoami(t *testing.T) {
	d := openDoor(t)
	a := d.call("portal1", "GET", "/v1/whoami", nil)
	if a.str("kind") != "partner" || a.str("mode") != "test" || a.str("roles.0") != "partner" || a.str("areas.0") != "51" {
		t.Error(a.Raw)
	}
	a = d.call("approver4", "GET", "/v1/whoami", nil)
	if a.str("kind") != "staff" || a.str("id") != "approver4" || a.at("grants.0.chair") != true || a.str("grants.0.level") != "province" {
		t.Error(a.Raw)
	}
}

func TestParametersAreCheckedAllAtOnce(t *testing.T) {
	d := openDoor(t)
	a := d.call("portal1", "GET", "/v1/cases?status=canary&limit=0&created_after=yesterday&cursor=x", nil)
	want := []string{"created_after", "limit", "status"}
	if a.Status != 400 || a.str("code") != "invalid_parameters" {
		t.Fatalf("%d %s", a.Status, a.Raw)
	}
	for _, name := range want {
		if !slices.ContainsFunc(a.codes(), func(c string) bool { return strings.HasPrefix(c, name+" ") }) {
			t.Errorf("%s is not among the faults: %v", name, a.codes())
		}
	}
	if strings.Contains(a.Raw, "canary") || strings.Contains(a.Raw, "yesterday") {
		t.Error("the rejected value is repeated")
	}
	if a := d.call("portal1", "GET", "/v1/cases?cursor=x", nil); a.Status != 400 {
		t.Errorf("a broken cursor: %d", a.Status)
	}
}

func TestUndecodableNumber(t *testing.T) {
	if err := undecodable(errors.New("x")); aid.CodeOf(err) != "malformed_json" {
		t.Error(err)
	}
}
