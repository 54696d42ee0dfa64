package programme

import (
	"slices"

	"github.com/aidflow/aidflow/aid"
)

// Verdict is what the rules say about a case.
type Verdict struct {
	Failed   []FailedRule `json:"failed,omitempty"`
	Proposed int64        `json:"proposed"` // minor units; 0: nothing
	// Because names what limited the amount: any of requested, rule, ceiling
	// and own_share that gave the smallest amount, and rounding when it took
	// something off.
	Because []string `json:"because,omitempty"`
}

// FailedRule is an eligibility rule that the facts do not pass.
type FailedRule struct {
	Code   string `json:"code"`
	Effect Effect `json:"effect"`
	Titles Titles `json:"titles"`
}

// The codes of what limited a proposed amount.
const (
	BecauseRequested = "requested"
	BecauseRule      = "rule"
	BecauseCeiling   = "ceiling"
	BecauseOwnShare  = "own_share"
	BecauseRounding  = "rounding"
)

// Judge applies the eligibility rules and the award rule to facts. Rules of a
// definition do not fail on facts that are valid for it; on others they may.
//
// Errors: Invalid rule_failed (param rule: the code of an eligibility rule,
// award.amount or award.cost; facts when the answers cannot be read).
func (d *Definition) Judge(f Facts) (Verdict, error) {
	var verdict Verdict
	vars, err := d.rules.variables(f)
	if err != nil {
		return Verdict{}, ruleFailed("facts", err)
	}
	for i, rule := range d.Eligibility {
		passed, err := d.rules.truth(i, vars)
		if err != nil {
			return Verdict{}, ruleFailed(rule.Code, err)
		}
		if !passed {
			verdict.Failed = append(verdict.Failed, FailedRule{Code: rule.Code, Effect: rule.Effect, Titles: rule.Titles})
		}
	}
	verdict.Proposed, verdict.Because, err = d.propose(f.Requested, vars)
	if err != nil {
		return Verdict{}, err
	}
	return verdict, nil
}

func ruleFailed(rule string, cause error) error {
	refusal := aid.Refuse(aid.Invalid, "rule_failed", "rule", rule)
	refusal.Cause = cause
	return refusal
}

// limit is one of the amounts that an award may not exceed.
type limit struct {
	code   string
	amount int64
}

// propose takes the smallest of the limits and rounds it down.
func (d *Definition) propose(requested int64, vars map[string]any) (int64, []string, error) {
	limits, err := d.limits(requested, vars)
	if err != nil {
		return 0, nil, err
	}
	smallest := slices.MinFunc(limits, func(a, b limit) int { return int(min(max(a.amount-b.amount, -1), 1)) })
	var because []string
	for _, l := range limits {
		if l.amount == smallest.amount {
			because = append(because, l.code)
		}
	}
	proposed := smallest.amount
	if d.Award != nil && d.Award.RoundTo > 1 {
		proposed -= proposed % d.Award.RoundTo
	}
	if proposed != smallest.amount {
		because = append(because, BecauseRounding)
	}
	return proposed, because, nil
}

// limits gives the amounts that hold, none below zero, in a fixed order.
func (d *Definition) limits(requested int64, vars map[string]any) ([]limit, error) {
	limits := []limit{{BecauseRequested, requested}}
	if d.rules.amount != nil {
		amount, err := d.rules.amount.number(vars)
		if err != nil {
			return nil, ruleFailed("award.amount", err)
		}
		limits = append(limits, limit{BecauseRule, amount})
	}
	limits = append(limits, limit{BecauseCeiling, d.Ceiling})
	if d.rules.cost != nil {
		cost, err := d.rules.cost.number(vars)
		if err != nil {
			return nil, ruleFailed("award.cost", err)
		}
		limits = append(limits, limit{BecauseOwnShare, percentOf(cost, 100-d.Award.OwnShare)})
	}
	for i := range limits {
		limits[i].amount = max(limits[i].amount, 0)
	}
	return limits, nil
}

// percentOf gives a percentage rounded down, without overflow.
func percentOf(amount int64, percent int) int64 {
	p := int64(percent)
	return amount/100*p + amount%100*p/100
}
