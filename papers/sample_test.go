package papers_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/aidflow/aidflow/aid/programme"
	"github.com/aidflow/aidflow/papers"
	"github.com/aidflow/aidflow/programmes"
)

func printer(t testing.TB) *papers.Printer {
	t.Helper()
	p, err := papers.NewPrinter()
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// definition gives a shipped programme.
func definition(t testing.TB, code string) *programme.Definition {
	t.Helper()
	defs, err := programmes.All()
	if err != nil {
		t.Fatal(err)
	}
	for _, def := range defs {
		if def.Code == code {
			return def
		}
	}
	t.Fatalf("no programme %s", code)
	return nil
}

// a case of a new house that has come to its first payment.
func facts(t testing.TB) papers.Facts {
	t.Helper()
	day := func(d int) time.Time { return time.Date(2026, 10, d, 2, 30, 0, 0, time.UTC) }
	return papers.Facts{
		Reference: "HS-2026-000913", Area: "Cẩm Thành", Province: "Quảng Ngãi", Fund: "Quỹ Vì người nghèo tỉnh Quảng Ngãi",
		Partner: "Cổng tiếp nhận tỉnh", SubmittedBy: "officer 17",
		Applicant: papers.Person{FullName: "Phạm Văn Tình", NationalID: "051084000913", BirthDate: "1984-03-02", Sex: "male", Phone: "0905000913", Address: "Thôn 3"},
		Household: "HN-2026-0913",
		Members: []papers.Person{{FullName: "Đinh Thị Hạnh", BirthDate: "1987-11-20", Sex: "female", Relation: "spouse"},
			{FullName: "Phạm Đinh Bảo An", BirthDate: "2015-06-01", Sex: "female", Relation: "child"}},
		Payee: papers.Payee{Kind: "household", Method: "bank", BankBIN: "970416", AccountNumber: "0051000913", AccountName: "PHAM VAN TINH"},
		Answers: json.RawMessage(`{"household_status": "poor", "people": 4, "current_house": "dilapidated", "land_confirmed": true,
			"planned_area_m2": 45, "planned_cost": 95000000, "own_money": 38000000, "labour_days": 60, "start_month": "2027-01"}`),
		Documents: []papers.Document{{Kind: "request_form", Dated: "2026-10-05", Location: "Commune office, file 17/2026"}, {Kind: "house_photos"}},
		Consent:   papers.Consent{Purposes: []string{"assessment", "payment", "follow_up"}, Method: "signed_form", GivenAt: day(5)},
		Requested: 57_000_000, Amount: 55_000_000, Currency: "VND", CreatedAt: day(5), SubmittedAt: day(5),
		Visits: []papers.Visit{{By: "Lê Thị Mai", At: day(8), Photos: 2, Note: "Mái đã sập một phần.",
			Seen: json.RawMessage(`{"current_house": "dilapidated", "people": 5, "roof": "broken"}`)}},
		Committee: &papers.Committee{Level: "province", Area: "Quảng Ngãi", Quorum: 2, ChairNeeded: true, Tie: "chair", Result: "approved", Amount: 55_000_000, At: day(14),
			Votes: []papers.Vote{{Name: "Trần Văn Bình", Action: "approve", At: day(13)}, {Name: "Võ Thị Lan", Action: "reject", Reason: "already_helped", At: day(13)},
				{Name: "Nguyễn Thanh Sơn", Action: "approve", Chair: true, At: day(14)}}},
		Overrides: []papers.Override{{Finding: "not_on_register", Reason: "especially_difficult", By: "Nguyễn Thanh Sơn"}},
		Decision:  &papers.Decision{Result: "approved", By: "Nguyễn Thanh Sơn", At: day(14)},
		Tranches: []papers.Tranche{{N: 1, Amount: 22_000_000, Milestone: "foundation"}, {N: 2, Amount: 22_000_000, Milestone: "roof"},
			{N: 3, Amount: 11_000_000, Milestone: "hand_over"}},
		Payment: &papers.Payment{TrancheN: 1, N: 1, Amount: 22_000_000, State: "settled", PreparedBy: "Hồ Thị Thu", ReleasedBy: "Đặng Văn Hải",
			PreparedAt: day(20), EndedAt: day(21)},
	}
}
