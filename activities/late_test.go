package activities_test

import (
	"encoding/json"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/internal/postgres"
	"github.com/aidflow/aidflow/rails/simulator"
)

// newest is everything that may not change by what is said of older payments:
// the newest payment of each tranche with its attempt, the tranches and the
// ledger.
func (w *world) newest() string {
	w.t.Helper()
	return w.text(`SELECT concat_ws(E'\n',
		(SELECT string_agg(to_jsonb(p)::text, E'\n' ORDER BY p.id) FROM payments p),
		(SELECT string_agg(to_jsonb(a)::text, E'\n' ORDER BY a.id) FROM attempts a JOIN payments p ON p.id = a.payment_id
		  WHERE p.n = (SELECT max(n) FROM payments q WHERE q.tranche_id = p.tranche_id)),
		(SELECT string_agg(to_jsonb(t)::text, E'\n' ORDER BY t.id) FROM tranches t),
		(SELECT string_agg(to_jsonb(l)::text, E'\n' ORDER BY l.id) FROM ledger_transactions l),
		(SELECT string_agg(to_jsonb(b)::text, E'\n' ORDER BY b.fund_id) FROM fund_balances b),
		(SELECT string_agg(k.id || k.state, ' ' ORDER BY k.id) FROM tasks k))`)
}

// saysLate lets the bank speak of every payment that is over: early and late
// words, doubled and out of order, and machines that ask again. It moves
// nothing of any other payment.
func (w *world) saysLate(rng *rand.Rand) {
	w.t.Helper()
	over := strings.Fields(w.text(`SELECT coalesce(string_agg(p.id || '=' || p.state || '=' || a.key, ' '), '') FROM payments p JOIN attempts a ON a.payment_id = p.id
		WHERE p.state NOT IN ('due', 'queued', 'instructed', 'unknown')`))
	before := w.newest()
	for _, one := range over {
		part := strings.SplitN(one, "=", 3)
		words := []string{"settled", "failed", "accepted", "refused"}
		rng.Shuffle(len(words), func(i, j int) { words[i], words[j] = words[j], words[i] })
		for _, said := range append(words, words[0]) {
			_, err := w.store.RecordCallback(w.t.Context(), simulator.RailName, "msg_"+part[2]+said, part[2], said)
			require.NoError(w.t, err)
		}
		w.pays(aid.PayRequest{Case: w.caseID, Payment: part[0]}, aid.PaymentState(part[1]))
	}
	require.Equal(w.t, before, w.newest(), "a late word of one payment moved another")
}

// campaign takes one case through instalments that fail, are cancelled, arrive
// and come back, on a bank that answers in every wrong way, until nothing is
// left to do.
func (w *world) campaign(rng *rand.Rand) {
	w.t.Helper()
	faults := []simulator.Kind{simulator.ErrorBefore, simulator.ErrorAfter, simulator.ResetBefore, simulator.ResetAfter, simulator.RateLimited,
		simulator.Malformed, simulator.WrongAmount, simulator.WrongCurrency, simulator.WrongKey, simulator.Refuse, simulator.Fail}
	for turn, returns := 0, 0; turn < 60; turn++ {
		w.saysLate(rng)
		live := strings.Fields(w.text(`SELECT coalesce((SELECT id || ' ' || state FROM payments WHERE state IN ('due', 'queued', 'instructed', 'unknown')), '')`))
		open := " " + w.asked() + " "
		settled := strings.Fields(w.text(`SELECT coalesce(string_agg(p.id, ' ' ORDER BY p.id), '') FROM payments p JOIN tranches t ON t.id = p.tranche_id
			WHERE p.state = 'settled' AND t.state = 'settled'`))
		switch {
		case returns < 4 && len(settled) > 0 && rng.IntN(3) == 0:
			returns++
			w.comesBack(settled[rng.IntN(len(settled))])
		case len(live) == 2 && live[1] == "instructed":
			if rng.IntN(4) > 0 && turn < 40 {
				require.NoError(w.t, w.bank.AddFaults(w.t.Context(), simulator.Script{Seed: rng.Uint64(), Rules: []simulator.Rule{{Kind: faults[rng.IntN(len(faults))], PerKey: 1, Calls: 1}}}))
			}
			w.call("Pay", aid.PayRequest{Case: w.caseID, Payment: live[0]})
			w.after()
		case strings.Contains(open, " resolve_payment ") && rng.IntN(2) == 0 || open == " resolve_payment ":
			w.agrees([]string{aid.OutcomePayAgain, aid.OutcomePayAgain, aid.OutcomeGiveUp}[rng.IntN(3)])
		case strings.Contains(open, " release_payment "):
			if rng.IntN(5) == 0 && turn < 40 {
				require.NoError(w.t, w.store.CancelPayment(w.t.Context(), w.db.Staff(w.t, "treasurer1"), live[0]))
				continue
			}
			w.decides("DecideRelease", intent{kind: aid.ReleasePayment, actor: "releaser1", action: aid.ActionApprove})
		case strings.Contains(open, " prepare_payment ") && (len(live) == 0 || live[1] == "due"):
			w.prepares()
		case strings.Contains(open, " confirm_milestone "):
			w.confirms()
		default:
			return
		}
	}
	w.t.Fatalf("it never ends: %s, open %s", w.standing(), w.asked())
}

