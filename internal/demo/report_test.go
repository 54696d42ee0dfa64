package demo

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aidflow/aidflow/aid/money"
)

func waitOf(owner string, paused bool, from time.Time, calendar, working string) wait {
	d, _ := fromISO(calendar)
	return wait{Owner: owner, Paused: paused, From: from, To: from.Add(d), Calendar: calendar, Working: working}
}

func TestWaitsAddUpByOwner(t *testing.T) {
	at := time.Date(2026, 11, 23, 1, 0, 0, 0, time.UTC)
	waits := []wait{
		waitOf("office", false, at, "PT2H", "PT2H"), waitOf("partner", true, at.Add(2*time.Hour), "PT30H", "PT8H"),
		waitOf("office", false, at.Add(32*time.Hour), "PT1H30M", "PT1H"),
	}
	all, err := addUp(waits)
	if err != nil || len(all) != 2 {
		t.Fatalf("got %+v, %v", all, err)
	}
	if all[0] != (owned{"partner", true, 30 * time.Hour, 8 * time.Hour}) || all[1] != (owned{"office", false, 210 * time.Minute, 3 * time.Hour}) {
		t.Errorf("got %+v", all)
	}
	if got := spanOf(waits); got != 33*time.Hour+30*time.Minute {
		t.Errorf("span %s", got)
	}
	waits[0].Working = "soon"
	if _, err := addUp(waits); err == nil {
		t.Error("a duration that is none was added")
	}
}

// playWith is a play over a fake API in which everybody is the same caller.
func playWith(t *testing.T, handlers map[string]http.HandlerFunc) (*play, func() string) {
	t.Helper()
	c := fakeAPI(t, handlers)
	teller, out := told(t, "en")
	company := &cast{titles: map[string]string{"medical": "Medical"}}
	for _, p := range parts() {
		company.all = append(company.all, callerOf(c, p.name))
	}
	d := &demo{o: Options{Lang: "en"}, cast: company, out: teller}
	p := &play{demo: d, programme: "medical", id: "case_1", reference: "HS-1", request: caseNew{Requested: money.Of(100, "VND")}, granted: money.Of(100, "VND")}
	return p, out.String
}

// The story does not believe its own end: ledger and payments must say so too.
func TestAudit(t *testing.T) {
	entries := func(kind string, set string, debit, credit string) transaction {
		return transaction{ID: kind, Kind: kind, Entries: []ledgerEntry{{set, debit, 100}, {set, credit, -100}}}
	}
	good := []transaction{
		entries("reserve", "commitments", "available", "reserved"), entries("instruct", "commitments", "reserved", "in_transit"),
		entries("settle_bank", "commitments", "in_transit", "spent"), entries("settle_bank", "books", "aid_paid", "cash"),
	}
	broken := append([]transaction{{ID: "x", Kind: "reserve", Entries: []ledgerEntry{{"books", "cash", 1}}}}, good...)
	paid := []payment{{Status: "failed", Amount: money.Of(100, "VND")}, {Status: "settled", Amount: money.Of(100, "VND")}}
	for name, c := range map[string]struct {
		ledger   []transaction
		payments []payment
		want     string
	}{
		"all is well":            {good, paid, ""},
		"nothing was posted":     {nil, paid, "for this case, not"},
		"still in transit":       {good[:2], paid, "for this case, not"},
		"a broken transaction":   {broken, paid, "does not balance"},
		"paid twice":             {good, append(paid, paid[1]), "are settled, not"},
		"nothing paid, posted":   {good, paid[:1], "are settled, not"},
		"another case's posting": {append(good, good...), paid, "for this case, not"},
	} {
		p, _ := playWith(t, map[string]http.HandlerFunc{
			"GET /v1/ledger/transactions": answers(map[string]any{"data": c.ledger}), "GET /v1/payments": answers(map[string]any{"data": c.payments})})
		err := p.audit(t.Context())
		if (err == nil) != (c.want == "") || (err != nil && !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestReport(t *testing.T) {
	at := time.Date(2026, 11, 23, 1, 0, 0, 0, time.UTC)
	events := []timelineEntry{
		{At: at, Type: "case.submitted", Actor: "portal1", ActorKind: "partner", RuleVersion: 1, Data: map[string]any{"requested_amount": 100}},
		{At: at.Add(time.Hour), Type: "task.decided", Actor: "approver1", ActorKind: "staff", TaskKind: "approve", RuleVersion: 1,
			Data: map[string]any{"action": "approve", "level": "commune", "reason_code": ""}},
		{At: at.Add(time.Hour), Type: "something.new", Actor: "system", ActorKind: "system", RuleVersion: 1},
		{At: at.Add(2 * time.Hour), Type: "case.closed", Actor: "system", ActorKind: "system", RuleVersion: 1},
	}
	handlers := map[string]http.HandlerFunc{
		"GET /v1/cases/case_1/timeline": answers(map[string]any{"data": events}),
		"GET /v1/cases/case_1/status":   answers(caseState{Waits: []wait{waitOf("office", false, at, "PT2H", "PT1H")}}),
		"GET /v1/payments": answers(map[string]any{"data": []payment{{Tranche: 1, N: 1, Amount: money.Of(100, "VND"), Status: "settled", Rail: "simulator",
			Attempts: []attempt{{Status: "settled", At: at}}}}}),
	}
	p, out := playWith(t, handlers)
	if err := p.report(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"HS-1  MEDICAL", "2026-11-23 08:00  portal1", "request submitted, 100", "approval (commune): approved", "something.new",
		"medical 1", "instalment 1/1", "attempt 1", "office       100.0 %", "2 h 00 min", "1.0 h of working time"} {
		if !strings.Contains(out(), want) {
			t.Errorf("%q is not in\n%s", want, out())
		}
	}
}

// A report that contradicts itself is a deviation.
func TestReportDeviates(t *testing.T) {
	at := time.Date(2026, 11, 23, 1, 0, 0, 0, time.UTC)
	gap := []wait{waitOf("office", false, at, "PT2H", "PT1H"), waitOf("rail", false, at.Add(3*time.Hour), "PT1H", "PT1H")}
	p, _ := playWith(t, map[string]http.HandlerFunc{
		"GET /v1/cases/case_1/timeline": answers(map[string]any{"data": []timelineEntry{{Type: "case.paid"}}}),
		"GET /v1/cases/case_1/status":   answers(caseState{Waits: gap}),
	})
	if err := p.reportTimeline(t.Context()); err == nil {
		t.Error("a timeline without an end was reported")
	}
	if err := p.reportTime(t.Context()); err == nil {
		t.Error("an hour that nobody owns was not missed")
	}
}
