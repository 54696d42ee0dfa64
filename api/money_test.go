package api

import (
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/internal/postgres"
	"github.com/aidflow/aidflow/rails/simulator"
)

func TestFundsContributionsAndLedger(t *testing.T) {
	d := openDoor(t)
	before := d.call("treasurer1", "GET", "/v1/funds", nil)
	fund := before.str("data.0.id")
	if fund == "" || before.at("data.0.raised.amount") != 5e8 || before.at("data.0.available.amount") != 5e8 {
		t.Fatal(before.Raw)
	}
	body := map[string]any{"amount": map[string]any{"amount": 100000, "currency": "VND"}, "received_on": "2026-03-02", "donor": "Canary Donor", "external_id": "B-1"}
	k := key()
	a := d.call("treasurer1", "POST", "/v1/funds/"+fund+"/contributions", body, k...)
	if a.Status != 201 || a.str("fund") != fund || strings.Contains(a.Raw, "Canary") {
		t.Fatalf("%d %s", a.Status, a.Raw)
	}
	if again := d.call("treasurer1", "POST", "/v1/funds/"+fund+"/contributions", body, k...); again.Raw != a.Raw {
		t.Errorf("%d %s", again.Status, again.Raw)
	}
	if a := d.call("treasurer1", "POST", "/v1/funds/"+fund+"/contributions", body, key()...); a.Status != 409 || a.str("code") != "duplicate_external_id" {
		t.Errorf("%d %s", a.Status, a.Raw)
	}
	for path, value := range map[string]map[string]any{"/amount/amount too_small": {"amount": 0, "currency": "VND"}, "/amount/currency currency_not_accepted": {"amount": 1, "currency": "USD"}} {
		bad := map[string]any{"amount": value, "received_on": "2026-03-02"}
		if a := d.call("treasurer1", "POST", "/v1/funds/"+fund+"/contributions", bad, key()...); a.Status != 422 || !slices.Contains(a.codes(), path) {
			t.Errorf("%d %v, want %s", a.Status, a.codes(), path)
		}
	}
	if a := d.call("auditor1", "GET", "/v1/funds/"+fund, nil); a.at("raised.amount") != 5e8+1e5 {
		t.Error(a.Raw)
	}
	tx := d.call("auditor1", "GET", "/v1/ledger/transactions?fund="+fund+"&kind=contribution", nil)
	if len(tx.at("data").([]any)) != 2 || tx.at("data.0.entries.0.amount") == nil {
		t.Error(tx.Raw)
	}
	sums := map[string]float64{}
	for _, e := range tx.at("data.0.entries").([]any) {
		m := e.(map[string]any)
		sums[m["set"].(string)] += m["amount"].(float64)
	}
	if len(sums) != 2 || sums["books"] != 0 || sums["commitments"] != 0 {
		t.Errorf("sums %v", sums)
	}
	balances := d.call("auditor1", "GET", "/v1/ledger/balances?fund="+fund, nil)
	if all := d.call("manager1", "GET", "/v1/ledger/balances", nil); len(all.at("data").([]any)) != len(balances.at("data").([]any)) || all.str("data.0.fund") != fund {
		t.Errorf("all funds: %s", all.Raw)
	}
	got := map[string]any{}
	for _, b := range balances.at("data").([]any) {
		m := b.(map[string]any)
		got[m["account"].(string)] = m["balance"].(map[string]any)["amount"]
	}
	if got["cash"] != 5e8+1e5 || got["available"] != 5e8+1e5 || got["contributions"] != 5e8+1e5 {
		t.Errorf("balances %v", got)
	}
}

func TestPaymentsThatAreNotThere(t *testing.T) {
	d := openDoor(t)
	id := d.submitted("medical")
	path := "/v1/payments/" + postgres.NewID(aid.PaymentID)
	for _, c := range [][2]string{{"GET", ""}, {"POST", "/retry"}, {"POST", "/cancel"}} {
		if a := d.call("treasurer1", c[0], path+c[1], nil, key()...); a.Status != 404 {
			t.Errorf("%v: %d %s", c, a.Status, a.Raw)
		}
	}
	for _, p := range []string{"/v1/payments?case=" + id, "/v1/cases/" + id + "/payments", "/v1/follow-ups?case=" + id} {
		if a := d.call("manager1", "GET", p, nil); a.Status != 200 || len(a.at("data").([]any)) != 0 {
			t.Errorf("%s: %d %s", p, a.Status, a.Raw)
		}
	}
}

func TestCallbackIsHeardOnlyWhenSigned(t *testing.T) {
	d := openDoor(t)
	body := []byte(`{"type": "payment.updated", "key": "award/1/1", "state": "settled"}`)
	send := func(path string, change func(r *strings.Reader) *strings.Reader, secret string) answer {
		r := httptest.NewRequest("POST", path, change(strings.NewReader(string(body))))
		for name, values := range simulator.SignCallback(secret, "msg_1", d.db.Now(), body) {
			r.Header[name] = values
		}
		r.Header.Set("Content-Type", "application/json")
		w := httptest.NewRecorder()
		d.ServeHTTP(w, r)
		return d.checked(r, w)
	}
	same := func(r *strings.Reader) *strings.Reader { return r }
	if a := send("/v1/callbacks/simulator", same, "secret"); a.Status != 202 {
		t.Errorf("%d %s", a.Status, a.Raw)
	}
	if a := send("/v1/callbacks/simulator", same, "other"); a.Status != 401 || a.str("code") != "callback_forged" {
		t.Errorf("%d %s", a.Status, a.Raw)
	}
	if a := send("/v1/callbacks/elsewhere", same, "secret"); a.Status != 404 {
		t.Errorf("%d %s", a.Status, a.Raw)
	}
	if len(d.process.hints) != 0 {
		t.Error("a payment that is not known gave a hint")
	}
}

func TestAreas(t *testing.T) {
	d := openDoor(t)
	if a := d.call("portal1", "GET", "/v1/areas?level=province&limit=1", nil); a.Status != 200 || a.at("has_more") != true || a.str("next_cursor") == "" {
		t.Error(a.Raw)
	}
	a := d.call("portal1", "GET", "/v1/areas?parent=51&level=commune", nil)
	if len(a.at("data").([]any)) != 5 || a.str("data.0.parent") != "51" {
		t.Error(a.Raw)
	}
	if a := d.call("portal1", "GET", "/v1/areas?at=2026-02-30", nil); a.Status != 400 {
		t.Errorf("%d %s", a.Status, a.Raw)
	}
}
