package api

import (
	"testing"
	"time"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/internal/postgres"
)

func TestBadCalendars(t *testing.T) {
	d := openDoor(t)
	week := func(day string, shifts ...[]string) map[string]any { return map[string]any{day: shifts} }
	good := map[string]any{"code": "hill", "zone": "Asia/Ho_Chi_Minh", "week": week("mon", []string{"08:00", "12:00"}), "holidays": []any{}, "areas": []any{}}
	with := func(path string, value any) map[string]any { return but(good, path, value) }
	d.refusesAll(t, "/v1/calendars",
		invalid("inverted hours", "admin1", with("week", week("mon", []string{"17:00", "08:00"})), "/week/mon/0 shift_order"),
		invalid("no hours at all", "admin1", with("week", week("mon", []string{"08:00", "08:00"})), "/week/mon/0 shift_order"),
		invalid("overlapping shifts", "admin1", with("week", week("mon", []string{"08:00", "12:00"}, []string{"11:00", "17:00"})), "/week/mon/1 shift_order"),
		invalid("no hour of a day", "admin1", with("week", week("mon", []string{"25:00", "canar"})), "/week/mon/0/0 clock_time", "/week/mon/0/1 clock_time"),
		invalid("half a shift", "admin1", with("week", week("mon", []string{"08:00"})), "/week/mon/0 too_short"),
		invalid("an unknown weekday", "admin1", with("week", week("canary", []string{"08:00", "12:00"})), "/week day_unknown", "/week week_empty"),
		invalid("a week off", "admin1", with("week", map[string]any{}), "/week week_empty"),
		invalid("an unknown zone", "admin1", with("zone", "canary"), "/zone zone_unknown"),
		invalid("the machine's own zone", "admin1", with("zone", "Local"), "/zone zone_unknown"),
		invalid("no date", "admin1", with("holidays", []any{map[string]any{"date": "2027-02-30", "name": "Tet"}}), "/holidays/0/date date_format"),
		invalid("a day twice", "admin1", with("holidays", []any{map[string]any{"date": "2027-02-05", "name": "Tet"}, map[string]any{"date": "2027-02-05", "name": "Tet"}}), "/holidays/1/date date_repeated"),
		invalid("an unknown area", "admin1", with("areas", []string{"canary"}), "/areas/0 unknown_area"),
		invalid("another's area", "admin1", with("areas", []string{"48"}), "/areas/0 wrong_area"),
		invalid("an area twice", "admin1", with("areas", []string{"51001", "51001"}), "/areas/1 repeated"),
		invalid("all at once", "admin1", but(with("zone", "canary"), "areas", []string{"canary"}), "/zone zone_unknown", "/areas/0 unknown_area"),
		refusal{name: "by a manager", who: "manager1", body: good, status: 403, code: "wrong_role"},
	)
	made := d.call("admin1", "POST", "/v1/calendars", good, key()...)
	if made.Status != 201 {
		t.Fatal(made.Raw)
	}
	edit := but(good, "code", nil)
	d.refusesAll(t, "/v1/calendars",
		refusal{name: "the same code", who: "admin1", body: good, status: 409, code: "duplicate_code"},
		refusal{name: "unseen", who: "admin1", method: "PUT", path: "/hill", body: edit, status: 428, code: "if_match_required"},
		refusal{name: "what has changed", who: "admin1", method: "PUT", path: "/hill", body: edit, headers: []string{"If-Match", `"9"`}, status: 412, code: "stale"},
		refusal{name: "none", who: "admin1", method: "PUT", path: "/canary", body: edit, headers: []string{"If-Match", `"1"`}, status: 404, code: "calendar_not_found"},
	)
}

func TestBadFreezes(t *testing.T) {
	d := openDoor(t)
	at := func(hours int) string { return d.db.Now().Add(time.Duration(hours) * time.Hour).Format(time.RFC3339) }
	good := map[string]any{"area": "51001", "until": at(48), "reason_code": "audit"}
	with := func(path string, value any) map[string]any { return but(good, path, value) }
	frozen := d.call("manager1", "POST", "/v1/freezes", good, key()...).str("id")
	d.refusesAll(t, "/v1/freezes",
		invalid("ends before it begins", "manager1", but(with("from", at(5)), "until", at(4)), "/until until_before_from"),
		invalid("ends as it begins", "manager1", but(with("from", at(5)), "until", at(5)), "/until until_before_from"),
		invalid("in the past", "manager1", with("from", at(-2)), "/from in_past"),
		invalid("for years", "manager1", with("until", at(24*4000)), "/until freeze_too_long"),
		invalid("endless", "manager1", with("until", nil), "/until required"),
		invalid("an unknown area", "manager1", with("area", "canary"), "/area unknown_area"),
		invalid("another's area", "manager1", with("area", "48"), "/area wrong_area"),
		invalid("an unknown programme", "manager1", with("programmes", []string{"medical", "canary"}), "/programmes/1 unknown_programme"),
		invalid("an unknown reason", "manager1", with("reason_code", "canary"), "/reason_code not_allowed"),
		invalid("all at once", "manager1", but(with("area", "canary"), "from", at(-2)), "/area unknown_area", "/from in_past"),
		refusal{name: "by a verifier", who: "verifier1", body: good, status: 403, code: "wrong_role"},
		refusal{name: "end it unseen", who: "manager1", method: "DELETE", path: "/" + frozen, status: 428, code: "if_match_required"},
		refusal{name: "end what has changed", who: "manager1", method: "DELETE", path: "/" + frozen, headers: []string{"If-Match", `"9"`}, status: 412, code: "stale"},
		refusal{name: "end none", who: "manager1", method: "DELETE", path: "/" + postgres.NewID(aid.FreezeID), headers: []string{"If-Match", `"1"`}, status: 404, code: "freeze_not_found"},
	)
}

func TestBadPriorities(t *testing.T) {
	d := openDoor(t)
	id := d.submitted("medical")
	ended := d.submitted("schooling")
	d.underReview(ended)
	d.withdrawn(t, ended)
	good := map[string]any{"urgent": true, "reason_code": "homeless"}
	d.refusesAll(t, "/v1/cases/",
		invalidAt("an unknown reason", id, but(good, "reason_code", "canary"), "/reason_code not_allowed"),
		invalidAt("no reason", id, but(good, "reason_code", nil), "/reason_code required"),
		invalidAt("a number of hurry", id, but(good, "urgent", 2), "/urgent wrong_type"),
		refusal{name: "of what has ended", who: "manager1", path: ended + "/priority", body: good, status: 409, code: "wrong_state", says: []string{"withdrawn"}},
		refusal{name: "of what has changed", who: "manager1", path: id + "/priority", body: good, headers: []string{"If-Match", `"99"`}, status: 412, code: "stale"},
		refusal{name: "by a verifier", who: "verifier1", path: id + "/priority", body: good, status: 403, code: "wrong_role"},
		refusal{name: "of none", who: "manager1", path: postgres.NewID(aid.CaseID) + "/priority", body: good, status: 404, code: "case_not_found"},
	)
}

func invalidAt(name, id string, body any, faults ...string) refusal {
	r := invalid(name, "manager1", body, faults...)
	r.path = id + "/priority"
	return r
}
