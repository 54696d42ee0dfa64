package simulator

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aidflow/aidflow/rails"
)

func TestNewClientRefusesWhatCannotWork(t *testing.T) {
	for _, c := range []ClientConfig{
		{URL: "", Secret: "s"}, {URL: "ftp://x", Secret: "s"}, {URL: "http://u:p@x", Secret: "s"}, {URL: "http://x"},
	} {
		if _, err := NewClient(c); err == nil {
			t.Errorf("taken: %q", c.URL)
		}
	}
}

// TestOneSwitchFromAnswerToCertainty plays answers that a rail, or something
// between, may give to a submit.
func TestOneSwitchFromAnswerToCertainty(t *testing.T) {
	in := instruction(1)
	good := fmt.Sprintf(`{"key":%q,"state":"accepted","reference":"r","amount":%d,"currency":"VND","at":"2026-03-02T08:00:00Z"}`, in.Key, in.Amount)
	type want struct {
		certainty rails.Certainty
		code      string
	}
	unknown := func(code string) want { return want{rails.Unknown, code} }
	for name, c := range map[string]struct {
		status int
		body   string
		want   want
	}{
		"accepted":             {201, good, want{}},
		"repeated":             {200, good, want{}},
		"another 2xx":          {202, good, unknown(rails.CodeNotUnderstood)},
		"empty":                {200, "", unknown(rails.CodeMalformedAnswer)},
		"cut":                  {200, good[:20], unknown(rails.CodeMalformedAnswer)},
		"trailing":             {200, good + "{}", unknown(rails.CodeMalformedAnswer)},
		"unknown field":        {200, strings.Replace(good, `"key"`, `"x":1,"key"`, 1), unknown(rails.CodeMalformedAnswer)},
		"doubled field":        {200, strings.Replace(good, `"key"`, `"state":"settled","key"`, 1), unknown(rails.CodeMalformedAnswer)},
		"other letter case":    {200, strings.Replace(good, `"state"`, `"State"`, 1), unknown(rails.CodeMalformedAnswer)},
		"amount as text":       {200, strings.Replace(good, "1000001", `"1000001"`, 1), unknown(rails.CodeMalformedAnswer)},
		"too long":             {200, good + strings.Repeat(" ", maxBody), unknown(rails.CodeMalformedAnswer)},
		"a page":               {200, "<html>", unknown(rails.CodeMalformedAnswer)},
		"another state":        {200, strings.Replace(good, "accepted", "paid", 1), unknown(rails.CodeMismatch)},
		"not found":            {200, strings.Replace(good, "accepted", "not_found", 1), unknown(rails.CodeMismatch)},
		"other amount":         {200, strings.Replace(good, "1000001", "1000002", 1), unknown(rails.CodeMismatch)},
		"redirect":             {302, "", unknown(rails.CodeNotUnderstood)},
		"a proxy's 404":        {404, "<html>", unknown(rails.CodeNotUnderstood)},
		"a proxy's 409":        {409, "conflict", unknown(rails.CodeNotUnderstood)},
		"a proxy's 429":        {429, "slow down", unknown(rails.CodeNotUnderstood)},
		"a proxy's 503":        {503, "", unknown(rails.CodeRailFault)},
		"500":                  {500, `{"status":500,"code":"internal"}`, unknown(rails.CodeRailFault)},
		"code of other status": {500, `{"status":500,"code":"key_conflict"}`, unknown(rails.CodeRailFault)},
		"status contradicts":   {409, `{"status":422,"code":"key_conflict"}`, unknown(rails.CodeNotUnderstood)},
		"a new code":           {409, `{"status":409,"code":"new"}`, unknown(rails.CodeNotUnderstood)},
		"conflict":             {409, `{"status":409,"code":"key_conflict"}`, want{rails.Never, rails.CodeKeyConflict}},
		"invalid":              {422, `{"status":422,"code":"invalid_instruction","field":"amount"}`, want{rails.Never, rails.CodeInvalidInstruction}},
		"rate limited":         {429, `{"status":429,"code":"rate_limited"}`, want{rails.NotExecuted, rails.CodeRateLimited}},
		"wrong secret":         {401, `{"status":401,"code":"unauthorized"}`, want{rails.NotExecuted, rails.CodeUnauthorized}},
	} {
		h := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", "7")
			w.Header().Set("Location", "/elsewhere")
			w.WriteHeader(c.status)
			_, _ = w.Write([]byte(c.body))
		}))
		_, err := newClient(t, h.URL).Submit(t.Context(), in)
		h.Close()
		if c.want == (want{}) {
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
			continue
		}
		if err == nil || rails.CertaintyOf(err) != c.want.certainty || rails.CodeOf(err) != c.want.code {
			t.Errorf("%s: got %v, want %v", name, err, c.want)
		}
		var e *rails.Error
		if c.want.code == rails.CodeRateLimited && (!errors.As(err, &e) || e.RetryAfter != 7*time.Second) {
			t.Errorf("%s: Retry-After is lost", name)
		}
	}
}

