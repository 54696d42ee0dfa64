package worker_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/internal/postgres"
)

// lends records that somebody acts for approver1, whose tasks approver2 takes.
func (tn *town) lends(from, until time.Duration) string {
	tn.t.Helper()
	d, err := tn.db.CreateDelegation(tn.t.Context(), tn.db.Staff(tn.t, "approver1"), postgres.NewDelegation{ID: postgres.NewID(aid.DelegationID),
		Delegate: "approver2", From: tn.db.Now().Add(from), Until: tn.db.Now().Add(until), Reason: "leave"})
	require.NoError(tn.t, err)
	return d.ID
}

// hands gives who has the approval of a case, and for whom.
func (tn *town) hands(id string) string {
	return tn.texts(`SELECT coalesce(assignee, '') || '/' || coalesce(assigned_for, '') FROM tasks WHERE case_id = $1 AND kind = 'approve' AND closed_at IS NULL`, id)[0]
}

// is tells, after what the worker's sweep does, whether somebody has the
// approval of a case.
func (tn *town) inHandsOf(id, hands string) func() bool {
	return func() bool {
		_, err := tn.db.SettleDelegations(tn.t.Context(), 20)
		require.NoError(tn.t, err)
		return tn.hands(id) == hands
	}
}

// A delegation on the way of two cases: it begins and the open tasks move, the
// delegate decides one of them and both names stand everywhere, it ends and the
// other returns; a second one is revoked; under a third the principal leaves,
// and the task is everybody's at once.
func TestADelegationFromItsBeginningToItsEnd(t *testing.T) {
	t.Parallel()
	tn := newTown(t)
	tn.change(`INSERT INTO staff (subject, name, created_at) VALUES ('approver9', 'Invented', now())`)
	tn.change(`INSERT INTO staff_roles (subject, role, area, level) VALUES ('approver9', 'approver', '51', 'commune')`)
	decided, kept := tn.submit(example(t, "medical")), tn.submit(another(example(t, "medical"), 3))
	may := map[string]string{} // who approves which case, once the tale has come there
	who := people(willing).but(aid.Approve, func(task postgres.TaskRow, _ time.Duration) *move {
		if actor := may[task.CaseID]; actor != "" {
			return &move{actor: actor, action: aid.ActionApprove}
		}
		return nil
	})
	at := 0 // how far the tale has come
	then := func(name string, ready func() bool, do func()) {
		n := len(tn.hooks)
		tn.once(name, func() bool { return at == n && ready() }, func() { do(); at++ })
	}
	var first string
	then("both wait for their approval", func() bool { return tn.open(decided, aid.Approve)() && tn.open(kept, aid.Approve)() }, func() {
		for _, task := range tn.texts(`SELECT id FROM tasks WHERE kind = 'approve' AND closed_at IS NULL`) {
			_, err := tn.db.ClaimTask(t.Context(), tn.db.Staff(t, "approver1"), task, 0)
			require.NoError(t, err)
		}
		first = tn.lends(3*time.Hour, 9*time.Hour)
		require.Equal(t, "approver1/", tn.hands(kept), "before its time nothing moves")
	})
	then("it begins", tn.inHandsOf(kept, "approver2/approver1"), func() {
		require.Equal(t, "approver2/approver1", tn.hands(decided))
		may[decided] = "approver2"
	})
	then("the delegate has decided", func() bool { return tn.status(decided) != aid.InReview }, func() {
		both := map[string]string{
			"decision": `SELECT actor || ' for ' || behalf FROM decisions WHERE case_id = $1 AND action = 'approve' AND state = 'applied'`,
			"event":    `SELECT actor || ' for ' || behalf FROM events WHERE case_id = $1 AND kind = 'task.decided' AND data ->> 'task_kind' = 'approve'`,
			"duties":   `SELECT max(person) || ' for ' || min(person) FROM case_duties WHERE case_id = $1 AND duty = 'approve:commune' AND beside <> ''`,
		}
		for name, query := range both {
			require.Equal(t, []string{"approver2 for approver1"}, tn.texts(query, decided), name)
		}
		rows, err := tn.db.Timeline(t.Context(), tn.manager, decided, postgres.Page{Limit: 100})
		require.NoError(t, err)
		told := 0
		for _, r := range rows {
			if r.Actor == "approver2" && r.Behalf == "approver1" && r.BehalfName != "" {
				told++
			}
		}
		require.NotZero(t, told, "the timeline names both")
		require.Equal(t, []string{first}, tn.texts(`SELECT object FROM audit WHERE action = 'delegate' AND actor = 'approver1'`))
	})
	then("it ends, and what is undecided returns", tn.inHandsOf(kept, "approver1/"), func() {
		second := tn.lends(0, 24*time.Hour)
		require.Equal(t, "approver2/approver1", tn.hands(kept), "one that begins now moves at once")
		_, err := tn.db.RevokeDelegation(t.Context(), tn.db.Staff(t, "approver2"), second, 0)
		require.NoError(t, err)
		require.Equal(t, "approver1/", tn.hands(kept), "revoked")
		require.Equal(t, 1, tn.number(`SELECT count(*) FROM audit WHERE action = 'revoke_delegation' AND actor = 'approver2' AND object = $1`, second))
		tn.lends(0, 24*time.Hour)
	})
	then("the principal leaves", tn.inHandsOf(kept, "approver2/approver1"), func() {
		admin, gone := tn.db.Staff(t, "admin1"), true
		row, err := tn.db.StaffMember(t.Context(), admin, "approver1")
		require.NoError(t, err)
		_, err = tn.db.ChangeStaff(t.Context(), admin, "approver1", row.Version, postgres.StaffChange{Disabled: &gone})
		require.NoError(t, err)
		require.Equal(t, "/", tn.hands(kept), "it is everybody's in the same transaction")
		require.Equal(t, []string{"principal_disabled"}, tn.texts(`SELECT because FROM delegations WHERE because NOT IN ('', 'revoked')`))
		may[kept] = "approver9"
	})
	tn.live(who)
	for _, id := range []string{decided, kept} {
		require.Equal(t, aid.Closed, tn.status(id))
		require.Equal(t, 0, tn.number(`SELECT count(*) FROM tasks WHERE case_id = $1 AND kind = 'repair_configuration'`, id), "nobody was missing")
	}
	require.Equal(t, []string{"task.delegated", "task.delegation_ended", "task.delegated", "task.delegation_ended", "task.delegated", "task.released"},
		tn.texts(`SELECT kind FROM events WHERE case_id = $1 AND kind IN ('task.delegated', 'task.delegation_ended', 'task.released') ORDER BY n`, kept))
	tn.check()
}
