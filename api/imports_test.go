package api

import (
	"bytes"
	"context"
	"encoding/csv"
	"fmt"
	"log/slog"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/internal/imports"
	"github.com/aidflow/aidflow/internal/postgres"
	"github.com/aidflow/aidflow/programmes"
)

// asCSV are the headers of a file.
func asCSV(more ...string) []string {
	return append([]string{"Content-Type", "text/csv", "Idempotency-Key", postgres.NewID(aid.RequestID)}, more...)
}

// runImports does what the worker does.
func (d *door) runImports(t *testing.T) {
	t.Helper()
	rules, err := programmes.Means()
	if err != nil {
		t.Fatal(err)
	}
	runner := &imports.Runner{Store: d.db.Store, Rules: rules[programmes.MeansVN], Log: slog.New(slog.DiscardHandler)}
	for more := true; more; {
		if more, err = runner.Once(context.Background()); err != nil {
			t.Fatal(err)
		}
	}
}

const review = "household_code,area_code,head,full_name,id_number,birth_date,score_a,score_b\n" +
	"API-1,51001,yes,Canary Nguyễn Văn An,051084000001,1984-03-02,120,30\n" +
	"API-1,51001,no,Canary Nguyễn Thị Bé,,2024-05-01,,\n" +
	"API-2,51002,yes,Canary Lê Thị Cúc,051184000002,02/03/1984,150,30\n"

func TestImportThroughTheDoor(t *testing.T) {
	d := openDoor(t)
	const path = "/v1/imports?what=register&year=2026"
	headers := asCSV()
	dry := d.call("manager1", "POST", path, review, headers...)
	if dry.Status != 201 || dry.str("status") != "waiting" || dry.at("dry_run") != true {
		t.Fatal(dry.Status, dry.Raw)
	}
	again := d.call("manager1", "POST", path, review, headers...)
	if again.Header.Get("Idempotent-Replayed") != "true" || again.str("id") != dry.str("id") {
		t.Error("a copy of the request:", again.Status, again.Raw)
	}
	if other := d.call("manager1", "POST", path, review+"x", headers...); other.str("code") != "idempotency_key_reused" {
		t.Error("another file under the key:", other.Status, other.Raw)
	}
	follow := path + "&follows=" + dry.str("id")
	if early := d.call("manager1", "POST", follow, review, asCSV()...); early.str("code") != "dry_run_needed" {
		t.Error("before the dry run has ended:", early.Status, early.Raw)
	}
	d.runImports(t)
	if n := d.count("households WHERE code LIKE 'API-%'"); n != 0 {
		t.Fatal("a dry run has left something")
	}
	if wrong := d.call("manager1", "POST", follow, review+"\n", asCSV()...); wrong.Status != 409 || wrong.str("code") != "other_file" {
		t.Error("another file:", wrong.Status, wrong.Raw)
	}
	real := d.call("manager1", "POST", follow, review, asCSV()...)
	d.runImports(t)
	done := d.call("manager1", "GET", "/v1/imports/"+real.str("id"), nil)
	if got := fmt.Sprint(done.at("status"), done.at("rows"), done.at("applied"), done.at("unchanged"), done.at("faulty"), done.at("follows")); got != fmt.Sprint("done", 3, 2, 0, 1, dry.str("id")) {
		t.Error(got, done.Raw)
	}
	if n := d.count("import_chunks"); n != 0 {
		t.Errorf("%d chunks of the file are kept", n)
	}
	faults := d.call("manager1", "GET", "/v1/imports/"+real.str("id")+"/faults", nil, "Accept-Language", "vi")
	rows, err := csv.NewReader(strings.NewReader(strings.TrimPrefix(faults.Raw, "\ufeff"))).ReadAll()
	if err != nil || len(rows) != 2 || fmt.Sprint(rows[1][:4]) != "[4 birth_date date_format fault]" || !strings.Contains(rows[1][4], "2026-01-31") || !strings.HasPrefix(faults.Raw, "\ufeff") {
		t.Errorf("%q, %v", faults.Raw, err)
	}
	if strings.Contains(faults.Raw+d.logged(), "Canary") {
		t.Error("a name has left the file")
	}
}

