// Package simulator is a register that does not exist: a process of its own
// with a file of invented people, made to be asked in development and in
// tests, and made to misbehave on demand.
//
//	aidflow register-simulator --address 127.0.0.1:0 --people FILE [--token T]
//
// The file has one person a line:
//
//	{"national_id": "051084001234", "full_name": "Nguyễn Thị Hoa", "birth_date": "1984-03-02", "sex": "female"}
//
// It prints one line when it answers: {"ready":true,"address":"127.0.0.1:4711"}.
// With a token every request carries "Authorization: Bearer T".
//
//	POST /v1/persons/lookup  {"national_id": "051084001234"}
//	POST /v1/faults          {"kind": "error", "calls": 3}
//	DELETE /v1/faults
//	GET /v1/questions        {"questions": 7}
//
// A lookup is answered as docs/registers.md says. A fault strikes the next
// calls, as many as it says, or all of them with 0; the kinds are those of
// Kinds. Nothing of a person is logged.
package simulator