// However the bank answers, a late, early, doubled or reordered word about one
// attempt never moves the next one: across failures, retries, cancellations,
// returns and payments made good. In the end ledger and bank agree.
func TestALateWordMovesItsOwnAttemptOnly(t *testing.T) {
	for seed := range uint64(6) {
		t.Run(strconv.FormatUint(seed, 10), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, alone, nil)
			w.awarded([]string{"schooling", "housing_new", "medical"}[seed%3], "0051000913")
			w.campaign(rand.New(rand.NewPCG(seed, 42)))
			require.Empty(t, w.asked())
			w.agreesWithTheBank()
			require.Equal(t, "0", w.text(`SELECT count(*) FROM tranches WHERE state NOT IN ('settled', 'skipped') OR held`))
			require.Equal(t, "0", w.text(`SELECT count(*) FROM (SELECT t.id FROM tranches t LEFT JOIN payments p ON p.tranche_id = t.id AND p.state = 'settled'
				GROUP BY t.id HAVING coalesce(sum(p.amount), 0) <> t.amount - t.released) x`), "what is left of a tranche was paid, once")
			require.Equal(t, w.text(`SELECT coalesce(sum(amount), 0)::text FROM payments WHERE state = 'settled'`), w.text(`SELECT spent::text FROM fund_balances`))
			require.Equal(t, "0", w.text(`SELECT (reserved + in_transit)::text FROM fund_balances`))
		})
	}
}

// The first payment was taken for failed, the second came back, and then the
// bank says that the first has arrived: the question of the second is moot.
func TestTheFirstArrivesAfterTheSecondCameBack(t *testing.T) {
	t.Parallel()
	w := newWorld(t, alone, nil)
	m := w.meddle()
	first := w.doubtfulOf("schooling")
	m.beforeSend[2] = func() {
		w.clock.pass(time.Hour)
		w.asksPersons(first)
		w.resolves("treasurer2", aid.OutcomeFailed)
		w.resolves("manager1", aid.OutcomeFailed)
		w.after()
		second := w.releases()
		w.pays(second, aid.PaymentSettled)
		w.after()
		w.comesBack(second.Payment)
	}
	w.call("Pay", first)
	require.Regexp(t, "^1 failed (accepted|settled), 2 returned settled$", w.attempts(), "a late answer moves no payment")
	require.Equal(t, "confirm_milestone resolve_payment resolve_payment", w.asked())
	for _, who := range []string{"treasurer2", "manager1"} {
		w.saysOf(first.Payment, who, aid.OutcomeSettled)
	}
	require.Equal(t, "1 failed settled, 2 returned settled, 3 settled -", w.attempts())
	require.Equal(t, "confirm_milestone", w.asked())
	require.Equal(t, "paying running settled evidence_due", w.standing())
}

// saysOf has one person say how this very payment ended.
func (w *world) saysOf(payment, actor, outcome string) {
	w.t.Helper()
	task := w.text(`SELECT id FROM tasks WHERE case_id = $1 AND kind = 'resolve_payment' AND subject = $2 AND closed_at IS NULL`, w.caseID, payment)
	in := postgres.Intent{ID: postgres.NewID(aid.DecisionID), Task: task, Actor: actor, Action: aid.ActionConfirm, Data: json.RawMessage(`{"outcome": "` + outcome + `"}`)}
	require.NoError(w.t, w.conn.QueryRow(`SELECT version FROM tasks WHERE id = $1`, task).Scan(&in.TaskVersion))
	recorded, err := w.store.RecordIntent(w.t.Context(), in)
	require.NoError(w.t, err)
	w.goesOn("ResolvePayment", aid.DecisionRequest{Step: w.step(recorded.Workflow), Decision: recorded.Decision})
}
