package api

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/internal/postgres"
	"github.com/aidflow/aidflow/rails"
	"github.com/aidflow/aidflow/rails/bankfile"
	"github.com/aidflow/aidflow/rails/bankfile/banktest"
)

// byFile lets a deployment pay by the files of a bank.
func byFile(c *Config) {
	rail, err := bankfile.New(bankfile.Settings{})
	if err != nil {
		panic(err) // the zero settings are good
	}
	c.FileRails = map[string]rails.FileRail{rail.Name(): rail}
}

// fileFund makes the development fund pay by files, and gives its id.
func (d *door) fileFund(t *testing.T) string {
	t.Helper()
	d.db.SetFileRails("bankfile")
	if _, err := d.db.SQL(t).Exec(`UPDATE funds SET rails = '{"bank": "bankfile"}'`); err != nil {
		t.Fatal(err)
	}
	f := d.call("manager1", "GET", "/v1/funds", nil)
	fund := f.str("data.0.id")
	a := d.call("manager1", "PUT", "/v1/funds/"+fund+"/account", map[string]any{"holder": "Quỹ Vì người nghèo", "bank_bin": "970436", "number": "0011223344"},
		"If-Match", d.call("manager1", "GET", "/v1/funds/"+fund, nil).Header.Get("ETag"))
	if a.Status != 200 || a.str("account.number") != "0011223344" || a.at("account.result_days") != 5.0 {
		t.Fatalf("%d %s", a.Status, a.Raw)
	}
	return fund
}

// queued takes the request of an invented person to a payment that waits for a
// pay run: verified, approved and prepared as always.
func (d *door) queued(t *testing.T, i int) (caseID, payment string) {
	t.Helper()
	caseID = d.submit(d.person(i))
	d.decide("verifier1", d.underReview(caseID), map[string]any{"action": "complete"})
	d.moves(t, caseID, func(tx *postgres.Tx, c *postgres.Case) error {
		fund, err := tx.FundFor(c.Area, c.Currency)
		c.FundID = &fund
		if err != nil {
			return err
		}
		return tx.MoveCase(c, aid.EventVerify)
	})
	approval := d.approval(t, caseID, "commune")
	d.decide("approver1", approval, map[string]any{"action": "approve"})
	if _, err := d.db.SQL(t).Exec(`UPDATE tasks SET outcome = 'approved' WHERE id = $1`, approval); err != nil {
		t.Fatal(err)
	}
	d.moves(t, caseID, func(tx *postgres.Tx, c *postgres.Case) error {
		c.DecidedAt = &tx.Now
		award, err := tx.ProposeAward(c)
		if err != nil {
			return err
		}
		if ok, err := tx.Reserve(c, award, "approver1"); err != nil || !ok {
			t.Fatalf("reserve: %v %v", ok, err)
		}
		if err := tx.PlanTranches(c, award); err != nil {
			return err
		}
		if err := tx.MoveCase(c, aid.EventAward); err != nil {
			return err
		}
		if err := tx.StartAward(award); err != nil {
			return err
		}
		tranches, err := tx.Tranches(award)
		if err != nil {
			return err
		}
		if err := tx.MoveTranche(tranches[0].ID, "planned", "due"); err != nil {
			return err
		}
		payment, err = due(tx, c, award, "")
		return err
	})
	task := d.call("treasurer1", "GET", "/v1/tasks?kind=prepare_payment&case="+caseID, nil).str("data.0.id")
	if a := d.decide("treasurer1", task, map[string]any{"action": "confirm"}); a.Status != 200 {
		t.Fatalf("prepare: %d %s", a.Status, a.Raw)
	}
	return caseID, payment
}

// sends calls an operation of a run with its ETag.
func (d *door) sends(who, run, what string, body any) answer {
	d.t.Helper()
	tag := d.call("auditor1", "GET", "/v1/pay-runs/"+run, nil).Header.Get("ETag")
	return d.call(who, "POST", "/v1/pay-runs/"+run+"/"+what, body, append(key(), "If-Match", tag)...)
}

// prepared makes and prepares a run of a fund, and gives its id and hash.
func (d *door) prepared(t *testing.T, fund string) (run, hash string) {
	t.Helper()
	a := d.call("treasurer2", "POST", "/v1/pay-runs", map[string]any{"fund": fund}, key()...)
	if a.Status != 201 || a.str("status") != "draft" {
		t.Fatalf("%d %s", a.Status, a.Raw)
	}
	run = a.str("id")
	if a = d.sends("treasurer2", run, "prepare", nil); a.Status != 200 || len(a.str("hash")) != 64 {
		t.Fatalf("%d %s", a.Status, a.Raw)
	}
	return run, a.str("hash")
}

// released makes, prepares and releases a run of a fund.
func (d *door) releasedRun(t *testing.T, fund string) string {
	t.Helper()
	run, hash := d.prepared(t, fund)
	if a := d.sends("releaser1", run, "release", map[string]any{"hash": hash}); a.Status != 200 || a.str("status") != "released" {
		t.Fatalf("%d %s", a.Status, a.Raw)
	}
	return run
}

func (d *door) states(t *testing.T, query string) (all []string) {
	t.Helper()
	rows, err := d.db.SQL(t).Query(query)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = rows.Close() }()
	for rows.Next() {
		var s string
		if err := rows.Scan(&s); err != nil {
			t.Fatal(err)
		}
		all = append(all, s)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return all
}

