package api

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/internal/postgres"
)

// What is wrong with the body as such.
func TestBadBodies(t *testing.T) {
	d := openDoor(t)
	nested := strings.Repeat(`{"a":`, 33) + "1" + strings.Repeat("}", 33)
	for _, r := range []refusal{
		{name: "malformed", body: `{"programme": "medical", canary}`, status: 400, code: "malformed_json", faults: []string{" not_json"}},
		{name: "cut off", body: `{"programme": "canary`, status: 400, code: "malformed_json", faults: []string{" not_json"}},
		{name: "trailing", body: `{"programme": "medical"} {"canary": 1}`, status: 400, code: "malformed_json", faults: []string{" trailing_data"}},
		{name: "trailing comma", body: `{"programme": "medical",}`, status: 400, code: "malformed_json", faults: []string{" not_json"}},
		{name: "empty", body: "", status: 400, code: "malformed_json", faults: []string{" body_required"}},
		{name: "spaces", body: "  \n", status: 400, code: "malformed_json", faults: []string{" not_json"}},
		{name: "null", body: "null", status: 422, code: "invalid_content", faults: []string{" wrong_type"}},
		{name: "a list", body: `["canary"]`, status: 422, code: "invalid_content", faults: []string{" wrong_type"}},
		{name: "a text", body: `"canary"`, status: 422, code: "invalid_content", faults: []string{" wrong_type"}},
		{name: "not UTF-8", body: "{\"programme\": \"canary\xff\"}", status: 400, code: "malformed_json", faults: []string{" not_utf8"}},
		{name: "UTF-16", body: "\xff\xfe{\x00}\x00", status: 400, code: "malformed_json", faults: []string{" not_utf8"}},
		{name: "byte order mark", body: "\ufeff{}", status: 400, code: "malformed_json", faults: []string{" not_json"}},
		{name: "too deep", body: nested, status: 400, code: "malformed_json", faults: []string{" too_deep"}},
		{name: "far too deep", body: strings.Repeat("[", 100_000), status: 400, code: "malformed_json", faults: []string{" too_deep"}},
		{name: "too large", body: `{"programme": "` + strings.Repeat("canary", maxBody/6) + `"}`, status: 413, code: "body_too_large"},
		{name: "another type", body: `programme=canary`, headers: []string{"Content-Type", "application/x-www-form-urlencoded"}, status: 415, code: "unsupported_media_type"},
		{name: "text", body: `{}`, headers: []string{"Content-Type", "text/plain"}, status: 415, code: "unsupported_media_type"},
		{name: "no type", body: `{}`, headers: []string{"Content-Type", ""}, status: 415, code: "unsupported_media_type"},
		{name: "several types", body: `{}`, headers: []string{"Content-Type", "application/json, text/plain"}, status: 415, code: "unsupported_media_type"},
		{name: "a type with a line in it", body: `{}`, headers: []string{"Content-Type", "application/json\r\nX-Canary: 1"}, status: 415, code: "unsupported_media_type"},
		{name: "duplicate fields", body: `{"programme": "canary", "programme": "medical", "area": "51001", "draft": true, "payee": {"kind": "household", "method": "cash", "kind": "canary"}}`,
			status: 422, code: "invalid_content", faults: []string{"/payee/kind duplicate_field", "/payee/kind not_allowed", "/payee/method method_not_paid", "/programme duplicate_field"}},
		{name: "duplicate by escape", body: `{"programme": "medical", "\u0070rogramme": "canary", "area": "51001", "draft": true}`,
			status: 422, code: "invalid_content", faults: []string{"/programme duplicate_field"}},
	} {
		r.who, r.path, r.headers = "portal1", "/v1/cases", append(key(), r.headers...)
		if r.secret == "" {
			r.secret = "canary"
		}
		d.refuses(t, r)
	}
}

