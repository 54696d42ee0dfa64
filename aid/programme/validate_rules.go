package programme

import (
	"fmt"
	"slices"
	"strconv"
)

func (s *source) validateTranches(d *Definition) {
	if len(d.Instalments) == 0 {
		s.fault("/tranches", "required")
	}
	seen := map[string]bool{}
	for i, milestone := range d.Milestones {
		pointer := fmt.Sprintf("/milestones/%d", i)
		s.code(pointer+"/code", milestone.Code)
		s.once(seen, pointer+"/code", milestone.Code)
		s.titles(pointer+"/titles", milestone.Titles)
		if !slices.ContainsFunc(d.Instalments, func(t Tranche) bool { return t.Milestone == milestone.Code }) {
			s.fault(pointer+"/code", "milestone_unused")
		}
	}
	for i, tranche := range d.Instalments {
		pointer := fmt.Sprintf("/tranches/%d", i)
		s.titles(pointer+"/titles", tranche.Titles)
		if tranche.Milestone != "" && !seen[tranche.Milestone] {
			s.fault(pointer+"/milestone", "milestone_unknown")
		}
	}
	s.validateShares(d)
}

// validateShares wants percents that add up to 100; a remainder is the last
// and leaves something.
func (s *source) validateShares(d *Definition) {
	sum := 0
	for i, tranche := range d.Instalments {
		pointer := fmt.Sprintf("/tranches/%d/share", i)
		last := i == len(d.Instalments)-1
		if tranche.Share.Remainder {
			if !last {
				s.fault(pointer, "only_last_remainder")
			}
			if sum >= 100 {
				s.fault(pointer, "share_sum")
			}
			return
		}
		if tranche.Share.Percent == 0 {
			s.fault(pointer, "required")
		}
		sum += tranche.Share.Percent
		if last && sum != 100 {
			s.fault(pointer, "share_sum")
		}
	}
}

func (s *source) validateTimes(d *Definition) {
	for _, kind := range sortedKeys(d.Deadlines) {
		pointer := "/deadlines/" + escape(kind)
		if !slices.Contains(taskKinds, kind) {
			s.faultWith(pointer, "task_kind_unknown", among(taskKinds))
		}
		deadline := d.Deadlines[kind]
		if deadline.Years != 0 || deadline.Months != 0 || deadline.Days < 1 {
			s.fault(pointer, "working_days_only")
		}
	}
	if _, ok := d.Deadlines[deadlineDefault]; !ok {
		s.fault("/deadlines/"+deadlineDefault, "required")
	}
	var before Period
	for i, visit := range d.FollowUp {
		before = s.after(fmt.Sprintf("/follow_up/%d/after", i), visit.After, before)
	}
	before = Period{}
	for i, remind := range d.Stalled.Remind {
		before = s.after(fmt.Sprintf("/stalled/remind/%d", i), remind, before)
	}
	if d.Stalled.Decide.approximateDays() <= before.approximateDays() {
		s.faultWith("/stalled/decide", "not_ascending", map[string]string{"reminders": strconv.Itoa(len(d.Stalled.Remind))})
	}
	if d.MaxReturns < 1 {
		s.fault("/max_returns", "not_positive")
	}
	if d.BulkUpTo != nil && *d.BulkUpTo < 1 {
		s.fault("/bulk_up_to", "not_positive")
	}
}

// after wants a period longer than the one before it, and gives it back.
func (s *source) after(pointer string, period, before Period) Period {
	if period.approximateDays() <= before.approximateDays() {
		s.fault(pointer, "not_ascending")
	}
	return period
}