// paidBy is what the fund's bank does with a file.
func paidBy(t *testing.T, file string, faults banktest.Faults) *banktest.Books {
	t.Helper()
	books, err := banktest.Pay([]byte(file), banktest.Day{On: time.Date(2026, 3, 10, 0, 0, 0, 0, time.UTC), Opening: 500_000_000, Currency: "VND", Seed: 7, Faults: faults,
		Account: rails.Account{Name: "QUY VI NGUOI NGHEO", BankBIN: "970436", Number: "0011223344"}})
	if err != nil {
		t.Fatal(err)
	}
	return books
}

func (d *door) applyStatements(t *testing.T) {
	t.Helper()
	if _, err := d.db.ApplyStatements(t.Context(), 1000); err != nil {
		t.Fatal(err)
	}
}

// Two houses go to a bank in one file, and the bank's own statement ends them.
func TestAPayRunFromPreviewToStatement(t *testing.T) {
	d := openDoor(t)
	d.applyDecisions()
	fund := d.fileFund(t)
	d.queued(t, 5)
	d.queued(t, 6)
	preview := d.call("treasurer1", "GET", "/v1/pay-runs/preview?fund="+fund, nil)
	if preview.at("data.0.lines") != 2.0 || preview.at("data.0.amount.amount") != 12e6 || preview.str("data.0.rail") != "bankfile" {
		t.Fatal(preview.Raw)
	}
	run, hash := d.prepared(t, fund)
	if a := d.call("treasurer1", "GET", "/v1/pay-runs/"+run+"/file", nil); a.Status != 409 || a.str("code") != "wrong_run_state" {
		t.Errorf("a file before the release: %d %s", a.Status, a.Raw)
	}
	if a := d.sends("releaser1", run, "release", map[string]any{"hash": strings.Repeat("0", 64)}); a.Status != 409 || a.str("code") != "run_changed" {
		t.Errorf("another hash: %d %s", a.Status, a.Raw)
	}
	if a := d.sends("releaser1", run, "release", map[string]any{"hash": hash}); a.Status != 200 || a.str("released_by") != "releaser1" {
		t.Fatalf("%d %s", a.Status, a.Raw)
	}
	if got := d.states(t, `SELECT in_transit::text FROM fund_balances`); got[0] != "12000000" {
		t.Errorf("in transit: %v", got)
	}
	first := d.call("treasurer1", "GET", "/v1/pay-runs/"+run+"/file", nil)
	again := d.call("treasurer1", "GET", "/v1/pay-runs/"+run+"/file", nil)
	if first.Status != 200 || first.Raw != again.Raw || first.Header.Get("Download-Warning") != "" || again.Header.Get("Download-Warning") != "downloaded_before" {
		t.Fatalf("%d %v %v", first.Status, first.Header, again.Header)
	}
	if n := d.count("audit WHERE action = 'download_pay_run'"); n != 2 {
		t.Errorf("%d downloads in the audit", n)
	}
	file, k := string(paidBy(t, first.Raw, banktest.Faults{}).Statement()), key()
	path := "/v1/statements?fund=" + fund
	a := d.call("treasurer1", "POST", path, file, append(k, "Content-Type", "application/xml")...)
	if a.Status != http.StatusCreated || a.at("lines") != 2.0 {
		t.Fatalf("%d %s", a.Status, a.Raw)
	}
	if copied := d.call("treasurer1", "POST", path, file, append(k, "Content-Type", "application/xml")...); copied.Raw != a.Raw {
		t.Errorf("the same key: %d %s", copied.Status, copied.Raw)
	}
	if twice := d.call("treasurer1", "POST", path, file, append(key(), "Content-Type", "application/xml")...); twice.Status != 409 || twice.str("code") != "statement_exists" ||
		!strings.Contains(twice.Raw, a.str("id")) {
		t.Errorf("the same bytes: %d %s", twice.Status, twice.Raw)
	}
	d.applyStatements(t)
	if got := d.call("auditor1", "GET", "/v1/statements/"+a.str("id"), nil); got.str("status") != "applied" || got.at("applied") != 2.0 || got.at("unmatched") != 0.0 {
		t.Error(got.Raw)
	}
	if got := d.call("auditor1", "GET", "/v1/pay-runs/"+run, nil); got.str("status") != "closed" || got.at("settled") != 2.0 {
		t.Error(got.Raw)
	}
	if got := d.states(t, `SELECT spent::text || ' ' || in_transit FROM fund_balances`); got[0] != "12000000 0" {
		t.Errorf("%v", got)
	}
}

// runsToWalk are runs in several states, and what the bank says of one.
type runsToWalk struct {
	fund, other, sent, prepared, hash, draft, heard string
	bank                                            *banktest.Books
}

// walkRuns prepares them, and leaves one payment waiting.
func (d *door) walkRuns(t *testing.T) runsToWalk {
	t.Helper()
	out := runsToWalk{fund: d.fileFund(t)}
	out.other = d.call("manager1", "POST", "/v1/funds", map[string]any{"code": "files", "name": "Files", "area": "51", "budget": map[string]any{"amount": 1, "currency": "VND"}}, key()...).str("id")
	d.queued(t, 16)
	out.sent = d.releasedRun(t, out.fund)
	out.bank = paidBy(t, d.call("treasurer1", "GET", "/v1/pay-runs/"+out.sent+"/file", nil).Raw, banktest.Faults{Unnamed: 1})
	d.queued(t, 17)
	out.prepared, out.hash = d.prepared(t, out.fund)
	d.queued(t, 18)
	out.draft = d.call("treasurer2", "POST", "/v1/pay-runs", map[string]any{"fund": out.fund}, key()...).str("id")
	d.queued(t, 19)
	out.heard = d.call("treasurer1", "POST", "/v1/statements?fund="+out.fund, string(out.bank.Statement()), append(key(), "Content-Type", "text/csv")...).str("id")
	return out
}
