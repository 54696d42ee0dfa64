package console

import (
	"net/url"
	"strings"
	"testing"
)

// A person chooses on the page what the API keeps: every kind of news, the
// hour, the language; a wrong value is told beside the form with what was
// typed, and somebody else's choice in between is not overwritten.
func TestOneChoosesHowToBeTold(t *testing.T) {
	w := newWorld(t)
	const path = "/notifications/settings"
	for lang, want := range map[string]string{"en": "What was given to you", "vi": "Việc được giao cho bạn", "id": "Yang diberikan kepada Anda"} {
		status, page := w.ask("verifier1", path+"?lang="+lang, nil)
		if status != 200 || !strings.Contains(page, want) {
			t.Errorf("%s: %d %s", lang, status, page)
		}
		w.plainPage(path, page)
	}
	_, page := w.ask("verifier1", path, nil)
	form := filled(page)
	if form.Get("/channels/work") != "digest" || form.Get("/channels/mine") != "at_once" || form.Get("/digest_at") != "07:30" || form.Get("/address") == "" {
		t.Fatal(form)
	}
	before := url.Values{}
	for name, all := range form {
		before[name] = all
	}
	form.Set("/channels/work", "off")
	form.Set("/channels/mine", "digest")
	form.Set("/digest_at", "16:45")
	form.Set("/language", "id")
	status, page := w.ask("verifier1", path, form)
	if status != 200 || !strings.Contains(page, `role="status"`) {
		t.Fatal(status, page)
	}
	if n := w.number(`SELECT count(*) FROM staff_contacts WHERE subject = 'verifier1' AND digest_at = '16:45' AND language = 'id'
		AND channels ->> 'work' = 'off' AND channels ->> 'mine' = 'digest'`); n != 1 {
		t.Error("the choices were not kept")
	}
	if status, page := w.ask("verifier1", path, before); status != 412 || !strings.Contains(page, `role="alert"`) {
		t.Errorf("an old form: %d %s", status, page)
	}
	_, page = w.ask("verifier1", path, nil)
	form = filled(page)
	form.Set("/digest_at", "26:00")
	if status, page := w.ask("verifier1", path, form); status != 422 && status != 400 || !strings.Contains(page, "26:00") || !strings.Contains(page, "/digest_at") {
		t.Errorf("a wrong hour: %d %s", status, page)
	}
	if status, _ := w.ask("verifier1", path, form, "Sec-Fetch-Site", "cross-site"); status != 403 {
		t.Errorf("another site changed it: %d", status)
	}
	if strings.Contains(w.log.String(), "aidflow.test") {
		t.Error("an address is in the log")
	}
}
