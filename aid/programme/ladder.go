package programme

import (
	"slices"
	"strconv"
)

// Act is what a rung of the ladder does.
type Act string

// The acts of the ladder. None closes a task and none decides one.
const (
	ActRemind   Act = "remind"          // whoever has the task, or may take it, is reminded
	ActSuperior Act = "notify_superior" // the superior of whoever has it is told, else the managers of its area
	ActReassign Act = "reassign"        // whoever has it loses it: it goes back to the pool
)

// Rung is one step of the ladder that work climbs which is not done: so many
// per cent of its working time are gone, or so many working days have passed
// since its deadline.
type Rung struct {
	At    int     `json:"at,omitempty"`
	After *Period `json:"after,omitempty"`
	Do    Act     `json:"do"`
}

// usualLadder is that of a programme that gives none.
var usualLadder = []Rung{{At: 80, Do: ActRemind}, {After: &Period{}, Do: ActSuperior}, {After: &Period{Days: 2}, Do: ActReassign}}

// stages are those that may have a deadline of their own.
var stages = []string{"verification", "approval", "disbursement"}

// Ladder gives what happens to work that is not done in time, in its order.
func (d *Definition) Ladder() []Rung {
	if len(d.Escalation) == 0 {
		return slices.Clone(usualLadder)
	}
	return slices.Clone(d.Escalation)
}

// StageDays gives the working days that a stage may take; 0: no limit.
func (d *Definition) StageDays(stage string) int { return d.StageDeadlines[stage].Days }

// Timed tells whether the case or a stage of it has a deadline of its own.
func (d *Definition) Timed() bool { return d.CaseDeadline.Days > 0 || len(d.StageDeadlines) > 0 }

// validateClocks checks the deadlines of stages and case, and the ladder.
func (s *source) validateClocks(d *Definition) {
	for _, stage := range sortedKeys(d.StageDeadlines) {
		pointer := "/stage_deadlines/" + escape(stage)
		if !slices.Contains(stages, stage) {
			s.faultWith(pointer, "stage_unknown", among(stages))
		}
		s.workingDays(pointer, d.StageDeadlines[stage], 1)
	}
	if !d.CaseDeadline.IsZero() {
		s.workingDays("/case_deadline", d.CaseDeadline, 1)
	}
	before := -1
	for i, rung := range d.Escalation {
		pointer := "/escalation/" + strconv.Itoa(i)
		at := s.validateRung(pointer, rung)
		if at < before {
			s.fault(pointer, "not_ascending")
		}
		before = at
	}
}

// validateRung gives the place of a rung in the order of the ladder.
func (s *source) validateRung(pointer string, r Rung) int {
	if acts := []Act{ActRemind, ActSuperior, ActReassign}; !slices.Contains(acts, r.Do) {
		s.faultWith(pointer+"/do", "act_unknown", among(acts))
	}
	switch {
	case r.After == nil && r.At == 0:
		s.fault(pointer+"/after", "required")
	case r.After != nil && r.At != 0:
		s.fault(pointer+"/at", "not_in_this_kind")
	case r.After == nil && (r.At < 1 || r.At > 99):
		s.fault(pointer+"/at", "share_invalid")
	case r.After == nil && r.Do == ActReassign:
		s.fault(pointer+"/do", "not_in_this_kind") // nobody loses work that is in time
	case r.After != nil:
		s.workingDays(pointer+"/after", *r.After, 0)
		return 100 + r.After.Days
	}
	return r.At
}

func (s *source) workingDays(pointer string, p Period, least int) {
	if p.Years != 0 || p.Months != 0 || p.Days < least {
		s.fault(pointer, "working_days_only")
	}
}
