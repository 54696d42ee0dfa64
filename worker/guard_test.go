package worker_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/internal/postgres"
)

// A check that fails informs a person; only one that the programme calls final
// rejects by itself, with its own reason.
func TestFinalCheckRejects(t *testing.T) {
	for _, final := range []bool{false, true} {
		tn := newTown(t)
		if final {
			_, err := tn.conn.Exec(`ALTER TABLE programmes DISABLE TRIGGER programmes_stay; UPDATE programmes SET definition = replace(definition, '"kind":"documents","final":false', '"kind":"documents","final":true') WHERE code = 'medical'`)
			require.NoError(t, err)
		}
		request := example(t, "medical")
		request.Documents = request.Documents[:1]
		c := tn.submit(request)
		tn.now = tn.now.Add(time.Minute) // a case does not end in the moment in which it comes
		ended := aid.Closed
		if final {
			ended = aid.Rejected
		}
		tn.live(willing)
		require.Equal(t, ended, tn.status(c))
		require.Equal(t, []string{"documents"}, tn.texts(`SELECT kind FROM case_checks WHERE case_id = $1 AND NOT passed`, c))
		if final {
			require.Equal(t, "check_documents", tn.row(c).ReasonCode)
			require.Zero(t, tn.number(`SELECT count(*) FROM tasks`), "nobody was asked")
			require.Equal(t, untouched(), tn.fund())
		}
		tn.check()
	}
}

// An approval binds payee, account, fund and currency. When what it bound has
// changed while the case waited for money, the money is not taken: the last
// level is asked again, and what it approves now is what counts.
func TestWaitingCaseWhoseApprovalNoLongerHolds(t *testing.T) {
	t.Parallel()
	tn := newTown(t)
	tn.poorFund(1_000_000)
	c := tn.submit(example(t, "medical"))
	tn.once("a new account, past every door", tn.is(c, aid.WaitingFunds), func() {
		id := postgres.NewID(aid.AccountID)
		_, err := tn.conn.Exec(`INSERT INTO payee_accounts (id, kind, method, account_hash, sealed, created_at)
			SELECT $2, p.kind, p.method, '\x00ff', p.sealed, p.created_at FROM payee_accounts p JOIN cases c ON c.payee_account_id = p.id WHERE c.id = $1`, c, id)
		require.NoError(t, err)
		_, err = tn.conn.Exec(`UPDATE cases SET payee_account_id = $2 WHERE id = $1`, c, id)
		require.NoError(t, err)
		tn.give(50_000_000)
	})
	asked := func() int { return tn.number(`SELECT count(*) FROM tasks WHERE kind = 'approve'`) }
	tn.once("asked again", func() bool { return asked() == 2 && tn.open(c, aid.Approve)() }, func() {
		require.Equal(t, aid.InReview, tn.status(c))
		require.Zero(t, tn.fund().reserved)
	})
	tn.liveUntil(people(willing).never(aid.PreparePayment), tn.is(c, aid.Approved))
	require.Equal(t, 2, asked())
	require.Equal(t, 6_000_000, tn.fund().reserved)
	require.Equal(t, 2, tn.number(`SELECT count(DISTINCT bound_hash) FROM decisions d JOIN tasks t ON t.id = d.task_id WHERE t.kind = 'approve'`))
	tn.check()
}
