package aid_test

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/aidflow/aidflow/aid"
)

func statuses() []aid.Status {
	return []aid.Status{aid.Draft, aid.Submitted, aid.InReview, aid.ActionNeeded, aid.WaitingFunds, aid.Approved, aid.Rejected,
		aid.Paying, aid.Paid, aid.FollowingUp, aid.Closed, aid.Withdrawn}
}

func stages() []aid.Stage {
	return []aid.Stage{aid.Intake, aid.Verification, aid.Approval, aid.Disbursement, aid.FollowUp, aid.Ended}
}

func events() []string {
	var all []string
	for _, m := range aid.CaseMoves() {
		if !slices.Contains(all, m.Event) {
			all = append(all, m.Event)
		}
	}
	return all
}

// allowed reads the CHECK of the table cases that ties a status to its stages.
func allowed(t *testing.T) map[aid.Place]bool {
	t.Helper()
	raw, err := os.ReadFile("../internal/postgres/migrations/00002_cases.sql")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, ok := strings.Cut(string(raw), "CHECK (CASE status\n")
	check, _, closed := strings.Cut(rest, " END)")
	if !ok || !closed {
		t.Fatal("the CHECK of status and stage is not where it was")
	}
	places, left := map[aid.Place]bool{}, statuses()
	quoted := regexp.MustCompile(`'([a-z_]+)'`)
	for line := range strings.Lines(check) {
		var names []string
		for _, m := range quoted.FindAllStringSubmatch(line, -1) {
			names = append(names, m[1])
		}
		if strings.Contains(line, "ELSE") {
			for _, s := range left {
				places[aid.Place{Status: s, Stage: aid.Stage(names[0])}] = true
			}
			break
		}
		left = slices.DeleteFunc(left, func(s aid.Status) bool { return s == aid.Status(names[0]) })
		for _, stage := range names[1:] {
			places[aid.Place{Status: aid.Status(names[0]), Stage: aid.Stage(stage)}] = true
		}
	}
	return places
}

// The table of moves and the database know the same places: no move leads to
// one that the database refuses, and the database allows none that no move
// reaches.
func TestMovesFitTheDatabase(t *testing.T) {
	places, reached := allowed(t), map[aid.Place]bool{{Status: aid.Draft, Stage: aid.Intake}: true}
	for _, m := range aid.CaseMoves() {
		reached[m.To] = true
		for _, from := range append(slices.Clone(m.From), m.To) {
			if !places[from] {
				t.Errorf("%s: the database refuses %s / %s", m.Event, from.Status, from.Stage)
			}
		}
	}
	for place := range places {
		if !reached[place] {
			t.Errorf("no move reaches %s / %s, and the database allows it", place.Status, place.Stage)
		}
	}
}

func TestMove(t *testing.T) {
	for _, m := range aid.CaseMoves() {
		for _, from := range m.From {
			if to, err := aid.Move(from, m.Event); err != nil || to != m.To {
				t.Errorf("%s from %v: %v, %v", m.Event, from, to, err)
			}
		}
	}
}

func TestMoveHolds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		from := aid.Place{Status: rapid.SampledFrom(statuses()).Draw(t, "status"), Stage: rapid.SampledFrom(stages()).Draw(t, "stage")}
		event := rapid.SampledFrom(append(events(), "no_such_event")).Draw(t, "event")
		to, err := aid.Move(from, event)
		listed := slices.ContainsFunc(aid.CaseMoves(), func(m aid.CaseMove) bool {
			return m.Event == event && slices.Contains(m.From, from) && m.To == to
		})
		if (err == nil) != listed {
			t.Fatalf("listed: %t, error: %v", listed, err)
		}
		if err != nil && (aid.KindOf(err) != aid.Conflict || aid.CodeOf(err) != "wrong_state" || to != (aid.Place{})) {
			t.Fatalf("refused as %v, moved to %v", err, to)
		}
		if err == nil && !from.Status.Open() && event != aid.EventBankReturn {
			t.Fatalf("an ended case moved: %v", from)
		}
		if err == nil && to.Status.Open() == (to.Stage == aid.Ended) {
			t.Fatalf("ended and not closed, or the other way round: %v", to)
		}
	})
}

// However a case wanders, it can still come to an end.
func TestEveryPlaceHasAWayOut(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		at := aid.Place{Status: aid.Draft, Stage: aid.Intake}
		for range rapid.IntRange(0, 30).Draw(t, "moves") {
			var next []aid.CaseMove
			for _, m := range aid.CaseMoves() {
				if slices.Contains(m.From, at) {
					next = append(next, m)
				}
			}
			if len(next) == 0 {
				break
			}
			at = rapid.SampledFrom(next).Draw(t, "move").To
		}
		if !ends(at, map[aid.Place]bool{}) {
			t.Fatalf("%v never ends", at)
		}
	})
}

func ends(at aid.Place, seen map[aid.Place]bool) bool {
	if !at.Status.Open() {
		return true
	}
	seen[at] = true
	return slices.ContainsFunc(aid.CaseMoves(), func(m aid.CaseMove) bool {
		return slices.Contains(m.From, at) && !seen[m.To] && ends(m.To, seen)
	})
}
