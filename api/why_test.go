package api

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/aid/programme"
	"github.com/aidflow/aidflow/internal/postgres"
	"github.com/aidflow/aidflow/programmes"
)

// approvalOf opens the approval of a level as the matrix of the case's
// programme has it, in the province.
func (d *door) approvalOf(t *testing.T, caseID string, level aid.Level) (task string) {
	t.Helper()
	d.moves(t, caseID, func(tx *postgres.Tx, c *postgres.Case) (err error) {
		task, err = tx.OpenTask(c, postgres.NewTask{Kind: aid.Approve, Level: level.Name, Area: "51", Workflow: c.WorkflowID, Owner: aid.OwnerOffice, Rule: level})
		return err
	})
	return task
}

// Which row and level of which version brought an approval to its reader, and
// in which capacity this reader may decide.
func TestWhyAnApprovalIsHere(t *testing.T) {
	d := openDoor(t)
	committee := aid.Level{Name: "province", Mode: aid.ModeCommittee, Quorum: 2, Chair: true, Version: 1, Row: 1, Place: 2}
	house := d.approvalOf(t, d.submitted("housing_new"), committee)
	anyone := d.approvalOf(t, d.submitted("medical"), aid.Level{Name: "province", Mode: aid.ModeAny, Limit: 15_000_000, Version: 1, Row: 2, Place: 2})
	row := `Row 1 of the approval matrix of "A new house for a poor household" (version 1), for amounts up to 60,000,000 ₫, asks the level of the province: ` +
		`its committee decides with at least 2 votes, the chair among them, by the majority of those cast. `
	tests := []struct{ who, lang, task, want string }{
		{"approver2", "en", house, row + "You may decide it as a member of the committee of Quảng Ngãi."},
		{"approver4", "en", house, row + "You may decide it as the chair of the committee of Quảng Ngãi."},
		{"approver5", "en", house, row + "You cannot decide it: "},
		{"approver4", "vi", house, `Dòng 1 của bảng phân cấp duyệt "Hỗ trợ làm nhà mới cho hộ nghèo" (phiên bản 1), cho số tiền đến 60.000.000 ₫, hỏi cấp tỉnh: ` +
			`hội đồng quyết định với ít nhất 2 phiếu, trong đó có chủ tịch, theo đa số phiếu bỏ. Bạn được quyết định với tư cách chủ tịch hội đồng Quảng Ngãi.`},
		{"approver5", "en", anyone, `, for amounts above 10,000,000 ₫ and up to 20,000,000 ₫, asks the level of the province: one approver decides, on no more than 15,000,000 ₫. ` +
			`You may decide it as an approver of the level of the province in Quảng Ngãi.`},
		{"approver5", "id", anyone, "Anda boleh memutuskannya sebagai pemberi persetujuan tingkat provinsi di Quảng Ngãi."},
		{"manager1", "en", anyone, "You cannot decide it: "},
	}
	for _, tt := range tests {
		a := d.call(tt.who, "GET", "/v1/tasks/"+tt.task, nil, "Accept-Language", tt.lang)
		text := strings.ReplaceAll(a.str("why.text"), "\u00a0", " ")
		if a.Status != 200 || !strings.Contains(text, tt.want) {
			t.Errorf("%s in %s: %d %s\nwant %s", tt.who, tt.lang, a.Status, text, tt.want)
		}
	}
	a := d.call("approver2", "GET", "/v1/tasks/"+house, nil)
	if a.str("why.place") != "/matrix/0/levels/1" || a.at("why.version") != 1.0 || a.str("why.because") != "approval_level:province:committee" {
		t.Error(a.Raw)
	}
}

// A delegate reads in whose name, by the name that people know, and until when.
func TestWhyADelegateMayDecide(t *testing.T) {
	d := openDoor(t)
	task := d.approvalOf(t, d.submitted("medical"), aid.Level{Name: "commune", Mode: aid.ModeAny, Version: 1, Row: 1, Place: 1})
	exec := func(statement string) {
		if _, err := d.db.SQL(t).Exec(statement); err != nil {
			t.Fatal(err)
		}
	}
	exec(`UPDATE staff SET name = 'Phạm Thị Duyệt' WHERE subject = 'approver1'`)
	until := time.Date(d.db.Now().Year()+1, 1, 2, 3, 4, 0, 0, time.UTC)
	exec(`INSERT INTO delegations (id, principal, delegate, programmes, from_at, until_at, reason_code, created_by, created_at)
		VALUES ('del_x', 'approver1', 'approver2', '{}', now() - interval '100 years', '` + until.Format(time.RFC3339) + `', 'leave', 'approver1', now())`)
	day := until.Format("2006")
	for lang, want := range map[string]string{
		"en": "You may decide it in the name of Phạm Thị Duyệt until 2 January " + day + " 10:04, as an approver of",
		"vi": "Bạn được quyết định thay Phạm Thị Duyệt đến 10:04 02/01/" + day + ", với tư cách",
		"id": "Anda boleh memutuskannya atas nama Phạm Thị Duyệt sampai 02/01/" + day + " 10.04, sebagai",
	} {
		a := d.call("approver2", "GET", "/v1/tasks/"+task, nil, "Accept-Language", lang)
		if a.Status != 200 || !strings.Contains(a.str("why.text"), want) || a.str("why.behalf") != "approver1" {
			t.Errorf("%s: %d %s", lang, a.Status, a.str("why.text"))
		}
	}
}

