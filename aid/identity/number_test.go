package identity_test

import (
	"fmt"
	"slices"
	"testing"

	"github.com/aidflow/aidflow/aid/identity"
	"pgregory.net/rapid"
)

func codes(number, birthDate, sex string) []string {
	var found []string
	for _, fault := range identity.Check(number, birthDate, sex) {
		found = append(found, fault.Pointer+" "+fault.Code)
	}
	return found
}

func TestCheck(t *testing.T) {
	const (
		format   = "/national_id id_format"
		date     = "/national_id id_contradicts_birth_date"
		sex      = "/national_id id_contradicts_sex"
		province = "/national_id id_unknown_province"
	)
	tests := []struct {
		name, number, birthDate, sex string
		want                         []string
	}{
		{"the published example", "087084000999", "1984-03-02", "male", nil},
		{"no number", "", "1984-03-02", "male", nil},
		{"nothing to compare with", "087084000999", "", "", nil},
		{"unreadable birth date", "087084000999", "02/03/1985", "male", nil},
		{"other sex is not compared", "087084000999", "1984-03-02", "other", nil},
		{"year before", "087084000999", "1983-12-31", "male", []string{date}},
		{"century", "087084000999", "2084-03-02", "male", []string{date}},
		{"sex", "087084000999", "1984-03-02", "female", []string{sex}},
		{"both", "087084000999", "1985-03-02", "female", []string{date, sex}},
		{"province of the old list", "051084000999", "1984-03-02", "male", nil},
		{"no such province", "003084000999", "1984-03-02", "male", []string{province}},
		{"province zero", "000084000999", "1984-03-02", "male", []string{province}},
		{"born abroad", "123084000999", "1984-03-02", "male", nil},
		{"old number of nine digits", "212345678", "1984-03-02", "male", []string{format}},
		{"eleven digits", "08708400099", "1984-03-02", "male", []string{format}},
		{"spaces", "087 084 0009", "1984-03-02", "male", []string{format}},
		{"letters", "08708400099A", "1984-03-02", "male", []string{format}},
		{"digits of another script", "٠٨٧٠٨٤", "1984-03-02", "male", []string{format}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := codes(tt.number, tt.birthDate, tt.sex); !slices.Equal(got, tt.want) {
				t.Errorf("faults %v, want %v", got, tt.want)
			}
		})
	}
}

func TestEveryCentury(t *testing.T) {
	for digit, want := range []struct {
		year int
		sex  string
	}{
		{1984, "male"}, {1984, "female"}, {2084, "male"}, {2084, "female"}, {2184, "male"}, {2184, "female"},
		{2284, "male"}, {2284, "female"}, {2384, "male"}, {2384, "female"},
	} {
		number := fmt.Sprintf("051%d84000999", digit)
		if got := codes(number, fmt.Sprintf("%d-03-02", want.year), want.sex); got != nil {
			t.Errorf("digit %d: %v", digit, got)
		}
		if got := codes(number, fmt.Sprintf("%d-03-02", want.year+100), want.sex); len(got) != 1 {
			t.Errorf("digit %d, a century later: %v", digit, got)
		}
	}
}

func TestIsHint(t *testing.T) {
	for code, want := range map[string]bool{
		identity.CodeProvince: true, identity.CodeFormat: false, identity.CodeBirthDate: false, identity.CodeSex: false,
	} {
		if identity.IsHint(code) != want {
			t.Errorf("IsHint(%s) = %v", code, !want)
		}
	}
}

// TestAnyInput: whatever is typed, Check answers and repeats nothing of it.
func TestAnyInput(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		number := rapid.OneOf(rapid.String(), rapid.StringMatching(`[0-9]{12}`)).Draw(t, "number")
		for _, fault := range identity.Check(number, rapid.String().Draw(t, "date"), rapid.String().Draw(t, "sex")) {
			if fault.Params != nil {
				t.Fatal("a fault carries a value")
			}
		}
	})
}
