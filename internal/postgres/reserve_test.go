package postgres_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/internal/postgres"
	"github.com/aidflow/aidflow/internal/postgres/pgtest"
)

// fundOf makes a fund of a commune with so much money in it.
func fundOf(t testing.TB, db *pgtest.DB, raised, budget int64) string {
	t.Helper()
	id := postgres.NewID(aid.FundID)
	must(db.CreateFund(t.Context(), db.Staff(t, "treasurer1"), postgres.NewFund{ID: id, Code: id, Name: "Commune", Area: "51001", Currency: "VND",
		Budget: budget, Rails: map[string]string{"bank": "simulator"}}))(t)
	must(db.Contribute(t.Context(), postgres.Contribution{ID: postgres.NewID(aid.ContributionID), FundID: id, ExternalID: "1", Amount: raised,
		Currency: "VND", ReceivedOn: db.Clock.Now(), CreatedBy: "treasurer1"}, "Canary donor"))(t)
	return id
}

// approvable brings a case to the moment before its last approval.
func approvable(t testing.TB, db *pgtest.DB, i int, fund string, urgent bool) string {
	t.Helper()
	content := request(i)
	content.Urgent = urgent
	c := submit(t, db, "portal1", content)
	change(t, db, c.ID, func(tx *postgres.Tx, c *postgres.Case) error {
		c.FundID = &fund
		if err := tx.MoveCase(c, aid.EventOpen); err != nil {
			return err
		}
		return tx.MoveCase(c, aid.EventVerify)
	})
	return c.ID
}

// reserve is the last approval of a case, as far as money is concerned.
func reserve(t testing.TB, db *pgtest.DB, id string) (got bool, err error) {
	t.Helper()
	err = db.Write(t.Context(), func(tx *postgres.Tx) error {
		c, err := tx.LockCase(id)
		if err != nil {
			return err
		}
		if c.DecidedAt == nil {
			c.DecidedAt = &tx.Now
		}
		award, err := tx.ProposeAward(c)
		if err != nil {
			return err
		}
		if got, err = tx.Reserve(c, award, "approver1"); err != nil {
			return err
		}
		event := aid.EventWaitFunds
		if got {
			event = aid.EventAward
		}
		if !got && c.Status == aid.WaitingFunds {
			return nil
		}
		return tx.MoveCase(c, event)
	})
	return got, err
}

// Eight cases ask at once for money that is enough for three: three get it,
// and for the others the decision stands.
func TestTheLastMoneyIsReservedOnce(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ raised, budget int64 }{
		"raised": {20_000_000, 500_000_000}, "budget": {500_000_000, 20_000_000}, "exactly": {18_000_000, 18_000_000},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			db := pgtest.New(t)
			fund := fundOf(t, db, tc.raised, tc.budget)
			ids, got := make([]string, 8), make([]bool, 8)
			for i := range ids {
				ids[i] = approvable(t, db, i, fund, false)
			}
			won := 0
			for i, err := range crowd(len(ids), func(i int) (err error) { got[i], err = reserve(t, db, ids[i]); return err }) {
				if err != nil {
					t.Errorf("case %d: %v", i, err)
				}
				if got[i] {
					won++
				}
			}
			waiting := count(t, db, `SELECT count(*) FROM cases WHERE status = 'waiting_funds'`)
			held := count(t, db, `SELECT reserved FROM fund_balances WHERE fund_id = $1`, fund)
			if won != 3 || waiting != 5 || held != 18_000_000 {
				t.Fatalf("%d won, %d wait, %d is reserved", won, waiting, held)
			}
		})
	}
}

// Who waits gets the money in the order of the list: urgent cases first, then
// by the time of the decision; nobody passes a case that is too big.
func TestTheWaitingListIsAnOrder(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	fund := fundOf(t, db, 1, 500_000_000)
	ids := make([]string, 3)
	for i := range ids {
		ids[i] = approvable(t, db, i, fund, i == 2)
		if got, err := reserve(t, db, ids[i]); got || err != nil {
			t.Fatalf("case %d: %v %v", i, got, err)
		}
		db.Clock.Advance(time.Minute)
	}
	left := map[int]bool{0: true, 1: true, 2: true}
	for n, head := range []int{2, 0, 1} {
		give(t, db, fund, 2*n, 5_999_998)
		nobody := func(but int) {
			for i := range left {
				if i == but {
					continue
				}
				if got, err := reserve(t, db, ids[i]); got || err != nil {
					t.Fatalf("case %d got what case %d waits for: %v %v", i, head, got, err)
				}
			}
		}
		nobody(-1) // it is not enough for anybody
		give(t, db, fund, 2*n+1, 2)
		nobody(head)
		if got, err := reserve(t, db, ids[head]); !got || err != nil {
			t.Fatalf("case %d is the head: %v %v", head, got, err)
		}
		delete(left, head)
	}
}

