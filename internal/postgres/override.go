package postgres

import (
	"encoding/json"
	"slices"
	"strconv"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/aid/programme"
)

// override is an approver's word that a case goes on although a finding
// blocks it.
type override struct {
	Finding string `json:"finding"` // key
	Reason  string `json:"reason_code"`
}

func overridesOf(data json.RawMessage) []override {
	var named struct {
		Overrides []override `json:"overrides"`
	}
	_ = json.Unmarshal(data, &named) // the door has checked its form
	return named.Overrides
}

// overrideFaults checks the overrides of an approval: each names a finding
// that blocks and a reason that the programme lists for it, and none that
// blocks is left out.
func overrideFaults(def *programme.Definition, blocking []string, data json.RawMessage) []aid.Fault {
	var faults []aid.Fault
	var named []string
	for i, o := range overridesOf(data) {
		at := "/data/overrides/" + strconv.Itoa(i)
		if !slices.Contains(blocking, o.Finding) {
			faults = append(faults, aid.Fault{Pointer: at + "/finding", Code: "unknown_finding"})
		}
		if !def.ReasonKnown("override", o.Reason) {
			faults = append(faults, aid.Fault{Pointer: at + "/reason_code", Code: "unknown_reason"})
		}
		named = append(named, o.Finding)
	}
	for _, key := range blocking {
		if !slices.Contains(named, key) {
			faults = append(faults, aid.Fault{Pointer: "/data/overrides", Code: "override_required", Params: map[string]string{"finding": key}})
		}
	}
	return faults
}

// overrule enters the overrides that an approval carries, with its decision.
// What has begun to block since the approver looked refuses the approval.
//
// Errors: Conflict override_required (param finding).
func (tx *Tx) overrule(c *Case, d aid.Decision, blocking []string) error {
	if d.Kind != aid.Approve || d.Action != aid.ActionApprove || len(blocking) == 0 {
		return nil
	}
	content, err := tx.Content(d.ID)
	if err != nil {
		return err
	}
	for _, o := range overridesOf(content.Data) {
		n, err := tx.exec(`UPDATE case_findings SET overridden_by = $4, override_reason = $5, decision_id = $6, overridden_at = $7, overridden_behalf = $8
			WHERE case_id = $1 AND round = $2 AND key = $3 AND effect = 'block' AND gone_at IS NULL AND overridden_at IS NULL`,
			c.ID, c.Round, o.Finding, d.Actor, o.Reason, d.ID, tx.Now, d.Behalf)
		if err != nil {
			return err
		}
		blocking = slices.DeleteFunc(blocking, func(key string) bool { return key == o.Finding })
		if n == 0 {
			continue // gone meanwhile: nothing to overrule
		}
		// Into the audit and not into the timeline: what is found may hint at
		// another partner's case.
		err = tx.AddAudit(d.Actor, "override", c.ID, "done", o.Reason)
		if err != nil {
			return err
		}
	}
	if len(blocking) > 0 {
		return blocked(blocking)
	}
	return nil
}
