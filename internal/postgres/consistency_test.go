package postgres_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/aidflow/aidflow/internal/postgres"
	"github.com/aidflow/aidflow/internal/postgres/pgtest"
)

func TestConsistency(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	for i, tt := range []struct {
		name   string
		change func(*postgres.CaseContent)
		want   []string
	}{
		{"all fits", func(*postgres.CaseContent) {}, nil},
		{"the register has three", func(in *postgres.CaseContent) { in.Household.Members = in.Household.Members[:1] }, []string{"register_size_differs"}},
		{"not on the register", func(in *postgres.CaseContent) { in.Household = postgres.Household{Code: "HN-51-9999"} }, nil},
		{"telephone", func(in *postgres.CaseContent) { in.Applicant.Phone = "0123" }, []string{"phone_invalid"}},
		{"landline", func(in *postgres.CaseContent) { in.Applicant.Phone = "0255 3822 123" }, nil},
		{"abroad", func(in *postgres.CaseContent) { in.Applicant.Phone = "+62 812 3456 7890" }, nil},
		{"account and member", func(in *postgres.CaseContent) {
			in.Payee.AccountName, in.Payee.AccountNumber, in.Household.Members[0].BirthDate = "SOMEBODY ELSE", "12", "2030-01-01"
		}, []string{"born_in_future", "account_number_format", "account_of_another_name"}},
		{"several places, each code once", func(in *postgres.CaseContent) {
			in.Household.Members[0].BirthDate, in.Household.Members[1].BirthDate = "2030-01-01", "2031-01-01"
		}, []string{"born_in_future"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			in := request(i)
			people := postgres.DevelopmentHousehold(i)
			in.Household.Members = nil
			for _, p := range people[1:] {
				in.Household.Members = append(in.Household.Members, postgres.Member{FullName: p.FullName, Relation: p.Relation})
			}
			in.Payee.AccountName = strings.ToUpper(people[0].FullName)
			tt.change(&in)
			got := find(t, db, submit(t, db, "portal1", in).ID, (*postgres.Tx).CheckConsistency)
			if !slices.Equal(got.Codes, tt.want) || got.Passed != (len(tt.want) == 0) || len(got.Detail) != len(tt.want) {
				t.Errorf("%+v, want %v", got, tt.want)
			}
			detail := string(must(json.Marshal(got.Detail))(t))
			for _, secret := range []string{in.Applicant.FullName, in.Payee.AccountName, in.Payee.AccountNumber, "2030"} {
				if strings.Contains(detail, secret) {
					t.Errorf("the detail shows what was stated: %s", detail)
				}
			}
		})
	}
}

func TestPhoneRegion(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	wantCode(t, db.SetPhoneRegion("XX"), "unknown_region")
	c := submit(t, db, "portal1", request(3))
	phones := func() bool {
		return !slices.Contains(find(t, db, c.ID, (*postgres.Tx).CheckConsistency).Codes, "phone_invalid")
	}
	if !phones() {
		t.Fatal("a Vietnamese number is refused in Vietnam")
	}
	if err := db.SetPhoneRegion("US"); err != nil || phones() {
		t.Fatalf("a Vietnamese number is taken for an American one: %v", err)
	}
}
