package worker_test

import (
	"crypto/sha256"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/internal/postgres"
)

// byFile makes the development fund pay by files.
func (tn *town) byFile() {
	tn.t.Helper()
	tn.db.SetFileRails("testfile")
	tn.change(`UPDATE funds SET rails = '{"bank": "testfile"}', account_holder = 'QUY VI NGUOI NGHEO', account_bin = '970416', account_number = '0011223344'`)
}

// file is a file without a format: what it would be made of.
func file(b postgres.RunBatch) (postgres.RunFile, error) {
	var text strings.Builder
	fmt.Fprintln(&text, b.ID, b.Account.Number, b.Currency, b.ExecuteOn.Format(time.DateOnly))
	for _, l := range b.Lines {
		fmt.Fprintln(&text, l.Key, l.Amount, l.Purpose, l.Payee.AccountNumber)
	}
	return postgres.RunFile{Name: b.ID + ".txt", Type: "text/plain", Bytes: []byte(text.String())}, nil
}

// queuedAll tells whether so many payments wait for a run.
func (tn *town) queuedAll(n int) func() bool {
	return func() bool { return tn.number(`SELECT count(*) FROM payments WHERE state = 'queued' AND filed`) == n }
}

// makeRun makes and prepares a run of all that waits.
func (tn *town) makeRun() *postgres.PayRunRow {
	tn.t.Helper()
	treasurer := tn.db.Staff(tn.t, "treasurer2")
	made, err := tn.db.CreatePayRun(tn.t.Context(), treasurer, postgres.NewPayRun{ID: postgres.NewID(aid.PayRunID), Rail: "testfile",
		RunFilter: postgres.RunFilter{Fund: postgres.DevelopmentFund}})
	require.NoError(tn.t, err)
	made, err = tn.db.PreparePayRun(tn.t.Context(), treasurer, made.ID, made.Version)
	require.NoError(tn.t, err)
	return made
}

func (tn *town) release(r *postgres.PayRunRow, who string) (*postgres.PayRunRow, error) {
	return tn.db.ReleasePayRun(tn.t.Context(), tn.db.Staff(tn.t, who), r.ID, postgres.Release{Version: r.Version, Hash: r.Hash}, file)
}

func (tn *town) releasedRun() *postgres.PayRunRow {
	tn.t.Helper()
	made, err := tn.release(tn.makeRun(), "releaser1")
	require.NoError(tn.t, err)
	return made
}

func (tn *town) export(r *postgres.PayRunRow) string {
	tn.t.Helper()
	out, _, err := tn.db.ExportPayRun(tn.t.Context(), tn.db.Staff(tn.t, "treasurer2"), r.ID)
	require.NoError(tn.t, err)
	return string(out.Bytes)
}

// says brings a file of the bank: a full statement of the fund's account.
func (tn *town) says(id string, lines ...postgres.BankLine) *postgres.StatementRow {
	tn.t.Helper()
	for i := range lines {
		lines[i].N, lines[i].Currency = i+1, "VND"
	}
	treasurer := tn.db.Staff(tn.t, "treasurer1")
	fund, err := tn.db.StatementFund(tn.t.Context(), treasurer, postgres.DevelopmentFund)
	require.NoError(tn.t, err)
	sum := sha256.Sum256([]byte(id))
	got, err := tn.db.ReceiveStatement(tn.t.Context(), treasurer, postgres.NewStatement{ID: postgres.NewID(aid.StatementID), Fund: fund.ID, Rail: "testfile", Hash: sum[:],
		Report: postgres.BankReport{Format: "camt.053", BankID: id, Account: "0011223344", Currency: "VND", Lines: lines}})
	require.NoError(tn.t, err)
	for n := 1; n > 0; {
		n, err = tn.db.ApplyStatements(tn.t.Context(), 2)
		require.NoError(tn.t, err)
	}
	got, err = tn.db.Statement(tn.t.Context(), treasurer, got.ID)
	require.NoError(tn.t, err)
	return got
}

func (tn *town) runOf(id string) *postgres.PayRunRow {
	tn.t.Helper()
	r, err := tn.db.PayRun(tn.t.Context(), tn.manager, id)
	require.NoError(tn.t, err)
	return r
}

// line is what the bank says of the newest payment of a case.
func (tn *town) line(c, said string) postgres.BankLine {
	tn.t.Helper()
	key := tn.texts(`SELECT key FROM attempts a JOIN payments p ON p.id = a.payment_id WHERE p.case_id = $1 ORDER BY p.created_at DESC, p.n DESC`, c)[0]
	return postgres.BankLine{Key: key, Said: said, Amount: 6_000_000, Details: postgres.BankDetails{Name: "Canary name"}}
}

// Three cases are paid by one file: one arrives, one is rejected by the bank
// and paid anew in a second run, of one the bank says nothing and two persons
// end it.
func TestCasesArePaidByFile(t *testing.T) {
	t.Parallel()
	tn := newTown(t)
	tn.byFile()
	var cases []string
	for i := range 3 {
		cases = append(cases, tn.submitted("medical", i))
	}
	who := people(willing).confirming("treasurer1", 0).but(aid.ResolvePayment, func(k postgres.TaskRow, _ time.Duration) *move {
		return &move{actor: map[int]string{1: "treasurer1", 2: "manager1"}[k.Version], action: aid.ActionConfirm, data: `{"outcome": "settled"}`}
	})
	var first, second *postgres.PayRunRow
	tn.once("the first run", tn.queuedAll(3), func() {
		require.Equal(t, aid.OwnerOffice, *tn.row(cases[0]).WaitingOwner)
		require.Zero(t, tn.number(`SELECT count(*) FROM tasks WHERE kind = 'release_payment'`))
		first = tn.releasedRun()
		require.Equal(t, "released", first.State)
		require.Equal(t, 18_000_000, tn.fund().transit)
		require.Equal(t, aid.OwnerRail, *tn.row(cases[0]).WaitingOwner)
		out := tn.export(first)
		require.Equal(t, out, tn.export(first))
		require.Equal(t, 4, strings.Count(out, "\n"))
		got := tn.says("first", tn.line(cases[0], "settled"), tn.line(cases[1], "failed"))
		require.Equal(t, "applied", got.State)
		require.Equal(t, 2, got.Applied)
		require.Equal(t, "partly_settled", tn.runOf(first.ID).State)
	})
	tn.once("the second run", func() bool { return first != nil && tn.queuedAll(1)() }, func() {
		second = tn.releasedRun()
		tn.export(second)
		tn.says("second", tn.line(cases[1], "settled"))
		require.Equal(t, "closed", tn.runOf(second.ID).State)
	})
	defer func() {
		t.Log(tn.texts(`SELECT case_id||' '||state||' '||kind||' '||rule::text||' '||version FROM tasks WHERE kind ~ 'payment' OR closed_at IS NULL`), tn.payments(), tn.texts(`SELECT id||status||stage FROM cases`), tn.texts(`SELECT state||' '||settled||failed FROM pay_runs`))
	}()
	tn.live(who)
	for _, c := range cases {
		require.Contains(t, []aid.Status{aid.FollowingUp, aid.Closed}, tn.status(c))
	}
	require.Equal(t, "closed", tn.runOf(first.ID).State)
	require.Equal(t, 2, tn.runOf(first.ID).Settled)
	require.Equal(t, 1, tn.runOf(first.ID).Failed)
	require.Equal(t, 1, tn.number(`SELECT count(*) FROM tasks WHERE kind = 'resolve_payment' AND rule ->> 'because' = 'no_result'`))
	require.Equal(t, 18_000_000, tn.fund().spent)
}