// Every kind of task says in each language why it is there, and every capacity
// in which somebody may decide has its words.
func TestEveryTaskSaysWhy(t *testing.T) {
	words, err := loadTexts()
	if err != nil {
		t.Fatal(err)
	}
	definitions, err := programmes.All()
	if err != nil {
		t.Fatal(err)
	}
	for _, lang := range []string{"vi", "en", "id"} {
		w := whyWords{texts: words, accept: lang}
		known := func(code string, params map[string]string) {
			t.Helper()
			said := words.first(lang, params, code)
			if said == words.say(lang, "no_such_text_at_all", nil) || said == strings.ReplaceAll(code, "_", " ")+"." || strings.Contains(said, "no value") {
				t.Errorf("%s: %s says %q", lang, code, said)
			}
		}
		for _, rule := range aid.TaskRules() {
			known("why_"+string(rule.Kind), w.about(definitions[0]))
			for _, role := range rule.Roles {
				if role != aid.RolePartner {
					known("why_as_"+string(role), map[string]string{"area": "X", "level": "Y"})
				}
			}
		}
		for _, of := range []string{"member", "chair"} {
			known("why_as_"+of, map[string]string{"area": "X"})
		}
		for _, def := range definitions {
			for i, row := range def.Matrix {
				for _, l := range row.Levels {
					said := w.matrix(def, aid.Level{Name: l.Name, Mode: string(l.Mode), N: l.N, Quorum: l.Quorum, Chair: l.Chair, Version: def.Version, Row: i + 1, Place: 1})
					if strings.Contains(said, "no value") || strings.Contains(said, "area_level_") || !strings.Contains(said, def.Titles[lang]) {
						t.Errorf("%s %s: %s", lang, def.Code, said)
					}
				}
			}
		}
	}
}

// A delegate is told in whose name; an own role comes first, the chair's before
// a member's.
func TestTheCapacityOfADelegate(t *testing.T) {
	task := &postgres.TaskRow{}
	task.Kind, task.Level, task.Area, task.Rule = aid.Approve, "province", "51", []byte(`{"name": "province", "mode": "committee", "quorum": 2}`)
	grant := func(behalf string, chair bool) postgres.RoleGrant {
		return postgres.RoleGrant{Role: aid.RoleApprover, Area: "51", Level: "province", Committee: true, Chair: chair, Covers: []string{"51"}, Behalf: behalf}
	}
	for _, tt := range []struct {
		name   string
		grants []postgres.RoleGrant
		behalf string
		chair  bool
	}{
		{"a delegate", []postgres.RoleGrant{grant("approver4", true)}, "approver4", true},
		{"a member who is the chair's delegate", []postgres.RoleGrant{grant("approver4", true), grant("", false)}, "", false},
		{"a delegate of two", []postgres.RoleGrant{grant("approver2", false), grant("approver4", true)}, "approver4", true},
		{"member and chair", []postgres.RoleGrant{grant("", false), grant("", true)}, "", true},
	} {
		for range 2 {
			g, ok := (&postgres.Caller{Kind: postgres.CallerStaff, Roles: tt.grants}).Capacity(task)
			if !ok || g.Behalf != tt.behalf || g.Chair != tt.chair {
				t.Errorf("%s: %+v %v", tt.name, g, ok)
			}
			slices.Reverse(tt.grants)
		}
	}
	if _, ok := (&postgres.Caller{Kind: postgres.CallerStaff, Roles: []postgres.RoleGrant{{Role: aid.RoleVerifier, Covers: []string{"51"}}}}).Capacity(task); ok {
		t.Error("a verifier may decide an approval")
	}
}

// The range of a row begins above those before it that hold in the same areas.
func TestTheBoundsOfARow(t *testing.T) {
	amount := func(n int64) *int64 { return &n }
	d := &programme.Definition{Ceiling: 100, Matrix: []programme.Range{{UpTo: amount(20), AreaLevels: []string{"ward"}}, {UpTo: amount(50)},
		{AreaLevels: []string{"ward"}}, {}}}
	for row, want := range [][2]int64{{0, 20}, {0, 50}, {50, 100}, {50, 100}} {
		if from, to := d.Bounds(row); from != want[0] || to != want[1] {
			t.Errorf("row %d: %d to %d, want %v", row, from, to, want)
		}
	}
}

// An approval above the limit of its level is one clear problem, with what the
// level may approve; within it, it is taken.
func TestAboveTheLimitOfTheLevel(t *testing.T) {
	d := openDoor(t)
	d.applyDecisions()
	task := d.approvalOf(t, d.submitted("medical"), aid.Level{Name: "province", Mode: aid.ModeAny, Limit: 5_000_000, Version: 1, Row: 1, Place: 1})
	for _, body := range []map[string]any{
		{"action": "approve"},
		{"action": "approve", "reason_code": "partly_needed", "amount": map[string]any{"amount": 5_000_001, "currency": "VND"}},
	} {
		a := d.decide("approver5", task, body)
		if a.Status != 422 || a.str("errors.0.code") != "amount_above_level_limit" || a.str("errors.0.pointer") != "/amount/amount" ||
			!strings.Contains(a.str("errors.0.message"), "5000000") || a.str("errors.1.code") != "" {
			t.Errorf("%v: %d %s", body, a.Status, a.Raw)
		}
	}
}
