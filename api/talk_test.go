package api

import (
	"strings"
	"testing"
)

// A colleague is asked, and answers, without a duty in the case: the task
// stays open meanwhile and shows the answer, and nobody else answers.
func TestAColleagueIsAsked(t *testing.T) {
	d := openDoor(t)
	d.applyDecisions()
	id := d.submitted("medical")
	task := d.underReview(id)
	path := "/v1/tasks/" + task
	tag := d.call("verifier1", "GET", path, nil).Header.Get("ETag")
	secret := "Is the seal of Mrs Canary genuine?"
	asked := d.call("verifier1", "POST", path+"/questions", map[string]any{"to": "approver1", "text": secret}, key()...)
	if asked.Status != 201 || asked.str("of") != "approver1" || asked.str("status") != "claimed" || asked.str("text") != secret {
		t.Fatalf("%d %s", asked.Status, asked.Raw)
	}
	advice := asked.str("advice")
	if a := d.call("verifier1", "GET", path, nil); a.Header.Get("ETag") != tag || a.str("status") != "open" {
		t.Errorf("the task itself changed: %s", a.Raw)
	}
	if a := d.call("verifier1", "GET", "/v1/cases/"+id+"/status", nil); strings.Contains(a.Raw, advice) {
		t.Errorf("the case waits for advice: %s", a.Raw)
	}
	answer := map[string]any{"action": "complete", "note": "It is."}
	if a := d.decide("verifier2", advice, answer); a.Status != 409 {
		t.Errorf("another answered: %d %s", a.Status, a.Raw)
	}
	if a := d.decide("approver1", advice, map[string]any{"action": "complete"}); a.Status != 422 || !strings.Contains(a.Raw, "/note") {
		t.Errorf("an empty answer: %d %s", a.Status, a.Raw)
	}
	if a := d.decide("approver1", advice, answer); a.Status != 200 {
		t.Fatalf("%d %s", a.Status, a.Raw)
	}
	list := d.call("verifier1", "GET", path+"/questions", nil)
	if list.str("data.0.answer") != "It is." || list.str("data.0.answered_at") == "" || list.str("data.0.status") != "done" {
		t.Error(list.Raw)
	}
	if a := d.call("auditor1", "GET", path+"/questions", nil); strings.Contains(a.Raw, "Canary") || strings.Contains(a.Raw, "It is.") || a.at("data.0.masked") != true {
		t.Errorf("an auditor reads it: %s", a.Raw)
	}
	if a := d.call("verifier1", "POST", path+"/decisions", map[string]any{"action": "complete"}, append(key(), "If-Match", tag)...); a.Status != 412 {
		t.Errorf("decided without having seen the answer: %d %s", a.Status, a.Raw)
	}
	if n := d.count("case_duties WHERE person = 'approver1'"); n != 0 {
		t.Error("advice took a duty")
	}
	if n := d.count("events WHERE data::text LIKE '%Canary%'"); n != 0 {
		t.Error("the question stands in the events")
	}
	// The task is decided: what was asked about it and not answered is void.
	late := d.call("verifier1", "POST", path+"/questions", map[string]any{"to": "manager1", "text": "And you?"}, key()...).str("advice")
	if a := d.decide("verifier1", task, map[string]any{"action": "complete"}); a.Status != 200 {
		t.Fatal(a.Raw)
	}
	if a := d.call("manager1", "GET", "/v1/tasks/"+late, nil); a.str("status") != "void" {
		t.Errorf("advice on a decided task: %s", a.Raw)
	}
}

func TestBadQuestions(t *testing.T) {
	d := openDoor(t)
	task := d.underReview(d.submitted("medical"))
	path := "/v1/tasks/" + task + "/questions"
	for _, r := range []struct {
		name, who, to string
		status        int
		code          string
	}{
		{"oneself", "verifier1", "verifier1", 422, "ask_oneself"},
		{"nobody", "verifier1", "canary", 422, "unknown_colleague"},
		{"of another area", "verifier1", "verifier3", 422, "colleague_not_of_area"},
		{"who sees no cases", "verifier1", "admin1", 422, "colleague_not_of_area"},
		{"by who may not decide", "manager1", "verifier1", 403, "wrong_role"},
	} {
		a := d.call(r.who, "POST", path, map[string]any{"to": r.to, "text": "What do you think?"}, key()...)
		if a.Status != r.status || !strings.Contains(a.Raw, r.code) || strings.Contains(a.Raw, "canary") {
			t.Errorf("%s: %d %s", r.name, a.Status, a.Raw)
		}
	}
	if n := d.count("questions") + d.count("tasks WHERE kind = 'advise'"); n != 0 {
		t.Error("a refused question left something behind")
	}
}

// Comments are read in their order by who sees the task, and sealed.
func TestComments(t *testing.T) {
	d := openDoor(t)
	task := d.underReview(d.submitted("medical"))
	path := "/v1/tasks/" + task + "/comments"
	once := key()
	for _, text := range []string{"First, of Mr Canary", "Second"} {
		if a := d.call("manager1", "POST", path, map[string]any{"text": text}, once...); a.Status != 201 {
			t.Fatalf("%d %s", a.Status, a.Raw)
		}
		d.call("manager1", "POST", path, map[string]any{"text": text}, once...)
		once = key()
	}
	a := d.call("verifier1", "GET", path, nil)
	if a.str("data.0.text") != "First, of Mr Canary" || a.str("data.1.text") != "Second" || a.str("data.0.by") != "manager1" || a.at("data.2") != nil {
		t.Error(a.Raw)
	}
	if a := d.call("auditor1", "GET", path, nil); strings.Contains(a.Raw, "Canary") || a.at("data.0.masked") != true {
		t.Error(a.Raw)
	}
	if a := d.call("verifier3", "GET", path, nil); a.Status != 404 {
		t.Errorf("a stranger reads: %d", a.Status)
	}
}
