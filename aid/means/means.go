// Package means judges by a means test whether a household is poor or
// near-poor. The rules are data with the days between which they hold; what
// was judged names the period it was judged by.
package means

import (
	"slices"
	"time"

	"github.com/aidflow/aidflow/aid"
)

// Classification is what a household is by a means test.
type Classification string

// The classifications. Unknown is what nobody has judged.
const (
	Poor     Classification = "poor"
	NearPoor Classification = "near_poor"
	Other    Classification = "other"
	Unknown  Classification = "unknown"
)

// Rules is a means test with all its periods, sorted and without overlap.
type Rules struct {
	Code     string            `yaml:"code"`
	Titles   map[string]string `yaml:"titles"` // by language
	Currency string            `yaml:"currency"`
	Periods  []Period          `yaml:"periods"`
}

// Period is the rules of the days from From until the day before Until.
type Period struct {
	From       Day         `yaml:"from"`
	Until      Day         `yaml:"until"`  // zero: until further notice
	Source     string      `yaml:"source"` // where the rules are written
	Income     Lines       `yaml:"income"` // a head and month in minor units, at most
	Score      *Lines      `yaml:"score"`  // of score A, at most; nil when the lines are not known
	Indicators Deprivation `yaml:"indicators"`
}

// Lines are the highest values at which a household still counts as poor.
type Lines struct {
	Rural int64 `yaml:"rural"`
	Urban int64 `yaml:"urban"`
}

// Deprivation says how many indicators must be deprived, of how many, and how
// many points of score B each of them has.
type Deprivation struct {
	Deprived int `yaml:"deprived"`
	Of       int `yaml:"of"`
	Points   int `yaml:"points"`
}

// Test is what is known of a household; nil for what is not.
type Test struct {
	Urban         bool
	IncomePerHead *int64 // a month, minor units of the rules' currency
	ScoreA        *int   // points; the higher, the better off
	ScoreB        *int   // points of deprivation
	Indicators    *int   // deprived ones; the same as ScoreB in another unit
}

// Result is a classification with the period and the measure that gave it.
type Result struct {
	Class  Classification
	Period string // "vn/2022-01-01": the rules' code and the period's first day
	By     string // "score" or "income"
	Doubt  string // a code that a person should look at, "" for none: income_contradicts_score
}

// Classify judges a household by the rules of a day. Where income and score A
// are both given, score A wins in a period that has lines for it, because it
// is what the reviewers sign; income that says the opposite is a doubt. At or
// under the line a household is poor with enough deprived indicators, and
// near-poor with fewer.
//
// Errors: Invalid means_no_rules (no period has the day, for example before
// 2022); Invalid with all faults of the test: means_incomplete (nothing to
// compare with the line, or no measure of deprivation), means_negative,
// means_score_b (no multiple of the points, or beyond all indicators),
// means_contradiction (score B and indicators differ).
func (r *Rules) Classify(day time.Time, t Test) (Result, error) {
	p, err := r.At(day)
	if err != nil {
		return Result{}, err
	}
	if err := aid.RefuseAll(p.check(t)); err != nil {
		return Result{}, err
	}
	out := Result{Period: r.Code + "/" + p.From.String(), By: "income"}
	under := t.IncomePerHead != nil && *t.IncomePerHead <= p.Income.at(t.Urban)
	if p.Score != nil && t.ScoreA != nil {
		byIncome := under
		out.By, under = "score", int64(*t.ScoreA) <= p.Score.at(t.Urban)
		if t.IncomePerHead != nil && byIncome != under {
			out.Doubt = "income_contradicts_score"
		}
	}
	switch {
	case !under:
		out.Class = Other
	case p.deprived(t) >= p.Indicators.Deprived:
		out.Class = Poor
	default:
		out.Class = NearPoor
	}
	return out, nil
}

// At gives the period whose rules hold on a day.
//
// Errors: Invalid means_no_rules.
func (r *Rules) At(day time.Time) (*Period, error) {
	i := slices.IndexFunc(r.Periods, func(p Period) bool {
		return !day.Before(p.From.Time) && (p.Until.IsZero() || day.Before(p.Until.Time))
	})
	if i < 0 {
		return nil, aid.Refuse(aid.Invalid, "means_no_rules")
	}
	return &r.Periods[i], nil
}

func (l Lines) at(urban bool) int64 {
	if urban {
		return l.Urban
	}
	return l.Rural
}

// deprived gives the number of deprived indicators of a test that was checked.
func (p *Period) deprived(t Test) int {
	if t.Indicators != nil {
		return *t.Indicators
	}
	return *t.ScoreB / p.Indicators.Points
}

// check gives everything that keeps a test from being judged.
func (p *Period) check(t Test) []aid.Fault {
	var faults []aid.Fault
	add := func(pointer, code string) { faults = append(faults, aid.Fault{Pointer: pointer, Code: code}) }
	if t.IncomePerHead == nil && (t.ScoreA == nil || p.Score == nil) {
		add("/income_per_head", "means_incomplete")
	}
	if t.ScoreB == nil && t.Indicators == nil {
		add("/score_b", "means_incomplete")
	}
	if t.IncomePerHead != nil && *t.IncomePerHead < 0 {
		add("/income_per_head", "means_negative")
	}
	if t.ScoreA != nil && *t.ScoreA < 0 {
		add("/score_a", "means_negative")
	}
	if t.ScoreB != nil && (*t.ScoreB < 0 || *t.ScoreB%p.Indicators.Points != 0 || *t.ScoreB > p.Indicators.Of*p.Indicators.Points) {
		add("/score_b", "means_score_b")
	}
	if t.Indicators != nil && (*t.Indicators < 0 || *t.Indicators > p.Indicators.Of) {
		add("/indicators", "means_indicators")
	}
	if len(faults) == 0 && t.ScoreB != nil && t.Indicators != nil && *t.ScoreB != *t.Indicators*p.Indicators.Points {
		add("/indicators", "means_contradiction")
	}
	return faults
}
