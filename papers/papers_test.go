package papers_test

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/aid/programme"
	"github.com/aidflow/aidflow/papers"
)

var update = flag.Bool("update", false, "write the golden papers anew")

// golden compares a paper with what it said before.
func golden(t *testing.T, name string, p papers.Paper) {
	t.Helper()
	file := filepath.Join("testdata", name+".txt")
	if *update {
		if err := os.WriteFile(file, []byte(p.Text()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got := p.Text(); got != string(want) {
		t.Errorf("%s (go test ./papers -update):\n%s\nwant\n%s", name, got, want)
	}
}

func TestPapersOfACase(t *testing.T) {
	p, def := printer(t), definition(t, "housing_new")
	rejected, returned := facts(t), facts(t)
	rejected.Decision = &papers.Decision{Result: "rejected", Reason: "other", By: "Nguyễn Thanh Sơn", At: rejected.Decision.At, Note: "Đã có nhà mới từ năm 2024."}
	returned.Decision = &papers.Decision{Result: "returned", Reason: "documents_missing", By: "Lê Thị Mai", At: returned.Decision.At,
		Items: []papers.Item{{Kind: "land_use_confirmation", Problem: "missing"}, {Kind: "answers", Problem: "incomplete"}}, Note: "Cần bản gốc."}
	for _, lang := range papers.Languages() {
		for _, kind := range papers.CaseKinds() {
			paper, err := p.Case(kind, lang, def, facts(t))
			if err != nil {
				t.Fatal(err)
			}
			golden(t, string(kind)+"."+lang, paper)
		}
		for name, f := range map[string]papers.Facts{"rejected": rejected, "returned": returned} {
			paper, err := p.Case(papers.DecisionLetter, lang, def, f)
			if err != nil {
				t.Fatal(err)
			}
			golden(t, "decision_letter_"+name+"."+lang, paper)
		}
	}
}

func receipt() papers.Receipt {
	return papers.Receipt{Fund: "Quỹ Vì người nghèo tỉnh Quảng Ngãi", Area: "Quảng Ngãi", Donor: "Công ty TNHH Sông Trà", ExternalID: "BIDV 2026-03-02/118",
		ID: "DG-1", Amount: 100_000_000, Currency: "VND", ReceivedOn: time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC), RecordedBy: "Hồ Thị Thu"}
}

func posting() papers.Posting {
	return papers.Posting{Area: "Cẩm Thành", Province: "Quảng Ngãi", Fund: "Quỹ Vì người nghèo tỉnh Quảng Ngãi", At: time.Date(2026, 10, 15, 1, 0, 0, 0, time.UTC),
		Rows: []papers.PostingRow{{Name: "Phạm Văn Tình", Programme: "Hỗ trợ làm nhà mới", Amount: 55_000_000, Currency: "VND"},
			{Name: "Đinh Thị Hạnh", Programme: "Hỗ trợ học tập", Amount: 4_000_000, Currency: "VND"}}}
}

func TestReceiptAndPosting(t *testing.T) {
	p, def := printer(t), definition(t, "housing_new")
	for _, lang := range papers.Languages() {
		r, err := p.Receipt(lang, receipt())
		if err != nil {
			t.Fatal(err)
		}
		golden(t, "donor_receipt."+lang, r)
		all, err := p.Posting(lang, nil, posting())
		if err != nil {
			t.Fatal(err)
		}
		golden(t, "posting_list."+lang, all)
	}
	one, err := p.Posting("vi", def, papers.Posting{Area: "Cẩm Thành", At: posting().At})
	if err != nil || !strings.Contains(one.Text(), "không có hộ nào") || one.Subtitle != def.Titles["vi"] {
		t.Errorf("%v\n%s", err, one.Text())
	}
}

func TestUnknownPapers(t *testing.T) {
	p, def := printer(t), definition(t, "medical")
	for _, tt := range []struct {
		kind papers.Kind
		lang string
		f    papers.Facts
		code string
	}{
		{"diploma", "vi", facts(t), "paper_unknown"},
		{papers.DonorReceipt, "vi", facts(t), "paper_unknown"},
		{papers.RequestForm, "fr", facts(t), "paper_language_unknown"},
		{papers.VisitMinutes, "vi", papers.Facts{}, "paper_before_visit"},
		{papers.CommitteeMinutes, "vi", papers.Facts{}, "paper_before_committee"},
		{papers.DecisionLetter, "vi", papers.Facts{}, "paper_before_decision"},
		{papers.PaymentVoucher, "vi", papers.Facts{}, "paper_before_payment"},
	} {
		if _, err := p.Case(tt.kind, tt.lang, def, tt.f); aid.CodeOf(err) != tt.code {
			t.Errorf("%s in %s: %v, want %s", tt.kind, tt.lang, err, tt.code)
		}
	}
	if _, err := p.Receipt("", receipt()); aid.CodeOf(err) != "paper_language_unknown" {
		t.Error(err)
	}
	if _, err := p.Posting("x", nil, posting()); aid.CodeOf(err) != "paper_language_unknown" {
		t.Error(err)
	}
	if got := p.Title(papers.PaymentVoucher, "vi", def); got != "PHIẾU CHI" {
		t.Error(got)
	}
}

// empty are facts of which as much is missing as can be.
func empty() papers.Facts {
	return papers.Facts{Currency: "VND", Visits: []papers.Visit{{}}, Committee: &papers.Committee{}, Decision: &papers.Decision{Result: "approved"}, Payment: &papers.Payment{}}
}

var leftOver = regexp.MustCompile(`[{}]|0001|<no value>|%!`)

// What is not known is a line to write on, and never a placeholder, a date of
// the year one, or a fault.
func TestMissingFacts(t *testing.T) {
	p, def := printer(t), definition(t, "housing_new")
	for _, lang := range papers.Languages() {
		for _, kind := range papers.CaseKinds() {
			for _, result := range []string{"approved", "rejected", "returned"} {
				f := empty()
				f.Decision.Result = result
				paper, err := p.Case(kind, lang, def, f)
				if err != nil {
					t.Fatal(err)
				}
				paper.Foot.Page = "" // {n} of {m}, until it is drawn
				if text := paper.Text(); leftOver.MatchString(text) || !strings.Contains(text, "……") {
					t.Errorf("%s in %s: %q\n%s", kind, lang, leftOver.FindString(text), text)
				}
			}
		}
	}
}

// An auditor's paper holds nothing that names anybody, even when a careless
// reader of the facts left it in.
func TestMaskedPapers(t *testing.T) {
	p, def := printer(t), definition(t, "housing_new")
	f := facts(t)
	f.Masked = true
	secret := []string{"Phạm", "Văn Tình", "TINH", "Đinh", "051084000913", "0905000913", "0051000913", "Thôn 3", "1984", "02/03", "dột", "officer 17", "file 17", "sập", "95.000.000"}
	for _, kind := range papers.CaseKinds() {
		paper, err := p.Case(kind, "vi", def, f)
		if err != nil {
			t.Fatal(err)
		}
		for _, word := range secret {
			if strings.Contains(paper.Text(), word) {
				t.Errorf("%s shows %s:\n%s", kind, word, paper.Text())
			}
		}
	}
	r, l := receipt(), posting()
	r.Masked, l.Masked = true, true
	one, _ := p.Receipt("vi", r)
	two, _ := p.Posting("vi", nil, l)
	if text := one.Text() + two.Text(); strings.Contains(text, "Sông Trà") || strings.Contains(text, "Tình") || !strings.Contains(text, "(không hiển thị)") {
		t.Error(text)
	}
}

// own is a programme that words its own papers.
func own(t *testing.T, words string) *programme.Definition {
	t.Helper()
	raw, err := json.Marshal(definition(t, "housing_new"))
	if err != nil {
		t.Fatal(err)
	}
	var d programme.Definition
	if err := json.Unmarshal([]byte(strings.TrimSuffix(string(raw), "}")+`,"papers":`+words+`}`), &d); err != nil {
		t.Fatal(err)
	}
	return &d
}

func TestAProgrammesOwnWords(t *testing.T) {
	same := func(text string) string { return `{"vi": "` + text + `", "en": "` + text + `", "id": "` + text + `"}` }
	def := own(t, `[{"kind": "letterhead", "titles": `+same(`Hội Chữ thập đỏ`)+`, "body": `+same(`ONE\nTWO`)+`},
		{"kind": "decision_letter", "titles": `+same("LETTER")+`, "body": `+same(`Dear {applicant},\n\nfrom {organisation} {{year}}`)+`, "appeal": `+same("To the mayor")+`, "law": `+same("Law 1")+`}]`)
	f := facts(t)
	f.Applicant.FullName = "A {case} [?] B"
	paper, err := printer(t).Case(papers.DecisionLetter, "vi", def, f)
	if err != nil {
		t.Fatal(err)
	}
	text := paper.Text()
	for _, want := range []string{"HỘI CHỮ THẬP ĐỎ | ONE / TWO\n", "# LETTER\n", "Dear A {case} [?] B,\n\nfrom Hội Chữ thập đỏ {year}", "To the mayor", ": Law 1"} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is missing in\n%s", want, text)
		}
	}
	if paper.Foot.Note != "" {
		t.Errorf("nothing of the programme's words is marked, and a name marks nothing: %s", paper.Foot.Note)
	}
	other, err := printer(t).Case(papers.RequestForm, "vi", def, f)
	if err != nil || other.Title != "ĐƠN ĐỀ NGHỊ HỖ TRỢ" || other.Head.Motto[0] != "ONE" {
		t.Errorf("%v %v", err, other.Head)
	}
}

