package api

import (
	"net/http"
	"strings"
	"testing"

	"github.com/aidflow/aidflow/internal/postgres"
)

// told makes notifications of everything that was put down, as the worker does.
func (d *door) told(t *testing.T) {
	t.Helper()
	for {
		n, err := d.db.SpreadNotices(t.Context(), false, 100)
		if err != nil {
			t.Fatal(err)
		}
		if n == 0 {
			return
		}
	}
}

// The bell: in the reader's language, unchanged while nothing changes, read
// once, and only one's own.
func TestBell(t *testing.T) {
	d := openDoor(t)
	id := d.submitted("medical")
	task := d.underReview(id)
	d.told(t)
	a := d.call("verifier1", "GET", "/v1/notifications", nil, "Accept-Language", "vi")
	reference := a.str("data.0.reference")
	if a.Status != http.StatusOK || a.at("unread") != float64(1) || a.str("data.0.task") != task || a.str("data.0.text") != "Việc mới: "+reference+" · kiểm tra giấy tờ" ||
		!strings.HasPrefix(reference, "HS-") || a.str("data.0.topic") != "work" {
		t.Fatalf("%d %s", a.Status, a.Raw)
	}
	same := d.call("verifier1", "GET", "/v1/notifications", nil, "Accept-Language", "vi", "If-None-Match", a.Header.Get("ETag"))
	if same.Status != http.StatusNotModified || same.Raw != "" {
		t.Errorf("%d %s", same.Status, same.Raw)
	}
	other := d.call("verifier2", "POST", "/v1/notifications/read", map[string]any{"ids": []string{a.str("data.0.id")}})
	if other.Status != http.StatusOK || other.at("unread") != float64(1) {
		t.Errorf("%d %s", other.Status, other.Raw)
	}
	if a := d.call("verifier1", "GET", "/v1/notifications?unread=true", nil); a.at("unread") != float64(1) {
		t.Errorf("another has read it: %s", a.Raw)
	}
	if a := d.call("verifier1", "POST", "/v1/notifications/read", map[string]any{"all": true}); a.at("unread") != float64(0) {
		t.Errorf("%s", a.Raw)
	}
	again := d.call("verifier1", "GET", "/v1/notifications", nil, "Accept-Language", "vi", "If-None-Match", a.Header.Get("ETag"))
	if again.Status != http.StatusOK || again.str("data.0.read_at") == "" {
		t.Errorf("%d %s", again.Status, again.Raw)
	}
	for _, who := range []string{"verifier3", "manager1", "admin1"} {
		if a := d.call(who, "GET", "/v1/notifications", nil); a.at("unread") != float64(0) {
			t.Errorf("%s: %s", who, a.Raw)
		}
	}
	if _, err := d.db.SQL(t).Exec(`UPDATE staff_roles SET area = '48' WHERE subject = 'verifier2'`); err != nil {
		t.Fatal(err)
	}
	if a := d.call("verifier2", "GET", "/v1/notifications", nil); a.at("unread") != float64(0) || strings.Contains(a.Raw, reference) {
		t.Errorf("removed from the area, and still told: %s", a.Raw)
	}
}

// How a person is told: the defaults, a change, and one that was not seen.
func TestNotificationSettings(t *testing.T) {
	d := openDoor(t)
	if _, err := d.db.SQL(t).Exec(`DELETE FROM staff_contacts WHERE subject = 'verifier1'`); err != nil {
		t.Fatal(err)
	}
	a := d.call("verifier1", "GET", "/v1/me/notifications", nil)
	if a.Header.Get("ETag") != `"1"` || a.str("channels.work") != "digest" || a.str("channels.mine") != "at_once" || a.str("address") != "" || a.str("language") != "vi" {
		t.Fatalf("%d %s", a.Status, a.Raw)
	}
	wish := map[string]any{"address": "officer@commune.example", "language": "id", "zone": "Asia/Jakarta", "digest_at": "06:15", "channels": map[string]any{"work": "off"}}
	for _, tag := range []string{`"1"`, `"2"`} {
		a = d.call("verifier1", "PUT", "/v1/me/notifications", wish, "If-Match", tag)
		if a.Status != http.StatusOK || a.str("channels.work") != "off" || a.str("channels.mine") != "at_once" || a.str("address") != "officer@commune.example" {
			t.Fatalf("%d %s", a.Status, a.Raw)
		}
	}
	if a := d.call("verifier1", "PUT", "/v1/me/notifications", wish, "If-Match", `"1"`); a.Status != http.StatusPreconditionFailed {
		t.Errorf("%d %s", a.Status, a.Raw)
	}
	if a := d.call("verifier1", "PUT", "/v1/me/notifications", wish); a.Status != http.StatusPreconditionRequired {
		t.Errorf("%d %s", a.Status, a.Raw)
	}
	if n := d.count(`staff_contacts WHERE encode(address, 'escape') LIKE '%officer%'`); n != 0 {
		t.Error("the address lies open")
	}
	if n := d.count(`audit WHERE action = 'set_notifications' AND actor = 'verifier1'`); n != 2 {
		t.Errorf("%d lines in the audit", n)
	}
	bad := map[string]any{"address": "Officer <officer@commune.example>", "language": "id", "zone": "Asia/Nowhere", "digest_at": "06:15", "channels": map[string]any{}}
	a = d.call("verifier1", "PUT", "/v1/me/notifications", bad, "If-Match", `"3"`)
	if a.Status != http.StatusUnprocessableEntity || strings.Contains(a.Raw, "commune") || a.str("errors.0.code") != "invalid_address" || a.str("errors.1.code") != "unknown_zone" {
		t.Errorf("%d %s", a.Status, a.Raw)
	}
	for _, address := range []string{"a@b\r\nBcc: c@d", "a@b, c@d", "a", "@b", strings.Repeat("a", 250) + "@b.c"} {
		bad["address"] = address
		if a := d.call("verifier1", "PUT", "/v1/me/notifications", bad, "If-Match", `"3"`); a.Status != http.StatusUnprocessableEntity {
			t.Errorf("%q: %d %s", address, a.Status, a.Raw)
		}
	}
	if _, err := d.db.Contact(t.Context(), &postgres.Caller{Kind: postgres.CallerStaff, ID: "nobody"}); err != nil {
		t.Error(err)
	}
}
