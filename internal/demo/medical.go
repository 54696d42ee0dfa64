package demo

import "slices"

// medical is help with an operation: urgent, above 10 m and so also before the
// province, paid at once, visited after a month. The bank refuses the first
// payment; the second one is prepared and released anew.
func medical() story {
	return story{programme: "medical", request: paidTo(refusedOnce, medicalRequest(12_000_000)), steps: slices.Concat(
		[]step{
			checks(),
			submits(),
			after(1, 7, 45),
			does(act{who: "verifier1", kind: "verify_documents", action: "complete", claim: true, says: "accepts the papers"}),
			after(0, 2, 30),
			does(act{who: "verifier1", kind: "field_visit", action: "complete", note: "Seen at the hospital.", data: evidence("note"),
				says: "has visited the household: verified"}),
			after(0, 3, 20),
			does(act{who: "approver1", kind: "approve", action: "approve", claim: true, says: "approves for the commune; above 10 m the province decides too"}),
			after(1, 8, 5),
			does(act{who: "approver2", kind: "approve", action: "approve", claim: true, says: "approves for the province: the money is reserved"}),
			expect("approved"),
			after(0, 1, 0),
			does(act{who: "treasurer1", kind: "prepare_payment", action: "confirm", says: "prepares the payment"}),
			does(act{who: "releaser1", kind: "release_payment", action: "approve", says: "releases it: the bank is instructed"}),
			refusedByBank(1, "account_blocked"),
		},
		pays(1),
		visited(1, "visits after 30 days: recovered, the case is closed"),
	)}
}