func TestHostileFacts(t *testing.T) {
	f := facts(t)
	f.Applicant.FullName = "<b>A\u202eB\u0000C\u200b</b>\r\n\tD\x7f 😀 e\u0323\u0302"
	f.Members[0].FullName = strings.Repeat("Ạ", 300)
	f.Answers = json.RawMessage(`{"note": {"deep": [1, null, "x"]}, "people": 1.5, "household_status": ["poor", null], "own_money": 1e30}`)
	f.Visits[0].Seen = json.RawMessage(`not JSON`)
	paper, err := printer(t).Case(papers.RequestForm, "vi", definition(t, "housing_new"), f)
	if err != nil {
		t.Fatal(err)
	}
	text := paper.Text()
	if !strings.Contains(text, "Tôi là <b>ABC</b> D □ ệ,") || strings.ContainsAny(text, "\u202e\u0000\u200b\r\t\x7f😀") {
		t.Errorf("%q", text)
	}
	if _, err := printer(t).Case(papers.VisitMinutes, "vi", definition(t, "housing_new"), f); err != nil {
		t.Error(err)
	}
}

// What can be said in one language can be said in all.
func TestTextsOfAllLanguages(t *testing.T) {
	var first any
	for _, lang := range papers.Languages() {
		raw, err := os.ReadFile("texts/" + lang + ".yaml")
		if err != nil {
			t.Fatal(err)
		}
		var tree any
		if err := yaml.Unmarshal(raw, &tree); err != nil {
			t.Fatal(err)
		}
		shape := shapeOf(t, lang, tree)
		if first == nil {
			first = shape
		}
		if !reflect.DeepEqual(shape, first) {
			t.Errorf("%s differs: %v\n%v", lang, shape, first)
		}
	}
}

