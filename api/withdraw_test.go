package api

import (
	"context"
	"net/http"
	"testing"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/internal/postgres"
)

// A wish that is answered 202 is stored, whether the engine is there or not:
// nothing new is paid, and it is brought to the engine until it is taken.
func TestAWishIsNotLostWithTheEngine(t *testing.T) {
	d := openDoor(t)
	id := d.submitted("medical")
	d.process.withdrawErr = aid.Refuse(aid.Unknown, "decision_pending")
	path, once := "/v1/cases/"+id+"/withdraw", key()
	for range 2 {
		if a := d.call("portal1", "POST", path, nil, once...); a.Status != http.StatusAccepted || a.str("status") == "withdrawn" {
			t.Fatalf("%d %s", a.Status, a.Raw)
		}
	}
	if a := d.call("portal1", "POST", path, map[string]any{"reason_code": "moved_away"}, key()...); a.Status != http.StatusAccepted {
		t.Errorf("wished again: %d %s", a.Status, a.Raw)
	}
	wishes, err := d.db.PendingWithdrawals(context.Background(), 0)
	if err != nil || len(wishes) != 1 || wishes[0].Withdrawal.Reason != "moved_away" || wishes[0].Withdrawal.ID != postgres.WithdrawalID(id, 1) {
		t.Fatalf("the sweep finds %+v, %v", wishes, err)
	}
	for _, w := range d.process.withdrawn {
		if w.ID != wishes[0].Withdrawal.ID {
			t.Errorf("another update: %s", w.ID)
		}
	}
}

// A case that is paid cannot be withdrawn any more; the engine is not asked.
func TestNoWithdrawalInTheFollowUp(t *testing.T) {
	d := openDoor(t)
	id, _, _ := d.reserved(t, 0)
	if _, err := d.db.SQL(t).Exec(`UPDATE cases SET status = 'following_up', stage = 'follow_up' WHERE id = $1`, id); err != nil {
		t.Fatal(err)
	}
	if a := d.call("portal1", "POST", "/v1/cases/"+id+"/withdraw", nil, key()...); a.Status != http.StatusConflict || a.str("code") != "wrong_state" {
		t.Errorf("%d %s", a.Status, a.Raw)
	}
	if len(d.process.withdrawn) > 0 {
		t.Errorf("%+v", d.process.withdrawn)
	}
}
