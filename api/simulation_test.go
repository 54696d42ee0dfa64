package api

import (
	"encoding/json"
	"fmt"
	"testing"

	"github.com/aidflow/aidflow/aid/programme"
	"github.com/aidflow/aidflow/internal/postgres"
)

// judged makes a case of a person whose facts were judged under its version.
func (d *door) judged(t *testing.T, i int, change func(*programme.Facts)) (reference string) {
	t.Helper()
	id := d.submit(d.person(i))
	d.moves(t, id, func(tx *postgres.Tx, c *postgres.Case) error {
		def, err := tx.Rules(c)
		if err != nil {
			return err
		}
		facts, err := tx.Facts(c, def)
		if err != nil {
			return err
		}
		change(&facts)
		verdict, err := def.Judge(facts)
		if err != nil {
			return err
		}
		return tx.SaveFacts(c, postgres.PhaseRequest, facts, verdict)
	})
	return d.call("manager1", "GET", "/v1/cases/"+id, nil).str("reference")
}

func TestSimulateOnPastCases(t *testing.T) {
	d := openDoor(t)
	poor := func(f *programme.Facts) { f.Household.Classification = "poor" }
	same := d.judged(t, 1, poor)
	large := d.judged(t, 2, func(f *programme.Facts) { poor(f); f.Requested = 6_400_000 })
	_ = d.judged(t, 3, func(f *programme.Facts) { poor(f); f.Requested = 9_000_000 })
	newer := d.nextVersion(t, "medical", map[string]any{"ceiling": 7_000_000,
		"matrix": []any{map[string]any{"up_to": 6_200_000, "levels": []any{map[string]any{"name": "commune", "mode": "any"}}}, map[string]any{"up_to": nil, "levels": []any{map[string]any{"name": "province", "mode": "any"}}}}})
	a := d.call("admin1", "POST", "/v1/programmes/medical/simulate", map[string]any{"definition": newer})
	if a.Status != 200 || a.at("totals.looked_at") != 3.0 || a.at("totals.changed") != 2.0 || a.at("totals.levels") != 1.0 || a.at("totals.unfit") != 1.0 ||
		a.at("totals.amount_before") != a.at("totals.amount_after") || a.at("has_more") != false {
		t.Fatalf("%d %s", a.Status, a.Raw)
	}
	got := map[string]string{}
	for _, one := range a.at("cases").([]any) {
		m := one.(map[string]any)
		got[m["reference"].(string)] = fmt.Sprint(m["differs"], m["why"])
	}
	if len(got) != 2 || got[same] != "" || got[large] != "[levels] [levels:matrix]" {
		t.Errorf("%v", got)
	}
	// page by page it is the same
	looked, cursor := 0.0, ""
	for range 3 {
		body := map[string]any{"definition": newer, "limit": 1}
		if cursor != "" {
			body["cursor"] = cursor
		}
		p := d.call("auditor1", "POST", "/v1/programmes/medical/simulate", body)
		looked += p.at("totals.looked_at").(float64)
		cursor = p.str("next_cursor")
	}
	if looked != 3 || cursor != "" {
		t.Errorf("%v looked at, cursor %q", looked, cursor)
	}
	// a draft is tried by its number, and by whoever may see nothing of the province on nothing
	d.proposed(t, "medical", lower())
	if a := d.call("manager1", "POST", "/v1/programmes/medical/simulate", map[string]any{"version": 2}); a.Status != 200 || a.at("totals.unfit") != 1.0 {
		t.Errorf("%d %s", a.Status, a.Raw)
	}
	d.strangers(t)
	if a := d.call("manager_48", "POST", "/v1/programmes/medical/simulate", map[string]any{"version": 2}); a.Status != 200 || a.at("totals.looked_at") != 0.0 {
		t.Errorf("%d %s", a.Status, a.Raw)
	}
	if n := d.count("audit WHERE action = 'simulate_programme' AND object = 'medical'"); n == 0 {
		t.Error("the look at the facts is not in the audit")
	}
}

// lower gives medical aid a lower ceiling.
func lower() map[string]any {
	return map[string]any{"ceiling": 7_000_000, "matrix": []any{map[string]any{"up_to": nil, "levels": []any{map[string]any{"name": "commune", "mode": "any"}}}}}
}

func TestSimulateOnSamples(t *testing.T) {
	d := openDoor(t)
	var example struct {
		Answers json.RawMessage `json:"answers"`
	}
	row, _ := d.db.Programme(t.Context(), "medical")
	_ = json.Unmarshal(row.Definition.ExampleRequest, &example)
	sample := func(name string, requested int) map[string]any {
		return map[string]any{"name": name, "facts": map[string]any{"applicant": map[string]any{"age": 40, "sex": "female", "has_id": true},
			"household": map[string]any{"registered": true, "classification": "poor", "score_a": 1, "score_b": 1, "urban": false, "size": 2, "children": 0, "elderly": 0},
			"requested": requested, "urgent": false, "year": 2026, "area": map[string]any{"level": "commune"}, "answers": example.Answers}}
	}
	newer := d.nextVersion(t, "medical", lower())
	a := d.call("manager1", "POST", "/v1/programmes/medical/simulate", map[string]any{"definition": newer, "samples": []any{sample("small", 5_000_000), sample("large", 8_000_000)}})
	if a.Status != 200 || a.at("totals.looked_at") != 2.0 || a.str("cases.0.name") != "large" || a.str("cases.0.after.decision") != "unfit" ||
		a.str("cases.0.after.unfit.0.pointer") != "/requested" || a.str("cases.0.why.0") != "unfit:amount_above_ceiling" {
		t.Fatalf("%d %s", a.Status, a.Raw)
	}
	for _, r := range []refusal{
		{name: "nothing to try", body: map[string]any{}, faults: []string{"/definition one_of_two"}},
		{name: "two things", body: map[string]any{"definition": "canary", "version": 1}, faults: []string{"/definition one_of_two"}},
		{name: "no such version", body: map[string]any{"version": 9}, status: 404, code: "version_not_found"},
		{name: "of another programme", body: map[string]any{"definition": d.nextVersion(t, "schooling", nil)}, faults: []string{"/definition/code not_allowed"}},
		{name: "no facts", body: map[string]any{"version": 1, "samples": []any{map[string]any{"facts": map[string]any{"canary": 1}}}}, faults: []string{"/samples/0/facts unknown_facts"}},
		{name: "a bad cursor", body: map[string]any{"version": 1, "cursor": "canary"}, status: 400, code: "invalid_parameters", faults: []string{"cursor invalid_cursor"}},
		{name: "a verifier", who: "verifier1", body: map[string]any{"version": 1}, status: 403, code: "wrong_role"},
	} {
		if r.who == "" {
			r.who = "manager1"
		}
		if r.status == 0 {
			r.status, r.code = 422, "invalid_content"
		}
		r.path, r.secret = "/v1/programmes/medical/simulate", "canary"
		d.refuses(t, r)
	}
}