func TestWithoutAConnectionNothingWasExecuted(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := l.Addr().String()
	_ = l.Close()
	_, err = newClient(t, "http://"+address).Submit(t.Context(), instruction(1))
	if rails.CertaintyOf(err) != rails.NotExecuted || rails.CodeOf(err) != rails.CodeUnreachable {
		t.Errorf("a closed port: %v", err)
	}
	if strings.Contains(err.Error(), "http://") {
		t.Errorf("the error shows the URL: %v", err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = newClient(t, "http://"+address).Submit(ended, instruction(1))
	if rails.CertaintyOf(err) != rails.NotExecuted {
		t.Errorf("an ended context: %v", err)
	}
}

func TestGivingUpWhileTheRailWorksIsUnknown(t *testing.T) {
	_, c := openServer(t, Config{})
	mustScript(t, c, Rule{Kind: TimeoutAfter, Calls: 1})
	c.timeout = 100 * time.Millisecond
	_, err := c.Submit(t.Context(), instruction(1))
	if rails.CertaintyOf(err) != rails.Unknown || rails.CodeOf(err) != rails.CodeNoAnswer {
		t.Errorf("got %v", err)
	}
}

func TestAskTakesOnlyAnswersAboutTheKey(t *testing.T) {
	in := instruction(1)
	for name, c := range map[string]struct {
		status int
		body   string
		ok     bool
	}{
		"not found":              {404, `{"key":"` + in.Key + `","state":"not_found","at":"2026-03-02T08:00:00Z"}`, true},
		"not found with 200":     {200, `{"key":"` + in.Key + `","state":"not_found","at":"2026-03-02T08:00:00Z"}`, false},
		"not found of other":     {404, `{"key":"a/b/1","state":"not_found","at":"2026-03-02T08:00:00Z"}`, false},
		"settled with 404":       {404, `{"key":"` + in.Key + `","state":"settled","at":"2026-03-02T08:00:00Z"}`, false},
		"no such route":          {404, `{"status":404,"code":"no_such_route"}`, false},
		"a page that is missing": {404, `<html>`, false},
	} {
		h := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(c.status)
			_, _ = w.Write([]byte(c.body))
		}))
		s, err := newClient(t, h.URL).Ask(t.Context(), in.Key)
		h.Close()
		if c.ok && (err != nil || s.State != rails.NotFound) {
			t.Errorf("%s: %v", name, err)
		}
		if !c.ok && rails.CertaintyOf(err) != rails.Unknown {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := newClient(t, "http://127.0.0.1:1").Ask(t.Context(), "../books"); rails.CertaintyOf(err) != rails.Never {
		t.Errorf("a malformed key: %v", err)
	}
}

func TestCapabilitiesAreTrue(t *testing.T) {
	_, c := openServer(t, Config{})
	caps := c.Capabilities()
	if c.Name() != RailName || !caps.Takes("VND", rails.MethodBank) {
		t.Errorf("%s: %+v", c.Name(), caps)
	}
	in := instruction(1)
	in.Amount = caps.MaxAmount
	if s, err := c.Submit(t.Context(), in); err != nil || s.State != rails.Accepted {
		t.Errorf("the highest amount: %v %v", s.State, err)
	}
	in = instruction(2)
	in.Amount = caps.MaxAmount + 1
	if s, err := c.Submit(t.Context(), in); err != nil || s.State != rails.Refused || s.Code != "amount_above_limit" {
		t.Errorf("above the highest amount: %v %v", s, err)
	}
}
