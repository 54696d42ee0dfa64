package programme_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/aid/money"
	"github.com/aidflow/aidflow/aid/programme"
	"pgregory.net/rapid"
)

// layered has every kind of row, level and instalment.
func layered(t testing.TB) *programme.Definition {
	t.Helper()
	text := strings.NewReplacer(
		"  - {up_to: null, levels: [{name: commune, mode: any}]}", `  - {up_to: 10, levels: [{name: commune, mode: any}]}
  - {up_to: 50, levels: [{name: commune, mode: any}, {name: province, mode: n_of_m, n: 2}]}
  - {up_to: 100, levels: [{name: province, mode: committee, quorum: 3, chair: true}]}`,
		"  - {share: 100, titles: {vi: Một lần, en: Once, id: Sekali}}", `  - {share: 33, titles: {vi: Đ1, en: One, id: Satu}}
  - {share: 33, milestone: half, titles: {vi: Đ2, en: Two, id: Dua}}
  - {share: remainder, milestone: half, titles: {vi: Đ3, en: Three, id: Tiga}}
milestones: [{code: half, titles: {vi: Một nửa, en: Half, id: Setengah}}]
follow_up: [{after: P1M}, {after: P1Y}]`,
	).Replace(small(t))
	return parse(t, text)
}

func TestLevels(t *testing.T) {
	d := layered(t)
	for amount, want := range map[int64][]string{
		-1: nil, 0: nil, 1: {"commune"}, 10: {"commune"}, 11: {"commune", "province"}, 50: {"commune", "province"},
		51: {"province"}, 100: {"province"}, 101: nil,
	} {
		var got []string
		for _, level := range d.Levels(amount, "commune") {
			got = append(got, level.Name)
		}
		if !slices.Equal(got, want) {
			t.Errorf("Levels(%d) = %v, want %v", amount, got, want)
		}
	}
	d.Levels(5, "commune")[0].Name = "changed"
	if d.Levels(5, "commune")[0].Name != "commune" {
		t.Error("a caller can change the definition")
	}
}

// TestEveryAmountHasLevelsAndAPlan: no amount up to the ceiling
// is without levels, and each plan adds up.
func TestEveryAmountHasLevelsAndAPlan(t *testing.T) {
	d := layered(t)
	rapid.Check(t, func(t *rapid.T) {
		amount := rapid.Int64Range(1, d.Ceiling).Draw(t, "amount")
		if len(d.Levels(amount, "commune")) == 0 {
			t.Fatal("nobody decides")
		}
		planned, err := d.Tranches(amount)
		if err != nil {
			t.Fatal(err)
		}
		var sum int64
		last := 0
		for _, tranche := range planned {
			if tranche.Amount.Amount <= 0 || tranche.Amount.Currency != "VND" || tranche.No <= last {
				t.Fatalf("tranche %+v", tranche)
			}
			if tranche.Milestone != d.Instalments[tranche.No-1].Milestone {
				t.Fatalf("milestone of %+v", tranche)
			}
			sum, last = sum+tranche.Amount.Amount, tranche.No
		}
		if sum != amount {
			t.Fatalf("the plan adds up to %d, want %d", sum, amount)
		}
	})
	for _, amount := range []int64{0, -1} {
		if _, err := d.Tranches(amount); aid.CodeOf(err) != "amount_not_positive" {
			t.Errorf("Tranches(%d): %v", amount, err)
		}
	}
}

func TestCheckAmount(t *testing.T) {
	d := layered(t)
	tests := []struct {
		m    money.Money
		want []string
	}{
		{money.Of(100, "VND"), nil},
		{money.Of(0, "VND"), []string{"/amount amount_not_positive"}},
		{money.Of(-5, "VND"), []string{"/amount amount_not_positive"}},
		{money.Of(101, "VND"), []string{"/amount amount_above_ceiling"}},
		{money.Of(101, "USD"), []string{"/currency currency_not_accepted", "/amount amount_above_ceiling"}},
	}
	for _, tt := range tests {
		if got := list(d.CheckAmount(tt.m)); !slices.Equal(got, tt.want) {
			t.Errorf("CheckAmount(%v) = %v, want %v", tt.m, got, tt.want)
		}
	}
}

func list(faults []aid.Fault) []string {
	var texts []string
	for _, fault := range faults {
		texts = append(texts, fault.Pointer+" "+fault.Code)
	}
	return texts
}

func TestSmallQuestions(t *testing.T) {
	d := layered(t)
	if got := d.DeadlineDays("approve"); got != 3 {
		t.Errorf("default deadline %d", got)
	}
	if !d.ReasonKnown("reject", "not_eligible") || d.ReasonKnown("reject", "missing") || d.ReasonKnown("approve", "") {
		t.Error("ReasonKnown")
	}
	if !d.ReasonRequired("return") || d.ReasonRequired("approve") {
		t.Error("ReasonRequired")
	}
	if got := d.MissingDocuments([]string{"other"}); !slices.Equal(got, []string{"request"}) {
		t.Errorf("MissingDocuments = %v", got)
	}
	if got := d.MissingDocuments([]string{"request", "request"}); len(got) != 0 {
		t.Errorf("MissingDocuments = %v", got)
	}
	if got := d.Titles.In("vi") + d.Titles.In("fr"); got != "NhỏSmall" {
		t.Errorf("Titles.In = %s", got)
	}
	paid := instant(t, "2027-01-31T09:00:00+07:00")
	visits := d.VisitDates(paid)
	if len(visits) != 2 || !visits[0].Equal(instant(t, "2027-02-28T09:00:00+07:00")) || !visits[1].Equal(instant(t, "2028-01-31T09:00:00+07:00")) {
		t.Errorf("VisitDates = %v", visits)
	}
}

func TestShareJSON(t *testing.T) {
	for text, want := range map[string]programme.Share{`40`: {Percent: 40}, `"remainder"`: {Remainder: true}} {
		var got programme.Share
		if err := json.Unmarshal([]byte(text), &got); err != nil || got != want {
			t.Errorf("%s gives %v, %v", text, got, err)
		}
		if data, err := json.Marshal(got); err != nil || string(data) != text {
			t.Errorf("%v is written as %s, %v", got, data, err)
		}
	}
}