// What is wrong with the content of a request, in each place of it. The same
// faults stop a submit and are told by validate.
func TestBadContent(t *testing.T) {
	d := openDoor(t)
	for _, c := range []struct {
		name  string
		path  string // what is changed in a good request
		value any
		want  []string
	}{
		{"unknown field", "iban", "canary", []string{"/iban unknown_field"}},
		{"unknown field in other letters", "Programme", "canary", []string{"/Programme unknown_field"}},
		{"nested unknown field", "payee.iban", "canary", []string{"/payee/iban unknown_field"}},
		{"a name typed as a field", "applicant.Nguyễn canary", 1, []string{"/applicant unknown_field"}},
		{"wrong type", "urgent", "canary", []string{"/urgent wrong_type"}},
		{"object for text", "applicant.full_name", map[string]any{"canary": 1}, []string{"/applicant/full_name wrong_type"}},
		{"list for object", "payee", []string{"canary"}, []string{"/payee wrong_type"}},
		{"null for text", "programme", json.RawMessage("null"), []string{"/programme wrong_type"}},
		{"no applicant", "applicant", nil, []string{"/applicant required"}},
		{"no consent", "consent", nil, []string{"/consent required"}},
		{"no assessment", "consent.purposes", []string{"payment"}, []string{"/consent/purposes consent_missing"}},
		{"no purposes", "consent.purposes", []string{}, []string{"/consent/purposes too_short"}},
		{"no submitter", "submitted_by", nil, []string{"/submitted_by required"}},
		{"no answers", "answers", nil, []string{"/answers required"}},
		{"no payee", "payee", nil, []string{"/payee required"}},
		{"no amount", "requested", nil, []string{"/requested required"}},
		{"foreign answers", "answers.canaries", "canary", []string{"/answers/canaries unknown_field"}},
		{"number and birth date", "applicant.birth_date", "1999-01-01", []string{"/applicant/national_id id_contradicts_birth_date"}},
		{"number and sex", "applicant.sex", "male", []string{"/applicant/national_id id_contradicts_sex"}},
		{"number with a letter", "applicant.national_id", "0511720canary", []string{"/applicant/national_id bad_format"}},
		{"number too short", "applicant.national_id", "05117200441", []string{"/applicant/national_id bad_format"}},
		{"a member's number", "household.members", []any{map[string]any{"full_name": "A", "national_id": "051172004418", "birth_date": "2004-02-11"}}, []string{"/household/members/0/national_id id_contradicts_birth_date"}},
		{"no such date", "applicant.birth_date", "1972-02-30", []string{"/applicant/birth_date bad_format"}},
		{"born tomorrow", "applicant", map[string]any{"full_name": "A", "birth_date": "2099-01-01"}, []string{"/applicant/birth_date in_future"}},
		{"zero", "requested.amount", 0, []string{"/requested/amount too_small"}},
		{"negative", "requested.amount", -5, []string{"/requested/amount too_small"}},
		{"fraction", "requested.amount", 1.5, []string{"/requested/amount wrong_type"}},
		{"a whole number as a fraction", "requested.amount", json.RawMessage("6000000.0"), []string{"/requested/amount wrong_type"}},
		{"a whole number with an exponent", "requested.amount", json.RawMessage("6e6"), []string{"/requested/amount wrong_type"}},
		{"amount as text", "requested.amount", "6000000", []string{"/requested/amount wrong_type"}},
		{"above the ceiling", "requested.amount", 20_000_001, []string{"/requested/amount amount_above_ceiling"}},
		{"beyond what JSON counts", "requested.amount", json.RawMessage("9007199254740993"), []string{"/requested/amount too_large"}},
		{"beyond 64 bits", "requested.amount", json.RawMessage("18446744073709551617"), []string{"/requested/amount too_large"}},
		{"beyond every float", "requested.amount", json.RawMessage("1e999"), []string{"/requested/amount too_large", "/requested/amount wrong_type"}},
		{"a huge number among the answers", "answers.cost", json.RawMessage("1e400"), []string{"/answers/cost too_large"}},
		{"other currency", "requested.currency", "USD", []string{"/requested/currency currency_not_accepted"}},
		{"no currency at all", "requested.currency", "canary", []string{"/requested/currency bad_format"}},
		{"unknown programme", "programme", "canary", []string{"/programme unknown_programme"}},
		{"no programme", "programme", nil, []string{"/programme required"}},
		{"empty programme", "programme", "", []string{"/programme required"}},
		{"unknown area", "area", "canary", []string{"/area unknown_area"}},
		{"another partner's area", "area", "48", []string{"/area unknown_area"}},
		{"a whole province", "area", "51", []string{"/area area_too_wide"}},
		{"payee not allowed", "payee.kind", "school", []string{"/payee/kind payee_not_allowed"}},
		{"payee unknown", "payee.kind", "canary", []string{"/payee/kind not_allowed"}},
		{"cash, which no fund pays", "payee", map[string]any{"kind": "household", "method": "cash"}, []string{"/payee/method method_not_paid"}},
		{"bank without bin", "payee.bank_bin", nil, []string{"/payee/bank_bin required"}},
		{"unknown document", "documents", []any{map[string]any{"kind": "canary", "dated": "2026-01-01", "location": "here"}}, []string{"/documents/0/kind unknown_document"}},
		{"NUL in a name", "applicant.full_name", "canary\x00b", []string{"/applicant/full_name bad_character"}},
		{"NUL in a code", "programme", "canary\x00", []string{"/programme bad_character"}},
		{"NUL in an answer", "answers.facility", "canary\x00b", []string{"/answers/facility bad_character"}},
		{"empty external id", "external_id", "", []string{"/external_id too_short"}},
		{"external id too long", "external_id", strings.Repeat("canary", 100), []string{"/external_id too_long"}},
		{"answers no object", "answers", []string{"canary"}, []string{"/answers wrong_type"}},
	} {
		body := change(d.request("medical"), c.path, c.value)
		d.refuses(t, refusal{name: c.name, who: "portal1", path: "/v1/cases", body: body, headers: key(), status: 422, code: "invalid_content", faults: c.want, secret: "canary"})
		v := d.call("portal1", "POST", "/v1/cases/validate", body)
		if v.at("valid") == true || fmt.Sprint(v.codes()) != fmt.Sprint(c.want) {
			t.Errorf("%s: validate says %d %s", c.name, v.Status, v.Raw)
		}
	}
}

