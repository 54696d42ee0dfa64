package aid

import "slices"

// MayBulk tells whether an action on a kind of task may be one of many. What
// carries a report, a date or an outcome of its own is decided one by one.
func MayBulk(kind TaskKind, action Action) bool {
	rule, ok := RuleOf(kind)
	if !ok || !slices.Contains(rule.Actions, action) {
		return false
	}
	switch kind {
	case VerifyDocuments, Approve, DecideStalled, ConfirmMilestone, PreparePayment, ReleasePayment:
		return true
	case FieldVisit:
		return action != ActionComplete
	}
	return false
}

// Capped tells whether many decisions of an action need a cap on the amount of
// each.
func Capped(action Action) bool { return action == ActionApprove }

// BatchContent is what one decision on many tasks says.
type BatchContent struct {
	Action    Action
	Reason    string
	MaxAmount *int64 // minor units of Currency: the most that one decision may be about
	Currency  string // "" without a cap
}

// BatchKind is one sort of task that a batch is about.
type BatchKind struct {
	Kind        TaskKind
	ReasonKnown bool // its programme knows the reason for the action
}

// Faults tells what is wrong with a batch as a whole: an action or a reason
// that one of its kinds does not know, a missing reason, a missing cap. Each
// once, however many tasks it concerns.
func (b BatchContent) Faults(kinds []BatchKind) []Fault {
	var faults []Fault
	add := func(pointer, code string, params map[string]string) {
		if !slices.ContainsFunc(faults, func(f Fault) bool { return f.Pointer == pointer }) {
			faults = append(faults, Fault{Pointer: pointer, Code: code, Params: params})
		}
	}
	if NeedsReason(b.Action) && b.Reason == "" {
		add("/reason_code", "reason_required", nil)
	}
	if Capped(b.Action) && b.MaxAmount == nil {
		add("/max_amount", "cap_required", nil)
	}
	for _, k := range kinds {
		rule, _ := RuleOf(k.Kind)
		switch {
		case !slices.Contains(rule.Actions, b.Action):
			add("/action", "unknown_action", map[string]string{"kind": string(k.Kind)})
		case !MayBulk(k.Kind, b.Action):
			add("/action", "decided_one_by_one", map[string]string{"kind": string(k.Kind)})
		case b.Reason != "" && !k.ReasonKnown:
			add("/reason_code", "unknown_reason", nil)
		}
	}
	return faults
}
