package identity_test

import (
	"slices"
	"testing"
	"time"

	"github.com/aidflow/aidflow/aid/identity"
)

func TestContradictions(t *testing.T) {
	t.Parallel()
	today := time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)
	fine := func() identity.Statement {
		return identity.Statement{
			Applicant: identity.Someone{Name: "Nguyễn Thị Hồng", NationalID: "051184000913", BirthDate: "1984-03-02", Sex: "female"},
			Members: []identity.Someone{{Name: "Trần Văn Bình", NationalID: "051080000001", BirthDate: "1980-01-01", Sex: "male", Relation: "head"},
				{Name: "Trần Thị Lan", BirthDate: "2015-06-07", Sex: "female", Relation: "child"}},
			People: 3, Registered: 3,
			Payee: &identity.Account{PayeeKind: "household", Method: "bank", BIN: "970416", Number: "0051 000 0913", Name: "NGUYEN THI HONG"},
		}
	}
	for _, tt := range []struct {
		name   string
		change func(*identity.Statement)
		want   []string
	}{
		{"nothing", func(*identity.Statement) {}, nil},
		{"nothing stated", func(s *identity.Statement) { *s = identity.Statement{} }, nil},
		{"a member's number against date and sex", func(s *identity.Statement) { s.Members[0].BirthDate, s.Members[0].Sex = "1981-01-01", "female" },
			[]string{"/household/members/0/national_id id_contradicts_birth_date", "/household/members/0/national_id id_contradicts_sex"}},
		{"the applicant's number is another check", func(s *identity.Statement) { s.Applicant.Sex = "male" }, nil},
		{"born tomorrow", func(s *identity.Statement) { s.Members[1].BirthDate = "2026-03-03" }, []string{"/household/members/1/birth_date born_in_future"}},
		{"born today", func(s *identity.Statement) { s.Members[1].BirthDate = "2026-03-02" }, nil},
		{"older than anybody", func(s *identity.Statement) { s.Members[1].BirthDate = "1890-03-02" }, []string{"/household/members/1/birth_date age_implausible"}},
		{"120 years old", func(s *identity.Statement) { s.Members[1].BirthDate = "1906-03-02" }, nil},
		{"18 tomorrow", func(s *identity.Statement) { s.Applicant.BirthDate = "2008-03-03" }, []string{"/applicant/birth_date applicant_under_age"}},
		{"18 today", func(s *identity.Statement) { s.Applicant.BirthDate = "2008-03-02" }, nil},
		{"a child as head", func(s *identity.Statement) { s.Members[1].Relation, s.Members[0].Relation = "head", "" }, []string{"/household/members/1/birth_date head_under_age"}},
		{"two heads", func(s *identity.Statement) { s.Members[1].Relation, s.Members[1].BirthDate = "head", "1985-01-02" }, []string{"/household/members several_heads"}},
		{"the applicant as member, by number", func(s *identity.Statement) { s.Members[0] = s.Applicant }, []string{"/household/members/0 applicant_among_members"}},
		{"the applicant as member, by name and date", func(s *identity.Statement) {
			s.Members[1].Name, s.Members[1].BirthDate = "HONG NGUYEN THI", "1984-03-02"
		},
			[]string{"/household/members/1 applicant_among_members"}},
		{"a member twice", func(s *identity.Statement) {
			s.Members = append(s.Members, s.Members[1], s.Members[1])
			s.People, s.Registered = 5, 5
		},
			[]string{"/household/members/2 member_listed_twice", "/household/members/3 member_listed_twice"}},
		{"a namesake with another number", func(s *identity.Statement) {
			s.Members[1] = identity.Someone{Name: "Trần Văn Bình", NationalID: "051080000002", BirthDate: "1980-01-01"}
		}, nil},
		{"more people than are listed", func(s *identity.Statement) { s.People = 5 }, []string{"/household household_size_differs", "/household register_size_differs"}},
		{"no members listed", func(s *identity.Statement) { s.Members, s.People = nil, 3 }, nil},
		{"the register has fewer", func(s *identity.Statement) { s.Registered = 2 }, []string{"/household register_size_differs"}},
		{"the register is not known", func(s *identity.Statement) { s.Registered = 0 }, nil},
		{"BIN too short", func(s *identity.Statement) { s.Payee.BIN = "97041" }, []string{"/payee/bank_bin bank_bin_format"}},
		{"BIN of letters", func(s *identity.Statement) { s.Payee.BIN = "BIDVVN" }, []string{"/payee/bank_bin bank_bin_format"}},
		{"account too short", func(s *identity.Statement) { s.Payee.Number = "12345" }, []string{"/payee/account_number account_number_format"}},
		{"account too long", func(s *identity.Statement) { s.Payee.Number = "12345678901234567890" }, []string{"/payee/account_number account_number_format"}},
		{"account with a sign", func(s *identity.Statement) { s.Payee.Number = "1234567/8" }, []string{"/payee/account_number account_number_format"}},
		{"account of a member", func(s *identity.Statement) { s.Payee.Name = "TRAN VAN BINH" }, nil},
		{"account in another order", func(s *identity.Statement) { s.Payee.Name = "Hồng, Nguyễn Thị" }, nil},
		{"account of somebody else", func(s *identity.Statement) { s.Payee.Name = "LE QUANG HUY" }, []string{"/payee/account_name account_of_another_name"}},
		{"account of a guardian", func(s *identity.Statement) { s.Payee.Name, s.Payee.PayeeKind = "LE QUANG HUY", "guardian" }, nil},
		{"account of a hospital", func(s *identity.Statement) { s.Payee.Name, s.Payee.PayeeKind = "BENH VIEN", "hospital" }, nil},
		{"cash", func(s *identity.Statement) { s.Payee = &identity.Account{PayeeKind: "household", Method: "cash"} }, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := fine()
			tt.change(&s)
			var got []string
			for _, f := range identity.Contradictions(s, today) {
				got = append(got, f.Pointer+" "+f.Code)
			}
			if !slices.Equal(got, tt.want) {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
}
