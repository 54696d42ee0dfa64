package aid_test

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/aidflow/aidflow/aid"
)

func TestTaskRules(t *testing.T) {
	seen := map[aid.TaskKind]bool{}
	for _, rule := range aid.TaskRules() {
		if seen[rule.Kind] || len(rule.Roles) == 0 || len(rule.Actions) == 0 {
			t.Errorf("%s is listed twice, or nobody can decide it", rule.Kind)
		}
		seen[rule.Kind] = true
		if found, ok := aid.RuleOf(rule.Kind); !ok || found.Kind != rule.Kind {
			t.Errorf("%s is not found", rule.Kind)
		}
	}
	if _, ok := aid.RuleOf("no_such_task"); ok {
		t.Error("a rule for a kind that does not exist")
	}
	if got := aid.DutyOf(aid.Approve, "province"); got != "approve:province" {
		t.Errorf("duty %q", got)
	}
}

func TestMayHold(t *testing.T) {
	duties := []string{"", "verify", "approve:commune", "approve:province", "pay", "release", "follow_up"}
	rapid.Check(t, func(t *rapid.T) {
		held, wanted := rapid.SampledFrom(duties[:6]).Draw(t, "held"), rapid.SampledFrom(duties).Draw(t, "wanted")
		want := held == "" || wanted == "" || held == wanted || (wanted == "follow_up" && held != "verify")
		if got := aid.MayHold(held, wanted); got != want {
			t.Fatalf("%q may take %q: %t", held, wanted, got)
		}
	})
}

func TestPaymentMoves(t *testing.T) {
	moves := aid.PaymentMoves()
	all := []aid.PaymentState{aid.PaymentDue, aid.PaymentQueued, aid.PaymentInstructed, aid.PaymentSettled, aid.PaymentFailed,
		aid.PaymentUnknown, aid.PaymentReturned, aid.PaymentCancelled}
	for _, s := range all {
		if s.Live() == s.Terminal() {
			t.Errorf("%s is live and terminal, or neither", s)
		}
		for _, to := range moves[s] {
			if !slices.Contains(all, to) {
				t.Errorf("%s leads to %s, which is no state", s, to)
			}
			if to == aid.PaymentCancelled && s != aid.PaymentDue && s != aid.PaymentQueued {
				t.Errorf("%s may be cancelled although a rail may have heard of it", s)
			}
		}
		if s.Terminal() && s != aid.PaymentSettled && len(moves[s]) > 0 {
			t.Errorf("%s is over and goes on", s)
		}
	}
}