func TestRegisterThroughTheDoor(t *testing.T) {
	d := openDoor(t)
	head := postgres.DevelopmentHousehold(0)[0]
	path := "/v1/households/" + head.HouseholdCode
	for who, masked := range map[string]bool{"intake1": false, "verifier1": false, "approver1": false, "manager1": true, "auditor1": true} {
		a := d.call(who, "GET", path, nil)
		if a.Status != 200 || a.at("masked") != masked || strings.Contains(a.Raw, head.FullName) == masked || strings.Contains(a.Raw, head.NationalID) == masked {
			t.Errorf("%s: %d %s", who, a.Status, a.Raw)
		}
	}
	if n := d.count("audit WHERE action IN ('read_personal', 'read_masked') AND object LIKE 'hh_%'"); n != 5 {
		t.Errorf("%d looks are in the audit", n)
	}
	if a := d.call("verifier3", "GET", path, nil); a.Status != 404 || a.str("code") != "household_not_found" {
		t.Error("another province:", a.Status, a.Raw)
	}
	found := d.call("verifier1", "POST", "/v1/households/search", map[string]any{"national_id": head.NationalID})
	if found.str("data.0.code") != head.HouseholdCode || found.str("data.0.classification") != "poor" || found.str("data.0.rules") != "vn/2022-01-01" || strings.Contains(found.Raw, head.FullName) {
		t.Error(found.Raw)
	}
	if none := d.call("verifier3", "POST", "/v1/households/search", map[string]any{"national_id": head.NationalID}); fmt.Sprint(none.at("data")) != "[]" {
		t.Error(none.Raw)
	}
	poor := d.call("auditor1", "GET", "/v1/households?area=51&year=2026&classification=near_poor&limit=200", nil)
	whole := d.call("manager1", "GET", "/v1/areas/51/poverty?year=2026", nil)
	if data, _ := poor.at("data").([]any); fmt.Sprint(len(data)) != fmt.Sprint(whole.at("near_poor")) || whole.at("households") != 600.0 || whole.at("poor_rate") == nil {
		t.Error(whole.Raw)
	}
	if none := d.call("manager1", "GET", "/v1/areas/51/poverty?year=2020", nil); none.Status != 200 || none.at("poor") != 0.0 || none.at("poor_rate") != nil {
		t.Error("a year without reviews:", none.Raw)
	}
}

// partnerAid is a record that names a household and a person.
func (d *door) partnerAid(reference string) map[string]any {
	head := postgres.DevelopmentHousehold(0)[0]
	return map[string]any{"source": "Red Cross", "reference": reference, "programme": "housing_new", "area": head.Area, "given_on": "2026-02-20",
		"amount": map[string]any{"amount": 20_000_000, "currency": "VND"}, "valuation": "invoiced", "household": head.HouseholdCode,
		"person": map[string]any{"full_name": head.FullName, "national_id": head.NationalID, "birth_date": head.BirthDate, "sex": head.Sex}}
}