// A case that is skipped lets those behind it pass while the money does not
// suffice for it, keeps its place, and is served before them when it does.
func TestASkippedCaseKeepsItsPlace(t *testing.T) {
	t.Parallel()
	db, ctx := pgtest.New(t), t.Context()
	manager, fund := db.Staff(t, "manager1"), fundOf(t, db, 6_000_001, 500_000_000)
	ids := make([]string, 3)
	for i := range ids {
		ids[i] = approvable(t, db, i, fund, false)
	}
	change(t, db, ids[0], func(tx *postgres.Tx, c *postgres.Case) error {
		large := int64(9_000_000)
		c.Amount = &large
		return tx.SaveCase(c)
	})
	for i, id := range ids {
		if got, err := reserve(t, db, id); got || err != nil {
			t.Fatalf("case %d passed: %v %v", i, got, err)
		}
		db.Clock.Advance(time.Minute)
	}
	woken := func() []string { return rows(t, db, `DELETE FROM outbox WHERE name = 'funds' RETURNING workflow_id`) }
	woken()
	_, err := db.SkipWaiting(ctx, db.Staff(t, "treasurer1"), ids[0], 0, true, "amount_too_large")
	wantCode(t, err, "wrong_area")
	_, err = db.SkipWaiting(ctx, manager, ids[0], 99, true, "amount_too_large")
	wantCode(t, err, "stale")
	relate(t, db, "manager1", "child", request(2).Applicant.NationalID)
	_, err = db.SkipWaiting(ctx, manager, ids[0], 0, true, "amount_too_large")
	wantCode(t, err, "conflict_of_interest")
	_, err = db.SetPriority(ctx, manager, ids[2], 0, true, "homeless")
	wantCode(t, err, "conflict_of_interest")
	must(db.SQL(t).Exec(`UPDATE staff_relations SET ended_at = now(), ended_by = 'admin1'`))(t)
	for range 2 { // said again, it changes nothing
		must(db.SkipWaiting(ctx, manager, ids[0], 0, true, "amount_too_large"))(t)
	}
	if n := count(t, db, `SELECT count(*) FROM events WHERE case_id = $1 AND kind = 'case.skipped'`, ids[0]); n != 1 {
		t.Fatalf("%d events", n)
	}
	first := rows(t, db, `SELECT workflow_id FROM cases WHERE id IN ($1, $2) ORDER BY decided_at`, ids[0], ids[1])
	if got := woken(); !slices.Equal(got, first) {
		t.Fatalf("woken: %q, want %q", got, first)
	}
	list := must(db.WaitingList(ctx, manager, fund, postgres.Page{Limit: 2}))(t)
	rest := must(db.WaitingList(ctx, manager, fund, postgres.Page{Limit: 2, After: list[1].Cursor()}))(t)
	if len(list) != 2 || len(rest) != 1 || list[0].CaseID != ids[0] || !list[0].Skipped || list[0].Amount != 9_000_000 || rest[0].Place != 3 {
		t.Fatalf("%+v %+v", list, rest)
	}
	got := func(i int) bool { return must(reserve(t, db, ids[i]))(t) }
	if got(2) || !got(1) {
		t.Fatal("the next behind it passes, and nobody else")
	}
	give(t, db, fund, 1, 9_000_000)
	if got(2) || !got(0) {
		t.Fatal("the money suffices for it, and it is served first")
	}
	_, err = db.SkipWaiting(ctx, manager, ids[0], 0, true, "amount_too_large")
	wantCode(t, err, "wrong_state")
	if n := count(t, db, `SELECT count(*) FROM cases WHERE skipped`); n != 0 {
		t.Fatalf("%d cases are skipped on no list", n)
	}
}

func give(t testing.TB, db *pgtest.DB, fund string, n int, amount int64) {
	t.Helper()
	must(db.Contribute(t.Context(), postgres.Contribution{ID: postgres.NewID(aid.ContributionID), FundID: fund, ExternalID: fmt.Sprint("more ", n), Amount: amount,
		Currency: "VND", ReceivedOn: db.Clock.Now(), CreatedBy: "treasurer1"}, "Canary donor"))(t)
}
