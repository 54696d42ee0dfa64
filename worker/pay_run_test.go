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
	return tn.reports(id, postgres.BankReport{Format: "camt.053", BankID: id, Account: "0011223344", Currency: "VND", Lines: lines})
}

// reports brings a file of the bank and has its lines applied.
func (tn *town) reports(id string, report postgres.BankReport) *postgres.StatementRow {
	tn.t.Helper()
	treasurer := tn.db.Staff(tn.t, "treasurer1")
	fund, err := tn.db.StatementFund(tn.t.Context(), treasurer, postgres.DevelopmentFund)
	require.NoError(tn.t, err)
	sum := sha256.Sum256([]byte(id))
	got, err := tn.db.ReceiveStatement(tn.t.Context(), treasurer, postgres.NewStatement{ID: postgres.NewID(aid.StatementID), Fund: fund.ID, Rail: "testfile", Hash: sum[:], Report: report})
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

// refusedLines gives the codes with which a release refuses lines.
func refusedLines(t *testing.T, err error) (codes []string) {
	t.Helper()
	var e *aid.Error
	require.ErrorAs(t, err, &e)
	require.Equal(t, "run_lines_refused", e.Code)
	for _, f := range e.Faults {
		codes = append(codes, f.Pointer+" "+f.Code)
	}
	return codes
}

// A run goes as it was prepared and seen, or not at all: by another person, who
// holds no duty in any of its cases, without a freeze, and with every approval.
// What is withdrawn leaves it.
func TestAReleaseIsAllOrNothing(t *testing.T) {
	t.Parallel()
	tn := newTown(t)
	tn.byFile()
	tn.change(`INSERT INTO staff_roles (subject, role, area, level) SELECT s, 'releaser', '51', '' FROM unnest(ARRAY['treasurer2', 'verifier1', 'treasurer1']) s`)
	var cases []string
	for i := range 3 {
		cases = append(cases, tn.submitted("medical", i))
	}
	ctx, releaser := t.Context(), tn.db.Staff(t, "releaser1")
	before := tn.fund()
	tn.liveUntil(willing, tn.queuedAll(3))
	waiting := tn.fund()
	require.NotEqual(t, before, waiting)
	run := tn.makeRun()
	_, err := tn.release(run, "treasurer2")
	require.Equal(t, "four_eyes", aid.CodeOf(err), "who has made it")
	_, err = tn.release(run, "verifier1")
	require.Equal(t, []string{"/lines/1 four_eyes", "/lines/2 four_eyes", "/lines/3 four_eyes"}, refusedLines(t, err))
	_, err = tn.release(run, "treasurer1")
	require.Len(t, refusedLines(t, err), 3, "who has prepared the payments")
	_, err = tn.db.ReleasePayRun(ctx, releaser, run.ID, postgres.Release{Version: run.Version - 1, Hash: run.Hash}, file)
	require.Equal(t, "stale", aid.CodeOf(err))
	_, err = tn.db.ReleasePayRun(ctx, releaser, run.ID, postgres.Release{Version: run.Version, Hash: []byte("other")}, file)
	require.Equal(t, "run_changed", aid.CodeOf(err))

	freeze, err := tn.db.CreateFreeze(ctx, tn.manager, postgres.Freeze{ID: postgres.NewID(aid.FreezeID), Area: "51", Until: tn.now.Add(48 * time.Hour), Reason: "disaster"})
	require.NoError(t, err)
	tn.pass(time.Second)
	_, err = tn.release(run, "releaser1")
	require.Equal(t, []string{"/lines/1 frozen", "/lines/2 frozen", "/lines/3 frozen"}, refusedLines(t, err))
	preview, err := tn.db.PreviewPayRun(ctx, tn.manager, postgres.RunFilter{})
	require.NoError(t, err)
	require.Empty(t, preview.Totals, "what is in a run waits for no other")
	_, err = tn.db.EndFreeze(ctx, tn.manager, freeze.ID, freeze.Version)
	require.NoError(t, err)

	broken := tn.texts(`UPDATE decisions SET bound_hash = '' WHERE id = (SELECT d.id FROM decisions d JOIN tasks k ON k.id = d.task_id JOIN pay_run_lines l ON l.case_id = d.case_id
		WHERE k.kind = 'approve' AND l.n = 2 LIMIT 1) RETURNING id`)
	require.Len(t, broken, 1)
	_, err = tn.release(run, "releaser1")
	require.Equal(t, []string{"/lines/2 not_approved"}, refusedLines(t, err))
	require.Equal(t, waiting, tn.fund(), "nothing has moved")
	require.Equal(t, 3, tn.number(`SELECT count(*) FROM payments WHERE state = 'queued'`))
	require.Zero(t, tn.number(`SELECT count(*) FROM tasks WHERE kind = 'release_payment'`))
	require.Zero(t, tn.number(`SELECT count(*) FROM pay_run_files`))

	second := tn.texts(`SELECT case_id FROM pay_run_lines WHERE n = 2`)[0]
	require.Contains(t, cases, second)
	tn.withdraw(second)
	tn.pass(time.Minute)
	require.Equal(t, aid.Withdrawn, tn.status(second))
	run = tn.runOf(run.ID)
	require.Nil(t, run.Hash, "what was prepared has changed")
	require.Equal(t, []int{2, 1}, []int{run.Lines, run.Left})
	_, err = tn.release(run, "releaser1")
	require.Equal(t, "run_changed", aid.CodeOf(err))
	run, err = tn.db.PreparePayRun(ctx, tn.db.Staff(t, "treasurer2"), run.ID, run.Version)
	require.NoError(t, err)
	run, err = tn.release(run, "releaser1")
	require.NoError(t, err)
	_, err = tn.release(run, "releaser1")
	require.Equal(t, "wrong_run_state", aid.CodeOf(err))
	require.Equal(t, 12_000_000, tn.fund().transit)

	run, err = tn.db.CancelPayRun(ctx, releaser, run.ID, run.Version)
	require.NoError(t, err, "nobody has taken its file")
	require.Equal(t, "cancelled", run.State)
	_, _, err = tn.db.ExportPayRun(ctx, releaser, run.ID)
	require.Equal(t, "wrong_run_state", aid.CodeOf(err))
	require.Zero(t, tn.fund().transit)
	tn.liveUntil(people(willing).confirming("treasurer1", 0), tn.queuedAll(2))
	run = tn.releasedRun()
	tn.export(run)
	_, err = tn.db.CancelPayRun(ctx, releaser, run.ID, tn.runOf(run.ID).Version)
	require.Equal(t, "wrong_run_state", aid.CodeOf(err), "the bank may have it")
	for i, l := range tn.texts(`SELECT l.case_id FROM pay_run_lines l WHERE l.run_id = $1 ORDER BY n`, run.ID) {
		tn.says(fmt.Sprint("end ", i), tn.line(l, "settled"))
	}
	tn.live(willing)
	require.Equal(t, 12_000_000, tn.fund().spent)
	require.Equal(t, "closed", tn.runOf(run.ID).State)
}

// What the bank says moves the payment that it names, by its amount and
// currency, and no other; what comes late, twice or for nobody moves nothing.
func TestOnlyTheNamedPaymentMoves(t *testing.T) {
	t.Parallel()
	tn := newTown(t)
	tn.byFile()
	c := tn.submitted("medical", 0)
	tn.liveUntil(willing, tn.queuedAll(1))
	run := tn.releasedRun()
	because := func(s *postgres.StatementRow) (codes []string) {
		lines, err := tn.db.Unmatched(t.Context(), tn.manager, s.ID, postgres.Page{})
		require.NoError(t, err)
		for _, l := range lines {
			codes = append(codes, l.Because)
			require.Equal(t, "Canary name", l.Details.Name)
		}
		return codes
	}
	good := tn.line(c, "settled")
	require.Equal(t, []string{"not_exported"}, because(tn.says("early", good)))
	tn.export(run)
	less, nobody, foreign, back, in := good, good, good, good, good
	less.Amount--
	nobody.Key, foreign.Key = "", strings.Replace(good.Key, "/1/1", "/1/2", 1)
	back.Returned, back.Credit, in.Credit = true, true, true
	require.Equal(t, []string{"amount_differs", "no_reference", "unknown_reference", "returned", "money_came_in"}, because(tn.says("odd", less, nobody, foreign, back, in)))
	require.Equal(t, []string{"1 instructed  submitting: false"}, tn.payments())
	require.Empty(t, because(tn.says("accepted", tn.line(c, "accepted"))))
	require.Empty(t, because(tn.says("failed", tn.line(c, "failed"))))
	require.Equal(t, []string{"1 failed bank_failed failed: false"}, tn.payments())
	tn.liveUntil(people(willing).confirming("treasurer1", 0), tn.queuedAll(1))
	require.Equal(t, []string{"payment_contradicted"}, because(tn.says("late", good)), "it speaks of the first payment, and moves no other")
	require.Equal(t, 1, tn.number(`SELECT count(*) FROM payments WHERE state = 'queued'`))
	require.Zero(t, tn.fund().spent)
	require.Equal(t, 1, tn.number(`SELECT count(*) FROM tasks WHERE kind = 'resolve_payment' AND rule ->> 'because' = 'payment_contradicted' AND closed_at IS NULL`))
	preview, err := tn.db.PreviewPayRun(t.Context(), tn.manager, postgres.RunFilter{})
	require.NoError(t, err)
	require.Equal(t, "payment_contradicted", preview.LeftOut[0].Code, "nothing of the case goes before persons have looked")
}

// A bank may answer without repeating what was sent, turn the whole file away,
// or book a payment twice: each is heard, and none is taken for another.
func TestWhatElseABankSays(t *testing.T) {
	t.Parallel()
	tn := newTown(t)
	tn.byFile()
	first, second := tn.submitted("medical", 0), tn.submitted("medical", 1)
	tn.liveUntil(willing, tn.queuedAll(2))
	run := tn.releasedRun()
	tn.export(run)
	answer := func(id string, rest string, lines ...postgres.BankLine) *postgres.StatementRow {
		return tn.reports(id, postgres.BankReport{Format: "pain.002", BankID: id, Batch: run.MessageID, Rest: rest, RestReason: "AG01", Lines: lines})
	}
	silent := tn.line(first, "accepted")
	silent.N, silent.Amount, silent.Currency = 1, 0, ""
	got := answer("taken", "", silent)
	require.Equal(t, []int{1, 1, 0}, []int{got.Lines, got.Applied, got.Unmatched}, "an answer need not repeat the amount")

	booked := func(c, reference string) postgres.BankLine {
		l := tn.line(c, "settled")
		l.BookedOn, l.Details.Reference = tn.now, reference
		return l
	}
	require.Zero(t, tn.says("paid", booked(first, "FT1")).Unmatched)
	require.Zero(t, tn.says("again", booked(first, "FT1")).Unmatched, "the same movement in another file")
	twice := tn.says("twice", booked(first, "FT2"))
	require.Equal(t, 1, twice.Unmatched, "another movement of the same payment")
	lines, err := tn.db.Unmatched(t.Context(), tn.manager, twice.ID, postgres.Page{})
	require.NoError(t, err)
	require.Equal(t, "booked_twice", lines[0].Because)

	settled := tn.line(first, "settled")
	settled.N, settled.Currency = 1, "VND"
	got = answer("refused whole", "refused", settled)
	require.Equal(t, []int{2, 2, 0}, []int{got.Lines, got.Applied, got.Unmatched})
	require.Equal(t, []string{"refused AG01"}, tn.texts(`SELECT a.state || ' ' || a.code FROM attempts a JOIN payments p ON p.id = a.payment_id WHERE p.case_id = $1`, second))
	require.Equal(t, []string{"settled"}, tn.texts(`SELECT state FROM payments WHERE case_id = $1`, first), "what a line names is not of the rest")
	require.Equal(t, 6_000_000, tn.fund().spent)
	require.Equal(t, 6_000_000, tn.fund().reserved)
}
