package demo

import "slices"

// schooling is help for a school year: the first term is paid at once, the
// second when the school has confirmed the enrolment. The bank's answers get
// lost: it is asked, and nothing is paid twice.
func schooling() story {
	return story{programme: "schooling", request: paidTo(answerIsLost, schoolingRequest), steps: slices.Concat(
		[]step{
			checks(),
			submits(),
			after(1, 8, 30),
			does(act{who: "verifier1", kind: "verify_documents", action: "complete", claim: true, says: "accepts the papers"}),
			after(2, 16, 0),
			does(act{who: "verifier1", kind: "field_visit", action: "complete", note: "The school was asked as well.", data: evidence("note"),
				says: "has visited the household: verified"}),
			after(1, 11, 0),
			does(act{who: "approver1", kind: "approve", action: "approve", claim: true, says: "approves for the commune, which is enough here: the money is reserved"}),
			after(0, 3, 0),
		},
		pays(1), []step{lost(1)},
		built("enrolment", 120, "has the school's confirmation for the second term: instalment 2 is due"),
		pays(2),
		visited(1, "visits after three months: the child is at school, the case is closed"),
	)}
}
