package api

import (
	"fmt"
	"testing"
)

// A programme shows its deadlines and its ladder; one that has no ladder of its
// own shows the usual one, by which its work climbs.
func TestAProgrammeShowsItsClocks(t *testing.T) {
	d := openDoor(t)
	a := d.call("verifier1", "GET", "/v1/programmes/housing_new", nil)
	if a.Status != 200 || a.str("calendar") != "vn-office" {
		t.Fatal(a.Status, a.Raw)
	}
	def, err := d.db.Definition(t.Context(), "housing_new", 1)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := fmt.Sprint(a.at("case_deadline")), def.CaseDeadline.String(); want != got {
		t.Errorf("case_deadline %s, want %s", got, want)
	}
	if got := a.at("stage_deadlines").(map[string]any); len(got) == 0 || len(got) != len(def.StageDeadlines) {
		t.Errorf("stage_deadlines %v", got)
	}
	if got, want := fmt.Sprint(a.at("escalation")), "[map[at:80 do:remind] map[after:P0D do:notify_superior] map[after:P2D do:reassign]]"; got != want {
		t.Errorf("escalation %s, want %s", got, want)
	}
}