func TestBadFundsAndContributions(t *testing.T) {
	d := openDoor(t)
	fund := d.call("manager1", "GET", "/v1/funds", nil).str("data.0.id")
	code := d.call("manager1", "GET", "/v1/funds", nil).str("data.0.code")
	money := func(amount any, currency string) map[string]any {
		return map[string]any{"amount": amount, "currency": currency}
	}
	open := func(path string, value any) map[string]any {
		return change(map[string]any{"code": "second", "name": "Second", "area": "51", "budget": money(1000, "VND")}, path, value)
	}
	give := func(path string, value any) map[string]any {
		return change(map[string]any{"amount": money(1000, "VND"), "received_on": "2026-03-02"}, path, value)
	}
	d.call("treasurer1", "POST", "/v1/funds/"+fund+"/contributions", give("external_id", "B-1"), key()...)
	for _, r := range []refusal{
		{name: "currency", who: "manager1", body: open("budget.currency", "USD"), faults: []string{"/budget/currency unknown_currency"}},
		{name: "no budget", who: "manager1", body: open("budget.amount", 0), faults: []string{"/budget/amount too_small"}},
		{name: "another's area", who: "manager1", body: open("area", "48"), faults: []string{"/area unknown_area"}},
		{name: "no area", who: "manager1", body: open("area", "canary"), faults: []string{"/area unknown_area"}},
		{name: "odd code", who: "manager1", body: open("code", "Canary !"), faults: []string{"/code bad_format"}},
		{name: "unknown rail", who: "manager1", body: open("rails", map[string]any{"bank": "canary"}), faults: []string{"/rails/bank unknown_rail"}},
		{name: "unknown method", who: "manager1", body: open("rails", map[string]any{"gold": "simulator"}), faults: []string{"/rails/gold unknown_field"}},
		{name: "code taken", who: "manager1", body: open("code", code), status: 409, code: "duplicate_code"},
		{name: "a treasurer opens", who: "treasurer1", body: open("name", "Canary"), status: 403, code: "wrong_role"},
		{name: "nothing given", who: "treasurer1", path: fund, body: give("amount.amount", 0), faults: []string{"/amount/amount too_small"}},
		{name: "taken away", who: "treasurer1", path: fund, body: give("amount.amount", -1), faults: []string{"/amount/amount too_small"}},
		{name: "dollars", who: "treasurer1", path: fund, body: give("amount.currency", "USD"), faults: []string{"/amount/currency currency_not_accepted"}},
		{name: "tomorrow's money", who: "treasurer1", path: fund, body: give("received_on", "2026-04-02"), faults: []string{"/received_on in_future"}},
		{name: "no day", who: "treasurer1", path: fund, body: give("received_on", "2026-02-30"), faults: []string{"/received_on bad_format"}},
		{name: "the same receipt", who: "treasurer1", path: fund, body: give("external_id", "B-1"), status: 409, code: "duplicate_external_id"},
		{name: "no such fund", who: "treasurer1", path: postgres.NewID(aid.FundID), body: give("donor", "canary"), status: 404, code: "fund_not_found"},
		{name: "a manager gives", who: "manager1", path: fund, body: give("donor", "canary"), status: 403, code: "wrong_role"},
	} {
		if r.path != "" {
			r.path = "/" + r.path + "/contributions"
		}
		r.path, r.headers, r.secret = "/v1/funds"+r.path, key(), "canary"
		if r.code == "" {
			r.status, r.code = 422, "invalid_content"
		}
		d.refuses(t, r)
	}
}

