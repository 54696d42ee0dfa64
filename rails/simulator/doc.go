// Package simulator is a bank that does not exist: a process of its own with
// its own durable books, made to be paid through in development, in a
// partner's sandbox and in tests, and made to misbehave on demand. The package
// holds its client (a rails.Rail), its server and the reading of its callbacks.
//
// # The process
//
//	aidflow simulator --address 127.0.0.1:0 --books FILE --secret S
//	    [--callback-url URL] [--settle-after 200ms]
//
// It prints one line when it answers: {"ready":true,"address":"127.0.0.1:4711"}.
// Every request carries "Authorization: Bearer S".
//
// An instruction is answered only after the books were synced to the disk, so
// a kill at any moment loses nothing that was answered. Settlements and
// callbacks that were due go on after a restart. The books keep no account
// number and no name: what is needed to recognise other content under a used
// key is a keyed hash.
//
// # Paying
//
//	POST /v1/payments
//	{"key": "awd_1/tra_1/1", "amount": 5000000, "currency": "VND",
//	 "payee": {"method": "bank", "bank_bin": "970416", "account_number": "0123456789", "account_name": "NGUYEN VAN A"},
//	 "purpose": "HS-2026-000001"}
//
// answers 201 the first time and 200 afterwards with the status as it is now:
//
//	{"key": "awd_1/tra_1/1", "state": "accepted", "reference": "sim_0000000001",
//	 "amount": 5000000, "currency": "VND", "at": "2026-03-02T08:00:00Z"}
//
// The key is "<award>/<tranche>/<n>". The same content under the same key is
// executed once; other content is 409 key_conflict. The bank takes VND by
// method bank, at most 500,000,000 for one instruction; what it does not take
// is a status of state refused with a code (currency_not_supported,
// method_not_supported, amount_above_limit, account_invalid). A body that
// cannot be an instruction is 422 invalid_instruction with its field.
//
//	GET /v1/payments/awd_1/tra_1/1
//
// answers the status: accepted, then settled or failed; 404 with state
// not_found when the key is not known. Not found is no proof: an instruction
// may still be on its way. Send the same key again.
//
// # Callbacks
//
// When an instruction is settled or failed, the URL gets
//
//	{"type": "payment.updated", "key": "awd_1/tra_1/1", "state": "settled", "timestamp": "..."}
//
// with the headers webhook-id, webhook-timestamp and webhook-signature of
// Standard Webhooks ("v1," and the base64 of the HMAC-SHA256 of
// id.timestamp.body). A secret of the form whsec_... is decoded, any other is
// used as it is. Delivery is at least once, with growing pauses for about a
// day, in any order. A callback is a hint: ask, and believe the answer.
//
// # Books
//
// GET /v1/books gives every settled movement with sums per currency, the
// balances of the bank's own postings and the number of instructions in each
// state; "balanced" says that the postings sum to zero and that every settled
// instruction has exactly one movement.
//
// # Accounts that misbehave
//
// The last six digits of the account number ask for a fault, without any
// script:
//
//	990001  refused, account_closed
//	990002  refused, account_name_mismatch
//	990003  accepted, then failed, beneficiary_bank_rejected
//	990004  settles 20 times later than usual
//	990005  the first submit answers 500, not executed
//	990006  the first submit answers 500, executed
//	990007  the first submit gets no answer, executed
//	990008  not found for the first two asks
//	990009  accepted for ever
//	990010  attempt 1 of a tranche is refused, account_blocked; later ones are paid
//
// # Faults by script
//
//	POST /v1/faults
//	{"seed": 42, "rules": [
//	   {"kind": "error_after", "keys": "*/*/1", "per_key": 1, "probability": 0.3},
//	   {"kind": "not_found", "delay_ms": 2000},
//	   {"kind": "fail", "calls": 3, "code": "beneficiary_bank_rejected"}]}
//
// GET shows the rules with how often each struck, DELETE removes them. Rules
// survive a restart. The kinds are the constants of type Kind, the fields
// those of Rule; a seed gives the same faults to the same keys in every run.
package simulator
