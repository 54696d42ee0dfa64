package postgres_test

import (
	"testing"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/internal/postgres"
	"github.com/aidflow/aidflow/internal/postgres/pgtest"
)

// The fund that pays is the first of the programme's list that is open and kept
// for the area of the case; without a list the nearest of the area.
func TestTheFundsOfAProgrammeAreAList(t *testing.T) {
	t.Parallel()
	db, ctx := pgtest.New(t), t.Context()
	open := func(code, area string) string {
		return must(db.CreateFund(ctx, db.Staff(t, "treasurer1"), postgres.NewFund{ID: postgres.NewID(aid.FundID), Code: code, Name: code, Area: area, Currency: "VND",
			Budget: 1, Rails: map[string]string{"bank": "simulator"}}))(t).ID
	}
	commune, province := open("commune", "51001"), open("province-two", "51")
	open("other", "51005")
	poor := rows(t, db, `SELECT id FROM funds WHERE code = $1`, postgres.DevelopmentFund)[0]
	want := func(fund, currency string, named ...string) {
		t.Helper()
		var got string
		err := db.Write(ctx, func(tx *postgres.Tx) (err error) {
			got, err = tx.FundFor("51001", currency, named...)
			return err
		})
		if fund == "" {
			wantCode(t, err, "no_fund")
		} else if got != fund || err != nil {
			t.Errorf("%q: %s %v", named, got, err)
		}
	}
	want(commune, "VND")
	want(province, "VND", "province-two", "commune")
	want(poor, "VND", "other", postgres.DevelopmentFund, "province-two") // the first pays in another commune
	want("", "VND", "other", "unheard_of")
	want("", "IDR", "province-two")
	if _, err := db.SQL(t).Exec(`UPDATE funds SET rails = '{"cash": "simulator"}' WHERE id = $1`, province); err != nil {
		t.Fatal(err)
	}
	partner := db.Partner(t, "portal1")
	wantFault(t, db.CheckArea(ctx, partner, "51001", "cash"), "/payee/method", "method_not_paid")
	wantFault(t, db.CheckArea(ctx, partner, "51001", "bank", "province-two"), "/payee/method", "method_not_paid")
	if err := db.CheckArea(ctx, partner, "51001", "cash", "other", "province-two"); err != nil {
		t.Fatal(err)
	}
	if _, err := db.SQL(t).Exec(`UPDATE funds SET closing = true WHERE id IN ($1, $2)`, province, commune); err != nil {
		t.Fatal(err)
	}
	want(poor, "VND", "province-two", postgres.DevelopmentFund)
	want(poor, "VND")
}
