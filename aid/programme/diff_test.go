package programme_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/aidflow/aidflow/aid/programme"
)

func TestDiffInWords(t *testing.T) {
	tests := []struct {
		name, old, new string
		en, vi         []string
	}{
		{"nothing", "version: 1", "version: 1", nil, nil},
		{"ceiling", "ceiling: 100\n", "ceiling: 1000000\n", []string{"Ceiling: from 100 VND to 1,000,000 VND"}, []string{"Mức trần: từ 100 VND thành 1.000.000 VND"}},
		{"version", "version: 1", "version: 2", []string{"Version: from 1 to 2"}, []string{"Phiên bản: từ 1 thành 2"}},
		{"name", "en: Small,", "en: Little,", []string{`Name: en from "Small" to "Little"`}, []string{`Tên: en từ "Small" thành "Little"`}},
		{"end", "effective_to: 2027-01-01", "", []string{"No longer effective from: no longer given (was 2027-01-01)"}, []string{"Hết hiệu lực từ: không còn (trước là 2027-01-01)"}},
		{"condition", "applicant.age >= 16", "applicant.age >= 18", []string{`Eligibility rule minor: condition from "applicant.age == -1 || applicant.age >= 16" to "applicant.age == -1 || applicant.age >= 18"`},
			[]string{`Điều kiện minor: quy tắc từ "applicant.age == -1 || applicant.age >= 16" thành "applicant.age == -1 || applicant.age >= 18"`}},
		{"effect", "effect: hint", "effect: block", []string{"Eligibility rule minor: effect from hint to block"}, []string{"Điều kiện minor: hệ quả từ hint thành block"}},
		{"another rule", "code: minor", "code: child", []string{`New eligibility rule child: "Too young"; code child; effect hint; condition "applicant.age == -1 || applicant.age >= 16"`,
			`Gone: eligibility rule minor: "Too young"; code minor; effect hint; condition "applicant.age == -1 || applicant.age >= 16"`},
			[]string{`Thêm điều kiện child: "Chưa đủ tuổi"; mã child; hệ quả hint; quy tắc "applicant.age == -1 || applicant.age >= 16"`,
				`Bỏ điều kiện minor: "Chưa đủ tuổi"; mã minor; hệ quả hint; quy tắc "applicant.age == -1 || applicant.age >= 16"`}},
		{"hits", "similar_name: ignore", "similar_name: hint", []string{"Hit: similar_name from ignore to hint"}, []string{"Khi trùng khớp: similar_name từ ignore thành hint"}},
		{"mode", "mode: any", "mode: committee, quorum: 3", []string{"Range of amounts 1 level commune: mode from any to committee", "Range of amounts 1 level commune: quorum now 3"},
			[]string{"Khoảng tiền 1 cấp commune: cách quyết định từ any thành committee", "Khoảng tiền 1 cấp commune: số người tham gia tối thiểu nay là 3"}},
		{"a range more", "  - {up_to: null", "  - {up_to: 50, levels: [{name: commune, mode: any}]}\n  - {up_to: null", []string{
			"Range of amounts 1: up to now 50 VND", "New range of amounts 2: level mode any; name commune"},
			[]string{"Khoảng tiền 1: đến nay là 50 VND", "Thêm khoảng tiền 2: cấp cách quyết định any; tên commune"}},
		{"form", "maximum: 9}", "maximum: 8}", []string{"Request form properties size: maximum from 9 to 8"}, []string{"Biểu mẫu đề nghị properties size: maximum từ 9 thành 8"}},
		{"repeat", "after: P5Y", "after: P1Y6M", []string{"Repeat rule 1: after from 5 years to 1 year 6 months"}, []string{"Quy định hỗ trợ lặp lại 1: sau từ 5 năm thành 1 năm 6 tháng"}},
		{"deadline", "default: P3D", "default: P4D", []string{"Deadline (working days): default from 3 days to 4 days"}, []string{"Thời hạn (ngày làm việc): default từ 3 ngày thành 4 ngày"}},
		{"reminders", "remind: [P7D, P14D]", "remind: [P7D]", []string{"Gone: returned case reminder after 2: 14 days"}, []string{"Bỏ hồ sơ chờ bổ sung nhắc sau 2: 14 ngày"}},
		{"document", "required: true", "required: false", []string{"Document request: required from yes to no"}, []string{"Giấy tờ request: bắt buộc từ có thành không"}},
		{"posting", "posting: {days: P5D", "posting: {days: P1D", []string{"Public posting: working days from 5 days to 1 day"}, []string{"Niêm yết công khai: ngày làm việc từ 5 ngày thành 1 ngày"}},
		{"checks in another order", "{kind: identity, final: true}, {kind: duplicate, final: false}", "{kind: duplicate, final: false}, {kind: identity, final: true}",
			[]string{"Check: new order: duplicate, identity, eligibility"}, []string{"Kiểm tra: thứ tự mới: duplicate, identity, eligibility"}},
		{"payees", "payees: [household]", "payees: [household, heir]", []string{"New payee 2: heir"}, []string{"Thêm người nhận tiền 2: heir"}},
	}
	text := ruledText(t)
	older := parse(t, text)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if !strings.Contains(text, tt.old) {
				t.Fatalf("%q is not in the definition", tt.old)
			}
			newer := parse(t, strings.Replace(text, tt.old, tt.new, 1))
			for lang, want := range map[string][]string{"en": tt.en, "vi": tt.vi} {
				if got := said(programme.Diff(older, newer, lang)); !slices.Equal(got, want) {
					t.Errorf("%s: %q, want %q", lang, got, want)
				}
			}
			if forth, back := programme.Diff(older, newer, "id"), programme.Diff(newer, older, "id"); len(forth) != len(tt.en) || len(back) != len(tt.en) {
				t.Errorf("id: %q, back %q", said(forth), said(back))
			}
		})
	}
}

func said(changes []programme.Change) []string {
	var texts []string
	for _, change := range changes {
		texts = append(texts, change.Text)
	}
	return texts
}