func TestBadBudgetsAndPurposes(t *testing.T) {
	d := openDoor(t)
	d.reserved(t, 5)
	fund := d.call("manager1", "GET", "/v1/funds", nil).str("data.0.id")
	at := "/v1/funds/" + fund
	money := func(amount any, currency string) map[string]any {
		return map[string]any{"amount": amount, "currency": currency}
	}
	limit := func(path string, value any) map[string]any {
		return change(map[string]any{"programme": "schooling", "year": 2026, "budget": money(1000, "VND")}, path, value)
	}
	bound := func(path string, value any) map[string]any {
		return change(map[string]any{"amount": money(1000, "VND"), "received_on": "2026-03-02", "purpose": map[string]any{"programme": "medical"}}, path, value)
	}
	fresh := func(path string, value any) map[string]any {
		return change(map[string]any{"budget": money(1000, "VND"), "reason_code": "plan"}, path, value)
	}
	d.call("manager1", "POST", at+"/budgets", limit("year", 2027), key()...)
	seen := []string{"If-Match", d.call("manager1", "GET", at, nil).Header.Get("ETag")}
	for _, r := range []refusal{
		{name: "no such programme", who: "manager1", path: at + "/budgets", body: limit("programme", "canary"), faults: []string{"/programme unknown_programme"}},
		{name: "dollars", who: "manager1", path: at + "/budgets", body: limit("budget.currency", "USD"), faults: []string{"/budget/currency currency_not_accepted"}},
		{name: "less than nothing", who: "manager1", path: at + "/budgets", body: limit("budget.amount", -1), faults: []string{"/budget/amount too_small"}},
		{name: "long ago", who: "manager1", path: at + "/budgets", body: limit("year", 1999), faults: []string{"/year too_small"}},
		{name: "set already", who: "manager1", path: at + "/budgets", body: limit("year", 2027), status: 409, code: "budget_exists"},
		{name: "less than is promised", who: "manager1", path: at + "/budgets", body: limit("programme", "medical"), status: 409, code: "budget_below_promised"},
		{name: "a treasurer's budget", who: "treasurer1", path: at + "/budgets", body: limit("year", 2028), status: 403, code: "wrong_role"},
		{name: "no such fund", who: "manager1", path: "/v1/funds/canary/budgets", body: limit("year", 2028), status: 404, code: "fund_not_found"},
		{name: "unseen", who: "manager1", method: "PATCH", path: at + "/budgets/schooling/2027", body: fresh("reason_code", "plan"), headers: []string{}, status: 428, code: "if_match_required"},
		{name: "stale", who: "manager1", method: "PATCH", path: at + "/budgets/schooling/2027", body: fresh("reason_code", "plan"), headers: []string{"If-Match", `"9"`}, status: 412, code: "stale"},
		{name: "no budget", who: "manager1", method: "PATCH", path: at + "/budgets/schooling/2029", body: fresh("reason_code", "plan"), headers: seen, status: 404, code: "budget_not_found"},
		{name: "because", who: "manager1", method: "PATCH", path: at + "/budgets/schooling/2027", body: fresh("reason_code", "canary"), headers: seen, faults: []string{"/reason_code not_allowed"}},
		{name: "nothing to change", who: "manager1", method: "PATCH", path: at, body: map[string]any{"reason_code": "plan"}, headers: seen, faults: []string{" empty"}},
		{name: "the fund's dollars", who: "manager1", method: "PATCH", path: at, body: fresh("budget.currency", "USD"), headers: seen, faults: []string{"/budget/currency currency_not_accepted"}},
		{name: "below what is promised", who: "manager1", method: "PATCH", path: at, body: fresh("budget.amount", 1), headers: seen, status: 409, code: "budget_below_promised"},
		{name: "another fund was seen", who: "manager1", method: "PATCH", path: at, body: fresh("budget.amount", 600000000), headers: []string{"If-Match", `"1"`}, status: 412, code: "stale"},
		{name: "for nothing", who: "treasurer1", path: at + "/contributions", body: bound("purpose", map[string]any{}), faults: []string{"/purpose empty"}},
		{name: "for what there is not", who: "treasurer1", path: at + "/contributions", body: bound("purpose.programme", "canary"), faults: []string{"/purpose/programme unknown_programme"}},
		{name: "for another province", who: "treasurer1", path: at + "/contributions", body: bound("purpose.area", "48"), faults: []string{"/purpose/area unknown_area"}},
	} {
		if r.headers == nil {
			r.headers = key()
		}
		if r.code == "" {
			r.status, r.code = 422, "invalid_content"
		}
		r.secret = "canary"
		d.refuses(t, r)
	}
}

