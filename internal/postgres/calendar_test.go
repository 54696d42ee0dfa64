package postgres_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/aid/worktime"
	"github.com/aidflow/aidflow/internal/postgres"
	"github.com/aidflow/aidflow/internal/postgres/pgtest"
)

// Another calendar of the area takes nothing back either: what was counted by
// the one before stays.
func TestAreaCalendarTakesNothingBack(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	ctx, admin := context.Background(), db.Staff(t, "admin1")
	id := submit(t, db, "portal1", request(1)).ID
	task := openTask(t, db, id, postgres.NewTask{Kind: aid.VerifyDocuments})
	_ = task
	db.Clock.Advance(3 * time.Hour) // Monday 12:00
	row := must(db.CaseByID(ctx, db.Staff(t, "manager1"), id))(t)
	before := must(db.CaseClocks(ctx, row))(t)
	rules := worktime.Rules{Code: "half", Zone: "Asia/Ho_Chi_Minh", Week: map[string][][]string{"tue": {{"08:00", "09:00"}}, "fri": {{"08:00", "09:00"}}}}
	must(db.CreateCalendar(ctx, admin, rules, []string{"51"}))(t)
	if n := must(db.Recount(ctx, 100))(t); n != 1 {
		t.Fatalf("%d cases counted, want 1", n)
	}
	db.Clock.Advance(24 * time.Hour) // Tuesday 12:00
	row = must(db.CaseByID(ctx, db.Staff(t, "manager1"), id))(t)
	for i, k := range must(db.CaseClocks(ctx, row))(t) {
		if got := k.Accrued - before[i].Accrued; got != time.Hour {
			t.Errorf("%s: %v more, want the hour of Tuesday", k.Scope, got)
		}
	}
	if n := must(db.Recount(ctx, 100))(t); n != 0 {
		t.Errorf("%d cases counted again", n)
	}
}

// What is wrong with a calendar or a freeze is said at once, each with its
// place.
func TestBadCalendarsAndFreezes(t *testing.T) {
	t.Parallel()
	db := pgtest.New(t)
	ctx, admin, manager := context.Background(), db.Staff(t, "admin1"), db.Staff(t, "manager1")
	good := must(db.CalendarByCode(ctx, "vn-office"))(t)
	rules := good.Rules
	rules.Code, rules.Zone = "new", "Asia/Nowhere"
	_, err := db.CreateCalendar(ctx, admin, rules, []string{"51", "51", "nowhere", "48"})
	wantFaults(t, err, "/zone zone_unknown", "/areas/1 repeated", "/areas/2 unknown_area", "/areas/3 wrong_area")
	_, err = db.CreateCalendar(ctx, admin, good.Rules, nil)
	wantCode(t, err, "duplicate_code")
	_, err = db.EditCalendar(ctx, admin, "vn-office", good.Version+1, good.Rules, nil)
	wantCode(t, err, "stale")
	_, err = db.EditCalendar(ctx, admin, "nothing", 1, good.Rules, nil)
	wantCode(t, err, "calendar_not_found")
	if same := must(db.EditCalendar(ctx, admin, "vn-office", good.Version, good.Rules, nil))(t); same.Version != good.Version {
		t.Error("the same content makes a version")
	}
	edited := must(db.EditCalendar(ctx, admin, "vn-office", good.Version, good.Rules, []string{"51001"}))(t)
	if edited.Version != good.Version+1 || len(edited.Areas) != 1 {
		t.Errorf("edited: %+v", edited)
	}
	rules.Zone = good.Rules.Zone
	_, err = db.CreateCalendar(ctx, admin, rules, []string{"51001"})
	wantFaults(t, err, "/areas/0 area_has_calendar")

	now := db.Now()
	for _, bad := range []struct {
		freeze postgres.Freeze
		want   []string
	}{
		{postgres.Freeze{Area: "nowhere", Until: now.Add(time.Hour)}, []string{"/area unknown_area"}},
		{postgres.Freeze{Area: "48", Until: now.Add(time.Hour), Programmes: []string{"medical", "nothing"}}, []string{"/area wrong_area", "/programmes/1 unknown_programme"}},
		{postgres.Freeze{Area: "51", From: now.Add(-time.Hour), Until: now.Add(-2 * time.Hour)}, []string{"/from in_past", "/until until_before_from"}},
		{postgres.Freeze{Area: "51", Until: now.AddDate(2, 0, 0)}, []string{"/until freeze_too_long"}},
	} {
		bad.freeze.ID, bad.freeze.Reason = postgres.NewID(aid.FreezeID), "other"
		_, err := db.CreateFreeze(ctx, manager, bad.freeze)
		wantFaults(t, err, bad.want...)
	}
	f := must(db.CreateFreeze(ctx, manager, postgres.Freeze{ID: postgres.NewID(aid.FreezeID), Area: "51", From: now.Add(time.Hour), Until: now.Add(2 * time.Hour), Reason: "other"}))(t)
	_, err = db.EndFreeze(ctx, manager, f.ID, f.Version+1)
	wantCode(t, err, "stale")
	if ended := must(db.EndFreeze(ctx, manager, f.ID, f.Version))(t); !ended.Until.Equal(ended.From) {
		t.Error("one that has not begun is not taken back")
	}
	_, err = db.EndFreeze(ctx, manager, f.ID, f.Version+1)
	wantCode(t, err, "freeze_over")
	_, err = db.EndFreeze(ctx, db.Staff(t, "verifier3"), f.ID, 1)
	wantCode(t, err, "freeze_not_found")
}

func wantFaults(t testing.TB, err error, want ...string) {
	t.Helper()
	var got []string
	if e, ok := err.(*aid.Error); ok {
		for _, f := range e.Faults {
			got = append(got, f.Pointer+" "+f.Code)
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("faults %q of %v, want %q", got, err, want)
	}
}