func TestPartnerAidThroughTheDoor(t *testing.T) {
	d := openDoor(t)
	made := d.call("intake1", "POST", "/v1/partner-aid", d.partnerAid("R-1"), key()...)
	same := d.call("manager1", "POST", "/v1/partner-aid", d.partnerAid("R-1"), key()...)
	if made.Status != 201 || same.Status != 201 || made.str("id") != same.str("id") {
		t.Fatal(made.Raw, same.Raw)
	}
	list := d.call("auditor1", "GET", "/v1/partner-aid?area=51", nil)
	if data, _ := list.at("data").([]any); len(data) != 1 || strings.Contains(list.Raw, postgres.DevelopmentHousehold(0)[0].NationalID) {
		t.Error(list.Raw)
	}
	if n := d.count("ledger_transactions"); n != 1 { // the seed's contribution
		t.Errorf("%d ledger transactions", n)
	}
	for _, c := range []struct {
		field  string
		value  any
		status int
		code   string
		faults []string
	}{
		{"amount.amount", 1, 409, "duplicate_reference", nil},
		{"area", "48001", 422, "invalid_content", []string{"/area unknown_area"}},
		{"programme", "canary", 422, "invalid_content", []string{"/programme unknown_programme"}},
		{"given_on", "2099-01-01", 422, "invalid_content", []string{"/given_on in_future"}},
		{"households", 12, 422, "invalid_content", []string{"/households names_nobody"}},
		{"valuation", "canary", 422, "invalid_content", []string{"/valuation not_allowed"}},
		{"person.birth_date", "1901-01-01", 422, "invalid_content", []string{"/person/national_id id_contradicts_birth_date"}},
		{"reference", nil, 422, "invalid_content", []string{"/reference required"}},
	} {
		d.refuses(t, refusal{name: c.field, who: "intake1", path: "/v1/partner-aid", body: change(d.partnerAid("R-1"), c.field, c.value), headers: key(),
			status: c.status, code: c.code, faults: c.faults, secret: "canary"})
	}
}

func TestBadImports(t *testing.T) {
	d := openDoor(t)
	big := strings.Repeat("canary,", 1<<20/7)
	for _, c := range []struct {
		name, who, query, body string
		headers                []string
		status                 int
		code                   string
		faults                 []string
	}{
		{"no kind", "manager1", "", "x", asCSV(), 400, "invalid_parameters", []string{"what required"}},
		{"unknown kind", "manager1", "what=canary", "x", asCSV(), 400, "invalid_parameters", []string{"what not_allowed"}},
		{"no year", "manager1", "what=register", "x", asCSV(), 400, "invalid_parameters", []string{"year required"}},
		{"a year too many", "manager1", "what=past_aid&year=2021", "x", asCSV(), 400, "invalid_parameters", []string{"year not_allowed"}},
		{"no file", "manager1", "what=register&year=2026", "", asCSV(), 422, "file_empty", nil},
		{"a form", "manager1", "what=register&year=2026", "x", asCSV("Content-Type", "multipart/form-data; boundary=x"), 415, "import_media_type", nil},
		{"JSON", "manager1", "what=register&year=2026", "{}", asCSV("Content-Type", "application/json"), 415, "import_media_type", nil},
		{"areas by a manager", "manager1", "what=areas", "x", asCSV(), 403, "wrong_role", nil},
		{"households by an administrator", "admin1", "what=register&year=2026", "x", asCSV(), 403, "wrong_role", nil},
		{"after somebody else's", "manager1", "what=register&year=2026&follows=" + postgres.NewID(aid.ImportID), "x", asCSV(), 404, "import_not_found", nil},
		{"no key", "manager1", "what=register&year=2026", "x", []string{"Content-Type", "text/csv"}, 400, "idempotency_key_missing", []string{"Idempotency-Key required"}},
	} {
		d.refuses(t, refusal{name: c.name, who: c.who, path: "/v1/imports?" + c.query, body: c.body, headers: c.headers, status: c.status, code: c.code, faults: c.faults, secret: "canary"})
	}
	r := d.newRequest("manager1", "POST", "/v1/imports?what=register&year=2026", nil, asCSV()...)
	r.Body = readCloser{bytes.NewReader(bytes.Repeat([]byte(big), 101))}
	w := httptest.NewRecorder()
	d.ServeHTTP(w, r)
	if a := d.checked(r, w); a.Status != 413 || a.str("code") != "import_too_large" {
		t.Error("more than 100 MB:", a.Status, a.Raw)
	}
	if n := d.count("import_chunks"); n != 0 {
		t.Errorf("%d chunks of refused files are kept", n)
	}
}

type readCloser struct{ *bytes.Reader }

func (readCloser) Close() error { return nil }
