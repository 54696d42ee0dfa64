package api

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func areaRows(rows ...map[string]any) map[string]any {
	list := []any{}
	for _, r := range rows {
		list = append(list, r)
	}
	return map[string]any{"areas": list}
}

func areaNow(code, name, parent, from, to string, predecessors ...string) map[string]any {
	r := map[string]any{"code": code, "name": name, "level": "commune", "valid_from": from}
	if parent != "" {
		r["parent"] = parent
	}
	if to != "" {
		r["valid_to"] = to
	}
	for _, p := range predecessors {
		list, _ := r["predecessors"].([]any)
		r["predecessors"] = append(list, map[string]any{"code": p})
	}
	return r
}

// An administrator merges two communes: first to see what would happen.
func TestChangeAreas(t *testing.T) {
	d := openDoor(t)
	id := d.submitted("medical") // in 51001
	body := areaRows(areaNow("51001", "Cẩm Thành", "51", "1900-01-01", "2026-03-01"), areaNow("51011", "Thành phố mẫu", "51", "2026-03-01", "", "51001"))
	body["dry_run"] = true
	dry := d.call("admin1", "POST", "/v1/areas", body, key()...)
	require.Equal(t, 200, dry.Status, dry.Raw)
	require.Equal(t, []any{true, 2.0, 1.0, 1.0, 1.0, 1.0}, []any{dry.at("dry_run"), dry.at("rows"), dry.at("begun"), dry.at("changed"), dry.at("links"), dry.at("cases")})
	require.Equal(t, "51001", d.call("portal1", "GET", "/v1/cases/"+id, nil).str("area"))

	body["dry_run"] = false
	k := key()
	first := d.call("admin1", "POST", "/v1/areas", body, k...)
	require.Equal(t, 200, first.Status, first.Raw)
	require.Equal(t, first.Raw, d.call("admin1", "POST", "/v1/areas", body, k...).Raw, "a copy is answered, not made again")
	again := d.call("admin1", "POST", "/v1/areas", body, key()...)
	require.Equal(t, []any{2.0, 0.0, 0.0}, []any{again.at("same"), again.at("begun"), again.at("cases")})
	require.Equal(t, "51011", d.call("portal1", "GET", "/v1/cases/"+id, nil).str("area"))

	old := d.call("verifier1", "GET", "/v1/areas/51001", nil)
	require.Equal(t, []any{true, "51011", "51011", "renamed", true}, []any{old.at("gone"), old.str("successor"), old.str("successors.0.code"), old.str("successors.0.kind"), old.at("successors.0.takes")})
	require.Equal(t, "2026-03-01", old.str("periods.0.valid_to"))
	require.Equal(t, "51001", d.call("portal2", "GET", "/v1/areas/51011", nil).str("predecessors.0.code"))
	require.Equal(t, 404, d.call("portal1", "GET", "/v1/areas/none", nil).Status)
	for at, first := range map[string]string{"2026-02-28": "51001", "2026-03-01": "51002"} {
		require.Equal(t, first, d.call("portal1", "GET", "/v1/areas?parent=51&level=commune&at="+at, nil).str("data.0.code"), at)
	}
}

