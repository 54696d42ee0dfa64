package demo

import "slices"

// housing is a new house: returned once for a missing paper, approved by the
// commune and by the committee of the province, paid in three instalments as
// the house grows, and visited for a year.
func housing() story {
	return story{programme: "housing_new", request: housingRequest, steps: slices.Concat(
		[]step{
			checks(paperOfLand),
			submits(),
			after(1, 8, 10),
			does(act{who: "verifier1", kind: "verify_documents", action: "return", reason: "documents_missing", claim: true,
				data: map[string]any{"items": []any{map[string]any{"kind": paperOfLand, "problem": "missing"}}},
				says: "returns the case: the confirmation of the land is missing; the office's clock stops"}),
			expect("action_needed"),
			after(4, 15, 40),
			provides(papers("17", paperOfLand), "provides the confirmation of the land; the case goes on in its second review"),
			expect("in_review"),
			after(1, 9, 0),
			does(act{who: "verifier1", kind: "verify_documents", action: "complete", claim: true, says: "accepts the papers"}),
			after(1, 14, 30),
			does(act{who: "verifier1", kind: "field_visit", action: "complete", note: "Walls of bamboo, roof leaks.",
				data: map[string]any{"seen": map[string]any{"people": 3, "current_house": "dilapidated", "land_confirmed": true}},
				says: "has visited the household: verified"}),
			after(1, 10, 20),
			does(act{who: "approver1", kind: "approve", action: "approve", claim: true, says: "approves for the commune"}),
			after(1, 15, 0),
			does(act{who: "approver2", kind: "approve", action: "approve", says: "votes yes in the committee; the quorum waits for the chair"}),
			does(act{who: "approver4", kind: "approve", action: "approve", note: "The family builds with its neighbours.",
				says: "votes yes as the chair: approved, and the money reserved in the same transaction"}),
			expect("approved"),
		},
		built("foundation", 14, "confirms the foundation: instalment 1 is due"), pays(1),
		built("roof", 21, "confirms frame and roof: instalment 2 is due"), pays(2),
		built("hand_over", 18, "confirms the hand-over: instalment 3 is due"), pays(3),
		visited(1, "visits after a month: the family lives in the house"),
		visited(2, "visits after half a year: all well"),
		visited(3, "visits after a year: the case is closed"),
	)}
}

// built lets the household build, and a verifier confirm what stands.
func built(milestone string, days int, says string) []step {
	return []step{
		after(days, 9, 15),
		does(act{who: "verifier1", kind: "confirm_milestone", action: "confirm", note: "Seen: " + milestone, data: evidence("photo"), says: says}),
		after(0, 1, 10),
	}
}