func TestBadPostingsByHand(t *testing.T) {
	d := openDoor(t)
	d.reserved(t, 5)
	at := "/v1/funds/" + d.call("manager1", "GET", "/v1/funds", nil).str("data.0.id")
	money := func(amount any) map[string]any { return map[string]any{"amount": amount, "currency": "VND"} }
	transfer := func(path string, value any) map[string]any {
		return change(map[string]any{"kind": "fee", "amount": money(1000), "external_id": "F-2"}, path, value)
	}
	opening := func(path string, value any) map[string]any {
		return change(map[string]any{"raised": money(1000), "paid": money(10)}, path, value)
	}
	fee := d.call("treasurer1", "POST", at+"/transfers", transfer("external_id", "F-1"), key()...).str("id")
	given := d.call("auditor1", "GET", "/v1/ledger/transactions?kind=contribution", nil).str("data.0.id")
	posted := d.call("auditor1", "GET", "/v1/ledger/transactions?kind=reserve", nil).str("data.0.id")
	empty := "/v1/funds/" + d.fund("empty")
	because := map[string]any{"reason_code": "typed_wrong"}
	reversal := func(id string) string { return "/v1/ledger/transactions/" + id + "/reversals" }
	for _, r := range []refusal{
		{name: "running costs", path: at + "/transfers", body: transfer("kind", "running_costs"), faults: []string{"/kind running_costs_refused"}},
		{name: "a salary", path: at + "/transfers", body: transfer("kind", "canary"), faults: []string{"/kind not_allowed"}},
		{name: "nothing", path: at + "/transfers", body: transfer("amount.amount", 0), faults: []string{"/amount/amount too_small"}},
		{name: "dollars", path: at + "/transfers", body: transfer("amount.currency", "USD"), faults: []string{"/amount/currency currency_not_accepted"}},
		{name: "the same paper", path: at + "/transfers", body: transfer("external_id", "F-1"), status: 409, code: "duplicate_external_id"},
		{name: "more than there is", path: at + "/transfers", body: transfer("amount.amount", 500000001), status: 409, code: "money_short"},
		{name: "more back than went out", path: at + "/transfers", body: transfer("kind", "advance_in"), status: 409, code: "money_short"},
		{name: "a manager's transfer", who: "manager1", path: at + "/transfers", body: transfer("kind", "fee"), status: 403, code: "wrong_role"},
		{name: "one's own", path: reversal(fee), body: because, status: 403, code: "second_person"},
		{name: "a case's", who: "treasurer2", path: reversal(posted), body: because, status: 409, code: "not_reversible"},
		{name: "of what is promised", who: "treasurer2", path: reversal(given), body: because, status: 409, code: "money_short"},
		{name: "no transaction", who: "treasurer2", path: reversal("canary"), body: because, status: 404, code: "transaction_not_found"},
		{name: "for no reason", who: "treasurer2", path: reversal(fee), body: map[string]any{}, faults: []string{"/reason_code required"}},
		{name: "an opened fund", path: at + "/opening-balances", body: opening("raised", money(1000)), status: 409, code: "fund_in_use"},
		{name: "more paid than raised", path: empty + "/opening-balances", body: opening("paid", money(1001)), faults: []string{" opening_unbalanced"}},
		{name: "opened in dollars", path: empty + "/opening-balances", body: opening("paid.currency", "USD"), faults: []string{"/paid/currency currency_not_accepted"}},
		{name: "above the budget", path: empty + "/opening-balances", body: change(opening("raised", money(9000000)), "paid", money(1000001)), status: 409, code: "money_short"},
		{name: "this year", path: at + "/years", body: map[string]any{"year": d.db.Now().Year()}, status: 409, code: "year_not_over"},
		{name: "the fund's prehistory", path: at + "/years", body: map[string]any{"year": 2001}, status: 409, code: "year_closed"},
		{name: "nothing there", path: empty + "/years", body: map[string]any{"year": 2001}, status: 409, code: "nothing_to_close"},
	} {
		if r.who == "" {
			r.who = "treasurer1"
		}
		if r.code == "" {
			r.status, r.code = 422, "invalid_content"
		}
		r.headers, r.secret = key(), "canary"
		d.refuses(t, r)
	}
}

