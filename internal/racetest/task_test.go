package racetest

import (
	"testing"
	"time"
)

// at gives when an act was called and answered, in milliseconds.
func at(called, returned int, a Act, is Answer) Done {
	return Done{Act: a, Answer: is, Called: time.Duration(called) * time.Millisecond, Returned: time.Duration(returned) * time.Millisecond}
}

func deciding(actor, action string) Act {
	return Act{Kind: Decide, Actor: actor, Action: action, Seen: 1, Key: actor + action}
}

func decided(by, action string) Answer { return Answer{Settled: Settled{by, action, "10:00"}} }

func closedBy(by, action string) Answer {
	return Answer{Code: "task_closed", Settled: Settled{by, action, "10:00"}}
}

// What the model allows, and each fault that it has to find.
func TestCheck(t *testing.T) {
	an, binh := deciding("an", "approve"), deciding("binh", "reject")
	again := an
	again.Twice = true
	window := again
	window.Key = "another window"
	claim, look := Act{Kind: Claim, Actor: "an"}, Act{Kind: Look, Actor: "cuc"}
	for name, tt := range map[string]struct {
		history []Done
		want    bool
	}{
		"one wins, the other is told":       {[]Done{at(0, 9, an, decided("an", "approve")), at(0, 9, binh, closedBy("an", "approve"))}, true},
		"the later call wins":               {[]Done{at(0, 9, an, closedBy("binh", "reject")), at(5, 9, binh, decided("binh", "reject"))}, true},
		"both win":                          {[]Done{at(0, 9, an, decided("an", "approve")), at(0, 9, binh, decided("binh", "reject"))}, false},
		"nobody wins":                       {[]Done{at(0, 9, an, closedBy("binh", "reject")), at(0, 9, binh, closedBy("an", "approve"))}, false},
		"told of a decision yet to be":      {[]Done{at(0, 2, an, closedBy("binh", "reject")), at(5, 9, binh, decided("binh", "reject"))}, false},
		"told of another person":            {[]Done{at(0, 9, an, decided("an", "approve")), at(0, 9, binh, closedBy("cuc", "approve"))}, false},
		"told of another action":            {[]Done{at(0, 9, an, decided("an", "approve")), at(0, 9, binh, closedBy("an", "reject"))}, false},
		"told nothing":                      {[]Done{at(0, 9, an, decided("an", "approve")), at(0, 9, binh, Answer{Code: "task_closed"})}, false},
		"told of another time":              {[]Done{at(0, 9, an, decided("an", "approve")), at(0, 9, binh, Answer{Code: "task_closed", Settled: Settled{"an", "approve", "10:01"}})}, false},
		"stale though nothing happened":     {[]Done{at(0, 9, an, Answer{Code: "stale"})}, false},
		"decided what was not seen":         {[]Done{at(0, 1, claim, Answer{}), at(2, 3, an, decided("an", "approve"))}, false},
		"stale after a claim":               {[]Done{at(0, 1, claim, Answer{}), at(2, 3, an, Answer{Code: "stale"})}, true},
		"a claim holds":                     {[]Done{at(0, 1, claim, Answer{}), at(2, 3, binh, Answer{Code: "task_claimed", Settled: Settled{"an", "claim", "10:00"}})}, true},
		"a claim of whom, nobody says":      {[]Done{at(0, 1, claim, Answer{}), at(2, 3, binh, Answer{Code: "task_claimed"})}, false},
		"a claim does not hold":             {[]Done{at(0, 1, claim, Answer{}), at(2, 3, binh, decided("binh", "reject"))}, false},
		"a copy is answered alike":          {[]Done{at(0, 9, again, decided("an", "approve")), at(0, 9, again, decided("an", "approve"))}, true},
		"a copy is answered otherwise":      {[]Done{at(0, 9, again, decided("an", "approve")), at(0, 9, again, decided("an", "reject"))}, false},
		"a copy waits its turn":             {[]Done{at(0, 9, again, decided("an", "approve")), at(0, 9, again, Answer{Code: "idempotency_running"})}, true},
		"two windows of one person":         {[]Done{at(0, 9, again, decided("an", "approve")), at(0, 9, window, Answer{Code: "already_decided"})}, true},
		"two windows both decide":           {[]Done{at(0, 9, again, decided("an", "approve")), at(0, 9, window, decided("an", "approve"))}, false},
		"already decided, never decided":    {[]Done{at(0, 9, an, Answer{Code: "already_decided"})}, false},
		"an abstention leaves it to others": {[]Done{at(0, 1, deciding("an", "abstain"), decided("an", "abstain")), at(2, 3, binh, Answer{Code: "stale"})}, true},
		"a look sees it closed":             {[]Done{at(0, 9, an, decided("an", "approve")), at(0, 4, look, Answer{Version: 2})}, true},
		"a look sees it closed, then open":  {[]Done{at(0, 9, an, decided("an", "approve")), at(0, 2, look, Answer{Version: 2}), at(3, 4, look, Answer{Open: true, Version: 1})}, false},
		"closed before anybody decides":     {[]Done{at(0, 1, look, Answer{Version: 2}), at(2, 3, an, decided("an", "approve"))}, false},
		"an answer that nobody knows":       {[]Done{at(0, 9, an, Answer{Code: "internal"})}, false},
	} {
		if got := Check(1, tt.history); got != tt.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}