// shapeOf keeps names and the placeholders of texts.
func shapeOf(t *testing.T, place string, v any) any {
	switch v := v.(type) {
	case map[string]any:
		out := map[string]any{}
		for name, member := range v {
			out[name] = shapeOf(t, place+"/"+name, member)
		}
		return out
	case []any:
		return len(v)
	case string:
		marked := strings.Contains(v, "[?]")
		for _, unknown := range programme.UnknownPlaceholders(v) {
			if strings.Contains(place, "/papers/") && (strings.HasSuffix(place, "/body") || strings.HasSuffix(place, "/law")) {
				t.Errorf("%s: %s", place, unknown)
			}
		}
		return marked
	}
	t.Errorf("%s is %T: quote it", place, v)
	return nil
}

func TestWhoPrintsWhat(t *testing.T) {
	for kind, partner := range map[papers.Kind]bool{papers.RequestForm: true, papers.DecisionLetter: true, papers.VisitMinutes: false,
		papers.CommitteeMinutes: false, papers.PaymentVoucher: false} {
		roles, has := kind.Roles(), map[aid.Role]bool{}
		for _, r := range roles {
			has[r] = true
		}
		if has[aid.RolePartner] != partner || has[aid.RoleAdmin] || has[aid.RoleManager] || !has[aid.RoleAuditor] {
			t.Errorf("%s: %v", kind, roles)
		}
	}
}
