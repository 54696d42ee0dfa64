package activities_test

import (
	"context"
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/aid/money"
	"github.com/aidflow/aidflow/internal/postgres"
)

// repays records money that the household has given back.
func (w *world) repays(amount string) {
	w.t.Helper()
	n, err := strconv.ParseInt(amount, 10, 64)
	require.NoError(w.t, err)
	task := w.text(`SELECT id FROM tasks WHERE case_id = $1 AND kind = 'recover_money' AND closed_at IS NULL`, w.caseID)
	err = w.store.Repay(context.Background(), w.db.Staff(w.t, "treasurer1"), postgres.NewRepayment{ID: postgres.NewID(aid.RepaymentID), Task: task,
		Amount: money.Of(n, "VND"), ReceivedOn: w.clock.now().Format(time.DateOnly), Reference: postgres.NewID(aid.RequestID)})
	require.NoError(w.t, err)
}

// writesOff has two persons claim no more what is outstanding.
func (w *world) writesOff() aid.Outcome {
	w.t.Helper()
	says := func(actor, reason string) aid.Outcome {
		return w.decides("RecoverMoney", intent{kind: aid.RecoverMoney, actor: actor, action: aid.ActionConfirm, reason: reason})
	}
	require.Equal(w.t, aid.ResultPending, says("treasurer2", "in_need").Result)
	return says("manager1", "died")
}

// What a withdrawn household gives back is the fund's again, part by part; the
// workflow that waited for it ends.
func TestAHouseholdPaysBack(t *testing.T) {
	t.Parallel()
	w := newWorld(t, alone, nil)
	w.settledCase("schooling")
	w.after()
	require.Equal(t, aid.Withdrawn, w.withdraws().Place.Status)
	paid := w.text(`SELECT spent FROM fund_balances`)
	w.repays("1000000")
	require.Equal(t, "recover_money", w.asked())
	n, err := strconv.Atoi(paid)
	require.NoError(t, err)
	w.repays(strconv.Itoa(n - 1_000_000))
	require.Equal(t, "", w.asked())
	require.Equal(t, "0 "+paid+" 500000000", w.text(`SELECT spent || ' ' || recovered || ' ' || available FROM fund_balances`))
	require.Equal(t, "look", w.text(`SELECT name FROM outbox ORDER BY id DESC LIMIT 1`))
	require.Empty(t, w.attends(0).Tasks, "the workflow has nothing more to wait for")
}

// What a household cannot give back two persons write off, with a reason: the
// money stays spent.
func TestWhatCannotBeGotBackIsWrittenOff(t *testing.T) {
	t.Parallel()
	w := newWorld(t, alone, nil)
	w.settledCase("schooling")
	w.after()
	w.withdraws()
	w.repays("1000000")
	paid := w.text(`SELECT spent FROM fund_balances`)
	require.Equal(t, "written_off", w.writesOff().Result)
	require.Equal(t, paid, w.text(`SELECT spent FROM fund_balances`))
	require.Equal(t, paid+" died", w.text(`SELECT data ->> 'amount' || ' ' || (data ->> 'reason_code') FROM events WHERE kind = 'case.money_written_off'`))
	require.Equal(t, "0", w.text(`SELECT count(*) FROM intervals WHERE case_id = $1 AND to_at IS NULL`, w.caseID), "an ended case waits for nobody")
}

// Part was given back when the bank returns a payment of a withdrawn case: what
// the bank gives back is claimed no more.
func TestTheBankReturnsWhatIsClaimed(t *testing.T) {
	t.Parallel()
	w := newWorld(t, alone, nil)
	first := w.settledCase("schooling")
	w.after()
	w.withdraws()
	w.comesBack(first.Payment)
	require.Equal(t, "", w.asked())
	require.Equal(t, "repaid", w.text(`SELECT outcome FROM tasks WHERE kind = 'recover_money'`))
	require.Equal(t, "0 0 0", w.money())
}
