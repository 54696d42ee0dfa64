package postgres

import (
	"encoding/json"
	"slices"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/aid/programme"
)

// lowers tells whether a decision approves less than the case asks for.
func lowers(c *Case, t *Task, in Intent) bool {
	return t.Kind == aid.Approve && in.Action == aid.ActionApprove && in.Amount != nil && *in.Amount > 0 && *in.Amount < c.Asking()
}

// reasonFaults checks the coded reason of a decision: of its action, or of an
// amount that it lowers.
func reasonFaults(c *Case, t *Task, def *programme.Definition, in Intent) []aid.Fault {
	if t.Kind == aid.PreparePayment && in.Amount != nil {
		return nil // partFaults tells
	}
	if t.Kind == aid.RecoverMoney {
		return writeOffFaults(in)
	}
	list, needed := string(in.Action), aid.NeedsReason(in.Action)
	if lowers(c, t, in) && !aboutChange(t) {
		list, needed = "lower", def.ReasonRequired("lower")
	}
	switch {
	case in.Reason == "" && needed:
		return []aid.Fault{{Pointer: "/reason_code", Code: "reason_required"}}
	case in.Reason != "" && !def.ReasonKnown(list, in.Reason):
		return []aid.Fault{{Pointer: "/reason_code", Code: "unknown_reason"}}
	}
	return nil
}

// writeOffFaults checks the reason of those who claim money no more: it is one
// of all programmes.
func writeOffFaults(in Intent) []aid.Fault {
	switch {
	case in.Reason == "":
		return []aid.Fault{{Pointer: "/reason_code", Code: "reason_required"}}
	case !slices.Contains(aid.WriteOffReasons(), in.Reason):
		return []aid.Fault{{Pointer: "/reason_code", Code: "unknown_reason"}}
	}
	return nil
}

// amountFaults checks the amount of a decision: an approval may name one, no
// more than the case asks for, and less only where the programme has reasons
// for that. A committee votes on one amount and lowers none.
func amountFaults(c *Case, t *Task, def *programme.Definition, in Intent) []aid.Fault {
	var level aid.Level
	_ = json.Unmarshal(t.Rule, &level) // of an approval it is one
	switch {
	case in.Amount == nil || t.Kind == aid.PreparePayment: // partFaults tells
		return nil
	case aboutChange(t) || t.Kind != aid.Approve || in.Action != aid.ActionApprove:
		return []aid.Fault{{Pointer: "/amount", Code: "amount_not_allowed"}}
	case *in.Amount <= 0 || *in.Amount > c.Asking():
		return []aid.Fault{{Pointer: "/amount/amount", Code: "amount_above_request"}}
	case lowers(c, t, in) && level.Mode == aid.ModeCommittee:
		return []aid.Fault{{Pointer: "/amount/amount", Code: "amount_not_by_committee"}}
	case lowers(c, t, in) && !def.ReasonRequired("lower"):
		return []aid.Fault{{Pointer: "/amount/amount", Code: "lowering_not_allowed"}}
	}
	return nil
}