func TestBadAreas(t *testing.T) {
	d := openDoor(t)
	own := areaNow("51900", "New", "51", "2026-04-01", "")
	with := func(name string, value any) map[string]any {
		return areaRows(change(areaNow("51900", "New", "51", "2026-04-01", ""), name, value))
	}
	for _, r := range []refusal{
		{name: "another's", who: "admin1", body: areaRows(areaNow("48001", "Canary", "48", "2026-04-01", "")), faults: []string{"/areas/0/code wrong_area", "/areas/0/parent wrong_area", "/areas/0/valid_from overlapping_validity"}},
		{name: "everything at once", who: "admin1", body: areaRows(own, areaNow("51901", "New", "51999", "2026-04-01", ""), areaNow("51902", "=Canary", "51", "2026-04-01", "2026-03-01"), areaNow("51900", "New", "51", "2026-04-01", "")),
			faults: []string{"/areas/1/code wrong_area", "/areas/1/parent unknown_parent", "/areas/1/parent wrong_area", "/areas/2/name formula", "/areas/2/valid_to ends_before_it_begins", "/areas/3/code duplicate_row"}},
		{name: "a circle", who: "admin1", body: areaRows(areaNow("51900", "a", "51901", "2026-04-01", ""), areaNow("51901", "b", "51900", "2026-04-01", "")),
			faults: []string{"/areas/0/code wrong_area", "/areas/0/parent area_cycle", "/areas/0/parent wrong_area", "/areas/1/code wrong_area", "/areas/1/parent area_cycle", "/areas/1/parent wrong_area"}},
		{name: "code", who: "admin1", body: with("code", "canary !"), faults: []string{"/areas/0/code bad_code"}},
		{name: "no day", who: "admin1", body: with("valid_from", "2026-02-30"), faults: []string{"/areas/0/valid_from bad_format"}},
		{name: "no such day before", who: "admin1", body: with("predecessors", []any{map[string]any{"code": "canary"}}), faults: []string{"/areas/0/predecessors/0 predecessor_missing", "/areas/0/predecessors/0 wrong_area"}},
		{name: "unknown field", who: "admin1", body: with("kind", "canary"), faults: []string{"/areas/0/kind unknown_field"}},
		{name: "nothing", who: "admin1", body: areaRows(), faults: []string{"/areas too_short"}},
		{name: "a manager", who: "manager1", body: with("name", "Canary"), status: 403, code: "wrong_role"},
	} {
		r.path, r.headers, r.secret = "/v1/areas", key(), "canary"
		if r.code == "" {
			r.status, r.code = 422, "invalid_content"
		}
		d.refuses(t, r)
	}
	d.refuses(t, refusal{name: "no key", who: "admin1", path: "/v1/areas", body: areaRows(own), status: 400, code: "idempotency_key_missing", faults: []string{"Idempotency-Key required"}, secret: "canary"})
}

// The repair of a split names what may be chosen, and takes nothing else.
func TestTheFormOfASplit(t *testing.T) {
	d := openDoor(t)
	id := d.submitted("medical")
	task := d.underReview(id)
	a := d.call("admin1", "POST", "/v1/areas", areaRows(areaNow("51001", "Cẩm Thành", "51", "1900-01-01", "2026-03-01"),
		areaNow("51012", "Đông", "51", "2026-03-01", "", "51001"), areaNow("51013", "Tây", "51", "2026-03-01", "", "51001")), key()...)
	require.Equal(t, []any{200, 1.0}, []any{a.Status, a.at("parked")}, a.Raw)
	blocked := d.call("verifier1", "GET", "/v1/tasks/"+task, nil)
	require.Equal(t, "area_gone", blocked.str("blocked"), blocked.Raw)
	refused := d.decide("verifier1", task, map[string]any{"action": "complete"})
	require.Equal(t, []any{409, "area_gone"}, []any{refused.Status, refused.str("code")})

	repair := d.call("admin1", "GET", "/v1/tasks?kind=repair_configuration", nil).str("data.0.id")
	form := d.call("admin1", "GET", "/v1/tasks/"+repair, nil)
	require.Equal(t, []any{"51012", "51013"}, form.at("forms.complete.schema.properties.area.enum"))
	require.Equal(t, []any{"area"}, form.at("forms.complete.schema.required"))
	require.Equal(t, "area_gone", form.str("why.because"))
	for code, want := range map[string]string{"": "/data/area required", "51002": "/data/area unknown_area"} {
		body := map[string]any{"action": "complete"}
		if code != "" {
			body["data"] = map[string]any{"area": code}
		}
		a := d.decide("admin1", repair, body)
		require.Equal(t, 422, a.Status, a.Raw)
		require.Equal(t, want, a.str("errors.0.pointer")+" "+a.str("errors.0.code"))
	}
	done := d.decide("admin1", repair, map[string]any{"action": "complete", "data": form.at("forms.complete.example.data")})
	require.Equal(t, 200, done.Status, done.Raw)
	require.Equal(t, "51012", d.call("portal1", "GET", "/v1/cases/"+id, nil).str("area"))
	require.Equal(t, []any{"complete", "reject", "return"}, d.call("verifier1", "GET", "/v1/tasks/"+task, nil).at("allowed_actions"))
}
