package api

import (
	"strings"
	"testing"
)

func TestPapersOfACase(t *testing.T) {
	d := openDoor(t)
	id := d.submitted("medical")
	list := d.call("verifier1", "GET", "/v1/cases/"+id+"/papers?lang=vi", nil)
	if list.str("data.0.kind") != "request_form" || list.at("data.0.ready") != true || list.str("data.0.title") != "ĐƠN ĐỀ NGHỊ HỖ TRỢ" ||
		list.str("data.1.code") != "paper_before_visit" || list.str("data.1.reason") != "Chưa có ai ghi nhận việc xác minh tại hộ." {
		t.Errorf("%d %s", list.Status, list.Raw)
	}
	path := "/v1/cases/" + id + "/papers/"
	pdf := d.call("portal1", "GET", path+"request_form", nil)
	if pdf.Status != 200 || !strings.HasPrefix(pdf.Raw, "%PDF-") || pdf.Header.Get("Content-Type") != "application/pdf" || pdf.Header.Get("Cache-Control") != "no-store" ||
		!strings.HasSuffix(pdf.Header.Get("Content-Disposition"), `.en.pdf"`) || strings.Contains(pdf.Header.Get("Content-Disposition"), "Sương") {
		t.Errorf("%d %v", pdf.Status, pdf.Header)
	}
	if again := d.call("verifier1", "GET", path+"request_form", nil); again.Raw != pdf.Raw {
		t.Error("the same facts give other bytes")
	}
	page := d.call("verifier1", "GET", path+"request_form?format=html", nil, "Accept-Language", "vi")
	if !strings.Contains(page.Raw, `<html lang="vi">`) || !strings.Contains(page.Raw, "Nguyễn Thị Sương") || len(page.Raw) > 60_000 ||
		!strings.HasPrefix(page.Header.Get("Content-Security-Policy"), "default-src 'none'") {
		t.Errorf("%v\n%s", page.Header, page.Raw)
	}
	masked := d.call("auditor1", "GET", path+"request_form?format=html&lang=vi", nil)
	if masked.Status != 200 || strings.Contains(masked.Raw, "Sương") || strings.Contains(masked.Raw, "051172004418") || !strings.Contains(masked.Raw, "(không hiển thị)") {
		t.Errorf("%d %s", masked.Status, masked.Raw)
	}
	for _, c := range []struct {
		who, path string
		status    int
		code      string
	}{
		{"verifier1", "visit_minutes", 409, "paper_before_visit"},
		{"approver1", "committee_minutes", 409, "paper_before_committee"},
		{"portal1", "decision_letter", 409, "paper_before_decision"},
		{"treasurer1", "payment_voucher", 409, "paper_before_payment"},
		{"treasurer1", "payment_voucher?payment=pay_none", 404, "payment_not_found"},
		{"portal1", "visit_minutes", 403, "wrong_role"},
		{"releaser1", "request_form", 403, "wrong_role"},
		{"manager1", "request_form", 403, "wrong_role"},
		{"portal2", "request_form", 404, "case_not_found"},
		{"verifier3", "request_form", 404, "case_not_found"},
		{"verifier1", "diploma", 400, "invalid_parameters"},
		{"verifier1", "request_form?lang=fr", 400, "invalid_parameters"},
		{"verifier1", "request_form?format=docx", 400, "invalid_parameters"},
	} {
		if a := d.call(c.who, "GET", path+c.path, nil); a.Status != c.status || a.str("code") != c.code {
			t.Errorf("%s by %s: %d %s", c.path, c.who, a.Status, a.Raw)
		}
	}
	if n := d.count("audit WHERE action IN ('print_paper', 'print_masked') AND object = '" + id + "'"); n != 4 {
		t.Errorf("%d prints are in the audit", n)
	}
	if strings.Contains(d.logged(), "Sương") {
		t.Error("the log names the applicant")
	}
}

// A refused print is no print: the audit holds what was given away.
func TestWhatCannotBePrintedIsNotAudited(t *testing.T) {
	d := openDoor(t)
	id := d.submitted("medical")
	d.call("verifier1", "GET", "/v1/cases/"+id+"/papers/visit_minutes", nil)
	if n := d.count("audit WHERE action = 'print_paper'"); n != 0 {
		t.Errorf("%d", n)
	}
}

func TestPapersOfMoney(t *testing.T) {
	d := openDoor(t)
	id, payment, _ := d.reserved(t, 5)
	letter := d.call("portal1", "GET", "/v1/cases/"+id+"/papers/decision_letter?format=html&lang=vi", nil)
	if letter.Status != 200 || !strings.Contains(letter.Raw, "Đồng ý hỗ trợ số tiền") || !strings.Contains(letter.Raw, "Quyền khiếu nại") {
		t.Errorf("%d %s", letter.Status, letter.Raw)
	}
	voucher := "/v1/cases/" + id + "/papers/payment_voucher?format=html&lang=en&payment=" + payment
	if a := d.call("treasurer1", "GET", voucher, nil); a.str("code") != "payment_not_found" {
		t.Errorf("nobody has prepared it: %d %s", a.Status, a.Raw)
	}
	if _, err := d.db.SQL(t).Exec(`UPDATE payments SET state = 'queued' WHERE id = $1`, payment); err != nil {
		t.Fatal(err)
	}
	if a := d.call("releaser1", "GET", voucher, nil); a.Status != 200 || !strings.Contains(a.Raw, "PAYMENT VOUCHER") || !strings.Contains(a.Raw, "million dong") {
		t.Errorf("%d %s", a.Status, a.Raw)
	}
	if a := d.call("releaser1", "GET", "/v1/cases/"+id+"/papers", nil); a.str("data.0.payment") != payment {
		t.Error(a.Raw)
	}
	posting := d.call("verifier1", "GET", "/v1/areas/51/posting-list?format=html&lang=vi", nil)
	if posting.Status != 200 || !strings.Contains(posting.Raw, "DANH SÁCH NIÊM YẾT") || !strings.Contains(posting.Raw, "Tổng cộng") {
		t.Errorf("%d %s", posting.Status, posting.Raw)
	}
	if a := d.call("verifier1", "GET", "/v1/areas/51/posting-list?programme=diploma", nil); a.Status != 404 {
		t.Errorf("%d %s", a.Status, a.Raw)
	}
	fund := d.call("manager1", "GET", "/v1/funds", nil).str("data.0.id")
	made := d.call("treasurer1", "POST", "/v1/funds/"+fund+"/contributions", map[string]any{"amount": map[string]any{"amount": 1000, "currency": "VND"},
		"received_on": "2026-03-02", "donor": "Canary donor"}, key()...).str("id")
	receipt := "/v1/funds/" + fund + "/contributions/" + made + "/receipt?format=html&lang=en"
	if a := d.call("manager1", "GET", receipt, nil); a.Status != 200 || !strings.Contains(a.Raw, "Canary donor") || !strings.Contains(a.Raw, "One thousand dong") {
		t.Errorf("%d %s", a.Status, a.Raw)
	}
	if a := d.call("auditor1", "GET", receipt, nil); a.Status != 200 || strings.Contains(a.Raw, "Canary") {
		t.Errorf("%d %s", a.Status, a.Raw)
	}
}