func TestBadHeadersAndParameters(t *testing.T) {
	d := openDoor(t)
	id := d.submitted("medical")
	reference := d.call("portal1", "GET", "/v1/cases/"+id, nil).str("reference")
	long := strings.Repeat("canary", 50)
	for _, r := range []refusal{
		{name: "no key", path: "/v1/cases", body: d.request("schooling"), status: 400, code: "idempotency_key_missing", faults: []string{"Idempotency-Key required"}},
		{name: "empty key", path: "/v1/cases", body: d.request("schooling"), headers: []string{"Idempotency-Key", " "}, status: 400, code: "idempotency_key_missing", faults: []string{"Idempotency-Key required"}},
		{name: "long key", path: "/v1/cases", body: d.request("schooling"), headers: []string{"Idempotency-Key", long}, status: 400, code: "invalid_parameters", faults: []string{"Idempotency-Key too_long"}},
		{name: "key that is no text", path: "/v1/cases", body: d.request("schooling"), headers: []string{"Idempotency-Key", "canary\xff"}, status: 400, code: "invalid_parameters", faults: []string{"Idempotency-Key bad_character"}},
		{name: "key with a line in it", path: "/v1/cases", body: d.request("schooling"), headers: []string{"Idempotency-Key", "canary\r\nX: y"}, status: 400, code: "invalid_parameters", faults: []string{"Idempotency-Key bad_character"}},
		{name: "withdraw without key", path: "/v1/cases/" + id + "/withdraw", status: 400, code: "idempotency_key_missing", faults: []string{"Idempotency-Key required"}},
		{name: "answer without key", path: "/v1/cases/" + id + "/provide_information", status: 400, code: "idempotency_key_missing", faults: []string{"Idempotency-Key required"}},
		{name: "bad cursor", method: "GET", path: "/v1/cases?cursor=canary", status: 400, code: "invalid_parameters", faults: []string{"cursor invalid_cursor"}},
		{name: "cursor of another list", method: "GET", path: "/v1/cases?cursor=" + token("areas", "a", "b"), status: 400, code: "invalid_parameters", faults: []string{"cursor invalid_cursor"}},
		{name: "cursor that is no place", method: "GET", path: "/v1/cases?cursor=" + token("cases", "canary", "b"), status: 400, code: "invalid_parameters", faults: []string{"cursor invalid_cursor"}},
		{name: "unknown parameter", method: "GET", path: "/v1/cases?statsu=canary", status: 400, code: "invalid_parameters", faults: []string{"statsu unknown_parameter"}},
		{name: "unknown parameter with a person's name", method: "GET", path: "/v1/cases?Nguy%E1%BB%85n+canary=1", status: 400, code: "invalid_parameters", faults: []string{"query unknown_parameter"}},
		{name: "parameter given twice", method: "GET", path: "/v1/cases?limit=1&limit=2", status: 400, code: "invalid_parameters", faults: []string{"limit duplicate_parameter"}},
		{name: "parameter on what takes none", method: "GET", path: "/v1/cases/" + id + "?full=canary", status: 400, code: "invalid_parameters", faults: []string{"full unknown_parameter"}},
		{name: "all at once", method: "GET", path: "/v1/cases?status=canary&limit=0&created_after=canary&sla=canary&x=canary", status: 400, code: "invalid_parameters",
			faults: []string{"created_after bad_format", "limit too_small", "sla not_allowed", "status not_allowed", "x unknown_parameter"}},
		{name: "limit too large", method: "GET", path: "/v1/cases?limit=100000", status: 400, code: "invalid_parameters", faults: []string{"limit too_large"}},
		{name: "limit of another kind", method: "GET", path: "/v1/cases?limit=canary", status: 400, code: "invalid_parameters", faults: []string{"limit wrong_type"}},
		{name: "NUL in a parameter", method: "GET", path: "/v1/cases?external_id=canary%00", status: 400, code: "invalid_parameters", faults: []string{"external_id bad_character"}},
		{name: "no UTF-8 in a parameter", method: "GET", path: "/v1/cases?external_id=canary%ff", status: 400, code: "invalid_parameters", faults: []string{"external_id bad_character"}},
		{name: "broken escape", method: "GET", path: "/v1/cases?external_id=%zz", status: 400, code: "invalid_parameters", faults: []string{"query bad_format"}},
		{name: "foreign case", who: "portal2", method: "GET", path: "/v1/cases/" + id, status: 404, code: "case_not_found", secret: id},
		{name: "foreign case by reference", who: "portal2", method: "GET", path: "/v1/cases/" + reference, status: 404, code: "case_not_found", secret: reference},
		{name: "foreign case withdrawn", who: "portal2", path: "/v1/cases/" + id + "/withdraw", headers: key(), status: 404, code: "case_not_found", secret: id},
		{name: "foreign case advanced", who: "portal2", path: "/v1/sandbox/cases/" + id + "/advance", body: map[string]any{"duration": "P1D"}, status: 404, code: "case_not_found", secret: id},
		{name: "no such case", method: "GET", path: "/v1/cases/" + postgres.NewID(aid.CaseID), status: 404, code: "case_not_found"},
		{name: "no id at all", method: "GET", path: "/v1/cases/%00canary", status: 404, code: "not_found"},
		{name: "nothing there", method: "GET", path: "/v1/canary", status: 404, code: "no_such_path"},
		{name: "slash at the end", method: "GET", path: "/v1/cases/", status: 404, code: "no_such_path"},
		{name: "no such method", method: "DELETE", path: "/v1/cases/" + id, status: 405, code: "method_not_allowed"},
		{name: "options", method: "OPTIONS", path: "/v1/cases", status: 405, code: "method_not_allowed"},
		{name: "an invented method", method: "CANARY", path: "/v1/cases", status: 405, code: "method_not_allowed"},
		{name: "same number again", path: "/v1/cases", body: d.numbered(t), headers: key(), status: 409, code: "duplicate_external_id", secret: "P1-9"},
		{name: "open case", path: "/v1/cases", body: change(d.request("medical"), "external_id", nil), headers: key(), status: 409, code: "open_case_exists", says: []string{`"case":"` + id + `"`}},
	} {
		if r.who == "" {
			r.who = "portal1"
		}
		if r.secret == "" {
			r.secret = "canary"
		}
		d.refuses(t, r)
	}
}

// token writes a cursor as the server does.
func token(list, sort, id string) string {
	raw, _ := json.Marshal(cursor{List: list, Sort: sort, ID: id})
	return base64.RawURLEncoding.EncodeToString(raw)
}

// numbered stores a case with an external id, and gives another request with
// the same.
func (d *door) numbered(t *testing.T) map[string]any {
	t.Helper()
	first := change(d.request("schooling"), "external_id", "P1-9")
	if a := d.call("portal1", "POST", "/v1/cases", first, key()...); a.Status != 201 {
		t.Fatal(a.Raw)
	}
	return change(d.request("housing_new"), "external_id", "P1-9")
}

func TestAReusedKeyChangesNothing(t *testing.T) {
	d := openDoor(t)
	k := key()
	if a := d.call("portal1", "POST", "/v1/cases", d.request("medical"), k...); a.Status != 201 {
		t.Fatal(a.Raw)
	}
	d.refuses(t, refusal{name: "other content", who: "portal1", path: "/v1/cases", body: d.request("schooling"), headers: k, status: 422, code: "idempotency_key_reused", secret: k[1]})
}
