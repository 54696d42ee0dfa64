package aid

import (
	"slices"
	"time"
)

// Step identifies one transition that a workflow makes: the workflow and what
// made the transition necessary. PostgreSQL keeps the outcome of every step, so
// that a step that is made twice has one effect and one answer. The running
// number says in what order; it identifies nothing, because after a crash
// another event may come first.
type Step struct {
	Workflow string `json:"workflow"`
	Cause    string `json:"cause"` // a decision's id, or the name of what the workflow does by itself
	Seq      int    `json:"seq"`
	Case     string `json:"case"`
}

// Decision is what a person decided on a task, as far as Temporal may know it:
// note and data stay in the intent row.
type Decision struct {
	ID     string   `json:"id"`
	Task   string   `json:"task"`
	Kind   TaskKind `json:"kind"`
	Actor  string   `json:"actor"`
	Behalf string   `json:"behalf,omitempty"` // the principal, when the actor decides as a delegate
	Action Action   `json:"action"`
	Reason string   `json:"reason,omitempty"`
	Amount int64    `json:"amount,omitempty"` // minor units; 0 when the action sets none
}

// OpenTask is a task that a workflow waits for.
type OpenTask struct {
	ID      string   `json:"id"`
	Kind    TaskKind `json:"kind"`
	Duty    string   `json:"duty,omitempty"`
	Level   string   `json:"level,omitempty"`
	Subject string   `json:"subject,omitempty"` // tranche, payment or visit
	Voters  []string `json:"voters,omitempty"`  // who has already decided, and in whose name
}

// Outcome is what a step did, as the workflow needs to know it. A refusal
// changed nothing.
type Outcome struct {
	Refused     string            `json:"refused,omitempty"`      // code
	RefusedKind Kind              `json:"refused_kind,omitempty"` // kind of the refusal
	Result      string            `json:"result,omitempty"`       // what it amounts to: pending, verified, approved ...
	Place       Place             `json:"place"`
	Review      int               `json:"review,omitempty"`
	Now         time.Time         `json:"now"`               // the case's clock
	WakeAt      *time.Time        `json:"wake_at,omitempty"` // next instant to attend to, on the case's clock
	Tasks       []OpenTask        `json:"tasks,omitempty"`   // all open tasks of the workflow after the step
	Duties      map[string]string `json:"duties,omitempty"`  // person -> duty, all of the case
	Barred      []string          `json:"barred,omitempty"`  // persons of the staff who are related to whom the case is for
	Levels      []Level           `json:"levels,omitempty"`  // the approval levels to pass from here on, when they were computed
	Skipped     []SkippedLevel    `json:"skipped,omitempty"` // those that need not be passed
	Payment     *PaymentStep      `json:"payment,omitempty"` // the payment that the step made live or ended
	Ask         []string          `json:"ask,omitempty"`     // external registers that have not answered yet, when they are awaited
	Next        string            `json:"next,omitempty"`    // id of the workflow that takes over
}

// Bars tells whether a person may decide nothing in the case: related to whom
// it is for, by what the step saw.
func (o Outcome) Bars(person string) bool { return slices.Contains(o.Barred, person) }

// PaymentStep is a payment as the disbursement carries it.
type PaymentStep struct {
	ID    string       `json:"id"`
	State PaymentState `json:"state"`
	Filed bool         `json:"filed,omitempty"` // it travels in the file of a pay run: nobody can be asked about it
}

// CaseInput starts the workflow of a case's round.
type CaseInput struct {
	Case    string `json:"case"`
	Round   int    `json:"round"`
	Version int    `json:"programme_version"`
}

// DisbursementInput starts the workflow that pays an award.
type DisbursementInput struct {
	Case  string `json:"case"`
	Round int    `json:"round"`
	Award string `json:"award"`
}

// RecoveryInput starts the workflow that pays again, or gives up, what a bank
// returned after the disbursement had ended.
type RecoveryInput struct {
	Case    string `json:"case"`
	Award   string `json:"award"`
	Payment string `json:"payment"` // the returned one
}

// FollowUpInput starts the workflow that visits a household after payment;
// the later fields carry it from visit to visit.
type FollowUpInput struct {
	Case  string `json:"case"`
	Round int    `json:"round"`
	Visit int    `json:"visit"`         // the visit this run is for, from 1
	Seq   int    `json:"seq,omitempty"` // last step of the run before

	Now    time.Time  `json:"now,omitzero"`      // the case's clock at the end of the run before
	WakeAt *time.Time `json:"wake_at,omitempty"` // when the visit is due
}
