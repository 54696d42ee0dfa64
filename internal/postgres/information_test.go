package postgres_test

import (
	"encoding/json"
	"errors"
	"slices"
	"testing"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/internal/postgres"
	"github.com/aidflow/aidflow/internal/postgres/pgtest"
)

// What a partner brings is checked by the programme where it is stored, not at
// the door only.
func TestInformationIsCheckedWhereItIsStored(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	c := submit(t, db, "portal1", request(0))
	task := openTask(t, db, c.ID, postgres.NewTask{Kind: aid.ProvideInformation, Owner: aid.OwnerPartner})
	partner := db.Partner(t, "portal1")
	outer := t // whose connection stays open
	tests := map[string]struct {
		data   string
		faults []string
	}{
		"too much":         {`{"requested": {"amount": 999000000, "currency": "VND"}}`, []string{"/requested/amount amount_above_ceiling"}},
		"another currency": {`{"requested": {"amount": 1000, "currency": "USD"}}`, []string{"/requested/currency currency_not_accepted"}},
		"a payee not paid": {`{"payee": {"kind": "supplier", "method": "bank"}}`, []string{"/payee/kind payee_not_allowed"}},
		"no such paper":    {`{"documents": [{"kind": "canary"}]}`, []string{"/documents/0/kind unknown_document"}},
		"two faults":       {`{"requested": {"amount": 0, "currency": "VND"}, "payee": {"kind": "supplier"}}`, []string{"/requested/amount amount_not_positive", "/payee/kind payee_not_allowed"}},
		"nothing is wrong": {`{"requested": {"amount": 1000, "currency": "VND"}, "payee": {"kind": "household", "method": "bank"}}`, nil},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			id := postgres.NewID(aid.DecisionID)
			_, err := db.RecordIntent(t.Context(), postgres.Intent{ID: id, Task: task, Actor: partner.Actor(), Partner: true, TaskVersion: 1,
				Action: aid.ActionComplete, Data: json.RawMessage(tt.data)})
			var refused *aid.Error
			var got []string
			if errors.As(err, &refused) {
				for _, f := range refused.Faults {
					got = append(got, f.Pointer+" "+f.Code)
				}
			}
			if !slices.Equal(got, tt.faults) || (err == nil) != (tt.faults == nil) {
				t.Errorf("%v: %v", got, err)
			}
			if tt.faults == nil {
				return
			}
			if n := count(outer, db, `SELECT count(*) FROM decisions WHERE id = $1`, id); n > 0 {
				t.Error("it is stored all the same")
			}
		})
	}
	_, err := db.RecordIntent(t.Context(), postgres.Intent{ID: postgres.NewID(aid.DecisionID), Task: task, Actor: partner.Actor(), Partner: true,
		TaskVersion: 1, Action: aid.ActionComplete, Data: json.RawMessage(`{"answers": {"facility": 7}}`)})
	if aid.KindOf(err) != aid.Invalid {
		t.Errorf("answers that the form does not take: %v", err)
	}
}
