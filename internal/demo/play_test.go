package demo

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"
)

// Of several tasks of a kind somebody takes the one that is theirs to decide,
// as they have just seen it.
func TestTaskForTakesTheAllowedOne(t *testing.T) {
	p, _ := playWith(t, map[string]http.HandlerFunc{
		"GET /v1/tasks":   answers(map[string]any{"data": []task{{ID: "a"}, {ID: "b"}}}),
		"GET /v1/tasks/a": answers(task{ID: "a", Blocked: "wrong_level"}),
		"GET /v1/tasks/b": answers(task{ID: "b", AllowedActions: []string{"approve"}}),
	})
	got, etag, err := p.taskFor(t.Context(), p.cast.as("approver1"), "approve", "approve")
	if err != nil || got.ID != "b" || etag != `"7"` {
		t.Fatalf("got %+v, %s, %v", got, etag, err)
	}
}

// A decision that the engine has not applied yet is asked about.
func TestDecideWaitsUntilApplied(t *testing.T) {
	asked := 0
	p, _ := playWith(t, map[string]http.HandlerFunc{
		"POST /v1/tasks/t/decisions": answers(decision{ID: "d", Status: "pending"}),
		"GET /v1/decisions/d": func(w http.ResponseWriter, _ *http.Request) {
			asked++
			_ = json.NewEncoder(w).Encode(decision{ID: "d", Status: []string{"", "pending", "applied"}[min(asked, 2)]})
		},
	})
	if err := p.decide(t.Context(), p.cast.as("verifier1"), "t", `"1"`, decisionNew{Action: "complete"}); err != nil || asked != 2 {
		t.Fatalf("asked %d times, %v", asked, err)
	}
}

func TestDecideTellsARefusal(t *testing.T) {
	p, _ := playWith(t, map[string]http.HandlerFunc{
		"POST /v1/tasks/t/decisions": answers(decision{ID: "d", Status: "refused", RefusalCode: "four_eyes"})})
	err := p.decide(t.Context(), p.cast.as("verifier1"), "t", `"1"`, decisionNew{Action: "complete"})
	if err == nil || !strings.Contains(err.Error(), "four_eyes") {
		t.Fatalf("got %v", err)
	}
}

func TestPollEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	err := poll(ctx, func() (bool, string, error) { return false, "nothing", nil })
	if !errors.Is(err, context.Canceled) {
		t.Fatalf("got %v", err)
	}
}

func TestLastOf(t *testing.T) {
	all := []payment{{Tranche: 1, N: 2, Status: "settled"}, {Tranche: 1, N: 1, Status: "failed"}, {Tranche: 2, N: 1, Status: "due"}}
	if got := lastOf(all, 1); got.Status != "settled" {
		t.Errorf("got %+v", got)
	}
	if got := lastOf(all, 3); got.Status != "not there" {
		t.Errorf("got %+v", got)
	}
}

// A payment that fails ends the wait at once, with its reason.
func TestSettledTellsAFailure(t *testing.T) {
	p, _ := playWith(t, map[string]http.HandlerFunc{
		"GET /v1/payments": answers(map[string]any{"data": []payment{{Tranche: 1, N: 1, Status: "failed", ReasonCode: "account_closed"}}})})
	if err := settled(1)(t.Context(), p); err == nil || !strings.Contains(err.Error(), "account_closed") {
		t.Fatalf("got %v", err)
	}
}

// Nobody acts in a live deployment, or with a role that is missing.
func TestSummon(t *testing.T) {
	for name, c := range map[string]struct {
		who  whoami
		want string
	}{
		"live":         {whoami{Mode: "live"}, "needs a test deployment"},
		"role missing": {whoami{Mode: "test", Roles: []string{"auditor"}}, "development data are missing"},
	} {
		api := fakeAPI(t, map[string]http.HandlerFunc{"GET /v1/whoami": answers(c.who)})
		_, err := summon(t.Context(), Options{API: api.base, Key: "k", Lang: "en", Token: func(string) (string, error) { return "t", nil }})
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
