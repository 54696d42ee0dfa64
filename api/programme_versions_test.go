package api

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/aidflow/aidflow/internal/postgres"
)

// nextVersion gives the text of a programme's next version with other fields:
// a comment, then JSON, a field a line.
func (d *door) nextVersion(t testing.TB, code string, fields map[string]any) string {
	t.Helper()
	versions, err := d.db.ProgrammeVersions(t.Context(), code)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := json.Marshal(versions[0].Definition)
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]any{}
	if err := json.Unmarshal(raw, &all); err != nil {
		t.Fatal(err)
	}
	all["version"] = versions[0].Version + 1
	for name, value := range fields {
		all[name] = value
	}
	if raw, err = json.MarshalIndent(all, "", " "); err != nil {
		t.Fatal(err)
	}
	return "# as the province decided\n" + string(raw)
}

// proposed sends the next version of a programme as a draft of admin1 and
// gives the draft's id.
func (d *door) proposed(t testing.TB, code string, fields map[string]any) string {
	t.Helper()
	a := d.call("admin1", "POST", "/v1/programmes", map[string]any{"definition": d.nextVersion(t, code, fields)}, key()...)
	if a.Status != http.StatusCreated {
		t.Fatalf("%d %s", a.Status, a.Raw)
	}
	return a.str("draft")
}

func TestAVersionFromProposalToRecall(t *testing.T) {
	d := openDoor(t)
	text := d.nextVersion(t, "medical", map[string]any{"ceiling": 25_000_000})
	k := key()
	a := d.call("admin1", "POST", "/v1/programmes", map[string]any{"definition": text}, append(k, "Accept-Language", "vi")...)
	if a.Status != 201 || a.str("state") != "proposed" || a.str("proposed_by") != "admin1" || a.at("version") != 2.0 || a.at("compared_with") != 1.0 ||
		a.str("definition") != text || a.Header.Get("Location") != "/v1/programmes/medical/versions/2" {
		t.Fatalf("%d %s", a.Status, a.Raw)
	}
	if changes, _ := a.at("changes").([]any); len(changes) < 2 || !strings.Contains(a.Raw, "25") {
		t.Errorf("changes: %v", a.at("changes"))
	}
	if a.str("warnings.0.code") != "effective_in_past" || a.at("warnings.0.line") == nil || a.str("warnings.0.pointer") != "/definition/effective_from" {
		t.Errorf("warnings: %v", a.at("warnings"))
	}
	again := d.call("admin1", "POST", "/v1/programmes", map[string]any{"definition": text}, k...)
	if again.Header.Get("Idempotent-Replayed") != "true" || again.str("draft") != a.str("draft") {
		t.Errorf("a copy: %d %s", again.Status, again.Raw)
	}
	draft := map[string]any{"draft": a.str("draft")}
	d.refuses(t, refusal{name: "its proposer", who: "admin1", path: "/v1/programmes/medical/versions/2/publish", body: draft, headers: key(), status: 403, code: "second_administrator", secret: "canary"})
	if n := d.count("audit WHERE action = 'publish_programme' AND outcome = 'refused' AND object = 'medical/2' AND code = 'second_administrator'"); n == 0 {
		t.Error("the refusal is not in the audit")
	}
	d.refuses(t, refusal{name: "another draft", who: "admin2", path: "/v1/programmes/medical/versions/2/publish", body: map[string]any{"draft": postgres.NewID("drf")}, headers: key(),
		status: 404, code: "draft_not_found", secret: "canary"})
	for range 2 {
		p := d.call("admin2", "POST", "/v1/programmes/medical/versions/2/publish", draft, key()...)
		if p.Status != 200 || p.str("state") != "in_force" || p.str("published_by") != "admin2" || p.str("published_at") == "" {
			t.Fatalf("%d %s", p.Status, p.Raw)
		}
	}
	if g := d.call("portal1", "GET", "/v1/programmes/medical", nil); g.at("version") != 2.0 || g.at("open") != true || g.at("ceiling.amount") != 25e6 {
		t.Errorf("%s", g.Raw)
	}
	list := d.call("auditor1", "GET", "/v1/programmes/medical/versions", nil)
	if list.str("data.0.state") != "in_force" || list.str("data.1.state") != "superseded" || list.at("data.0.definition") != nil {
		t.Errorf("%s", list.Raw)
	}
	reason := map[string]any{"reason": "The norm was misread."}
	if r := d.call("admin1", "POST", "/v1/programmes/medical/versions/2/recall", reason, key()...); r.Status != 200 || r.str("state") != "in_force" || r.str("recalls.0.by") != "admin1" {
		t.Errorf("%d %s", r.Status, r.Raw)
	}
	if r := d.call("admin2", "POST", "/v1/programmes/medical/versions/2/recall", reason, key()...); r.Status != 200 || r.str("state") != "recalled" || r.str("recalled_at") == "" {
		t.Errorf("%d %s", r.Status, r.Raw)
	}
	request := d.request("medical")
	d.refuses(t, refusal{name: "a new case", who: "portal1", path: "/v1/cases", body: request, headers: key(), status: 409, code: "programme_closed", secret: "canary"})
	if v := d.call("portal1", "POST", "/v1/cases/validate", request); fmt.Sprint(v.codes()) != "[/programme programme_closed]" {
		t.Errorf("validate: %s", v.Raw)
	}
	d.refuses(t, refusal{name: "with faults of its own", who: "portal1", path: "/v1/cases", body: change(request, "answers", nil), headers: key(), status: 422, code: "invalid_content",
		faults: []string{"/answers required", "/programme programme_closed"}, secret: "canary"})
}

// Every fault of a definition at once, each with its place and its line.
func TestFaultsOfADefinition(t *testing.T) {
	d := openDoor(t)
	text := "# canary\n" + strings.TrimPrefix(d.nextVersion(t, "medical", map[string]any{"calendar": "none", "version": 7, "ceiling": 20_000_000, "funds": []string{"nowhere"}}), "# as the province decided\n")
	line := func(field string) float64 {
		before, _, _ := strings.Cut(text, `"`+field+`":`)
		return float64(strings.Count(before, "\n") + 1)
	}
	a := d.call("admin1", "POST", "/v1/programmes", map[string]any{"definition": text}, key()...)
	if a.Status != 422 || fmt.Sprint(a.codes()) != "[/definition/version version_not_next /definition/calendar unknown_calendar /definition/funds/0 unknown_fund]" {
		t.Fatalf("%d %s", a.Status, a.Raw)
	}
	if a.at("errors.0.line") != line("version") || a.at("errors.1.line") != line("calendar") || a.at("errors.2.line") != line("funds")+1 {
		t.Errorf("%s", a.Raw)
	}
	if !strings.Contains(a.str("errors.0.message"), "2") || strings.Contains(a.Raw, "nowhere") {
		t.Errorf("%s", a.Raw)
	}
	bad := strings.Replace(strings.Replace(text, `"ceiling": 20000000`, `"ceiling": -1`, 1), `"currency": "VND"`, `"currency": "XXX", "canaries": 1`, 1)
	a = d.call("admin1", "POST", "/v1/programmes", map[string]any{"definition": bad}, key()...)
	if a.Status != 422 || a.str("code") != "programme_invalid" || a.str("errors.0.pointer") != "/definition/canaries" || a.at("errors.0.line") != line("currency") {
		t.Errorf("%d %s", a.Status, a.Raw)
	}
	for _, r := range []refusal{
		{name: "no YAML", body: map[string]any{"definition": "code: [canary"}, code: "programme_invalid", faults: []string{"/definition yaml_syntax"}},
		{name: "empty", body: map[string]any{"definition": ""}, faults: []string{"/definition too_short"}},
		{name: "nothing said", body: map[string]any{"definition": "# canary"}, code: "programme_invalid", faults: []string{"/definition yaml_syntax"}},
		{name: "no definition", body: map[string]any{"definitions": "canary"}, faults: []string{"/definition required", "/definitions unknown_field"}},
		{name: "too long", body: map[string]any{"definition": strings.Repeat("canary", 100_001)}, faults: []string{"/definition too_long"}},
		{name: "a manager", who: "manager1", body: map[string]any{"definition": "canary"}, status: 403, code: "wrong_role"},
		{name: "no reason", path: "/v1/programmes/medical/versions/1/recall", body: map[string]any{"reason": "canary"}, faults: []string{"/reason too_short"}},
		{name: "no such version", path: "/v1/programmes/medical/versions/9/recall", body: map[string]any{"reason": "canary canary"}, status: 404, code: "version_not_found"},
		{name: "no version", path: "/v1/programmes/medical/versions/0/recall", body: map[string]any{"reason": "canary canary"}, status: 400, code: "invalid_parameters", faults: []string{"version too_small"}},
		{name: "no such draft", path: "/v1/programmes/medical/versions/2/withdraw", body: map[string]any{"draft": "canary"}, status: 404, code: "draft_not_found"},
	} {
		if r.who == "" {
			r.who = "admin1"
		}
		if r.path == "" {
			r.path = "/v1/programmes"
		}
		if r.status == 0 {
			r.status = 422
		}
		if r.code == "" {
			r.code = "invalid_content"
		}
		r.headers, r.secret = key(), "canary"
		d.refuses(t, r)
	}
}
