package programme

import (
	"errors"
	"slices"
	"strconv"
	"strings"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/aid/money"
)

// Ruling is what one version makes of one set of facts.
type Ruling struct {
	Version  int         `json:"version"`
	Decision string      `json:"decision"` // one of the Ruling words
	Failed   []string    `json:"failed,omitempty"`
	Amount   int64       `json:"amount"` // proposed, minor units; 0: nothing
	Because  []string    `json:"because,omitempty"`
	Levels   []string    `json:"levels,omitempty"` // "province committee 2 chair", in order
	Unfit    []aid.Fault `json:"unfit,omitempty"`  // why the facts cannot be judged; pointers into the facts
}

// What a ruling comes to.
const (
	RulingEligible = "eligible"       // nothing stands against it
	RulingOverride = "needs_override" // a rule blocks: an approver would have to override it
	RulingRejected = "rejected"       // a final rule fails
	RulingUnfit    = "unfit"          // the facts do not fit the forms of the version
)

// Rule judges facts as a case of this version would be. Facts that do not fit
// its forms are reported, not judged.
func (d *Definition) Rule(f Facts) Ruling {
	out := Ruling{Version: d.Version, Decision: RulingEligible}
	if out.Unfit = d.unfit(f); len(out.Unfit) > 0 {
		out.Decision = RulingUnfit
		return out
	}
	verdict, err := d.Judge(f)
	if err != nil {
		out.Decision, out.Unfit = RulingUnfit, []aid.Fault{{Code: "rule_failed", Params: paramsOf(err)}}
		return out
	}
	for _, rule := range verdict.Failed {
		out.Failed = append(out.Failed, rule.Code)
		switch {
		case rule.Effect == EffectFinal:
			out.Decision = RulingRejected
		case rule.Effect == EffectBlock && out.Decision == RulingEligible:
			out.Decision = RulingOverride
		}
	}
	out.Amount, out.Because = verdict.Proposed, verdict.Because
	if out.Levels, err = d.levelWords(f, out.Amount); err != nil {
		out.Decision, out.Unfit = RulingUnfit, []aid.Fault{{Code: "rule_failed", Params: paramsOf(err)}}
	}
	return out
}

// levelWords names the levels of a way.
func (d *Definition) levelWords(f Facts, amount int64) ([]string, error) {
	way, err := d.Way(f, amount)
	var words []string
	for _, level := range way.Levels {
		words = append(words, level.String())
	}
	return words, err
}

func paramsOf(err error) map[string]string {
	var refusal *aid.Error
	if errors.As(err, &refusal) {
		return refusal.Params
	}
	return nil
}

func (d *Definition) unfit(f Facts) []aid.Fault {
	var faults []aid.Fault
	under := func(at string, more []aid.Fault) {
		for _, fault := range more {
			fault.Pointer = at + fault.Pointer
			faults = append(faults, fault)
		}
	}
	under("/answers", d.CheckAnswers(f.Answers))
	if f.Visit != nil {
		under("/visit", d.CheckVisit(f.Visit))
	}
	for _, fault := range d.CheckAmount(money.Of(f.Requested, d.Currency)) {
		faults = append(faults, aid.Fault{Pointer: "/requested", Code: fault.Code, Params: fault.Params})
	}
	return faults
}

// String names a level and how it decides.
func (l Level) String() string {
	words := []string{l.Name, string(ModeAny)}
	switch l.Mode {
	case ModeNOfM:
		words = []string{l.Name, string(l.Mode), strconv.Itoa(l.N)}
	case ModeCommittee:
		words = []string{l.Name, string(l.Mode), strconv.Itoa(l.Quorum)}
	}
	if l.Chair {
		words = append(words, "chair")
	}
	return strings.Join(append(words, l.particulars()...), " ")
}

// particulars are what a level says besides its mode and numbers.
func (l Level) particulars() []string {
	var words []string
	if l.Decides != "" {
		words = append(words, l.Decides)
	}
	if l.Tie != "" {
		words = append(words, "tie "+l.Tie)
	}
	if l.OneRejection != "" {
		words = append(words, "one_rejection "+l.OneRejection)
	}
	if l.Limit > 0 {
		words = append(words, "limit "+strconv.FormatInt(l.Limit, 10))
	}
	if l.Parallel {
		words = append(words, "parallel")
	}
	return words
}

// Trial is what two versions make of the same facts.
type Trial struct {
	Before  Ruling   `json:"before"`
	After   Ruling   `json:"after"`
	Differs []string `json:"differs,omitempty"` // decision, amount, levels
	Why     []string `json:"why,omitempty"`     // codes, see Try
}

// Try judges facts by two versions and says what would differ, and why:
// fails_now:RULE and passes_now:RULE for eligibility rules, limited_by:LIMIT for
// what limits the amount now, levels:amount when other levels decide because the
// amount is another, levels:matrix when the matrix is, and unfit:CODE for facts
// that one of the versions cannot judge.
func Try(older, newer *Definition, f Facts) Trial {
	t := Trial{Before: older.Rule(f), After: newer.Rule(f)}
	if t.Before.Decision != t.After.Decision || !slices.Equal(t.Before.Failed, t.After.Failed) {
		t.Differs = append(t.Differs, "decision")
	}
	for _, fault := range slices.Concat(t.Before.Unfit, t.After.Unfit) {
		t.why("unfit:", []string{fault.Code}, nil)
	}
	if t.Before.Decision == RulingUnfit || t.After.Decision == RulingUnfit {
		return t
	}
	t.why("fails_now:", t.After.Failed, t.Before.Failed)
	t.why("passes_now:", t.Before.Failed, t.After.Failed)
	if t.Before.Amount != t.After.Amount {
		t.Differs = append(t.Differs, "amount")
		t.why("limited_by:", t.After.Because, nil)
	}
	if !slices.Equal(t.Before.Levels, t.After.Levels) {
		t.Differs = append(t.Differs, "levels")
		by := "amount"
		if was, err := older.levelWords(f, t.After.Amount); err == nil && !slices.Equal(was, t.After.Levels) {
			by = "matrix"
		}
		t.why("levels:", []string{by}, nil)
	}
	return t
}

// why adds the codes that are in one list and not in the other, each once.
func (t *Trial) why(prefix string, in, notIn []string) {
	for _, code := range in {
		if !slices.Contains(notIn, code) && !slices.Contains(t.Why, prefix+code) {
			t.Why = append(t.Why, prefix+code)
		}
	}
}

// Totals sums trials up.
type Totals struct {
	LookedAt  int `json:"looked_at"`
	Changed   int `json:"changed"` // those in which anything differs
	Decisions int `json:"decisions"`
	Amounts   int `json:"amounts"`
	Levels    int `json:"levels"`
	Unfit     int `json:"unfit"` // whose facts one of the versions cannot judge

	// Sums of the proposed amounts of the eligible, minor units, over those
	// that both versions can judge.
	Before int64 `json:"amount_before"`
	After  int64 `json:"amount_after"`
}

// Add counts one trial.
func (s *Totals) Add(t Trial) {
	s.LookedAt++
	if len(t.Differs) > 0 {
		s.Changed++
	}
	for _, what := range t.Differs {
		switch what {
		case "decision":
			s.Decisions++
		case "amount":
			s.Amounts++
		case "levels":
			s.Levels++
		}
	}
	if t.Before.Decision == RulingUnfit || t.After.Decision == RulingUnfit {
		s.Unfit++
		return
	}
	if t.Before.Decision == RulingEligible {
		s.Before += t.Before.Amount
	}
	if t.After.Decision == RulingEligible {
		s.After += t.After.Amount
	}
}

// Sum adds the totals of other cases.
func (s *Totals) Sum(o Totals) {
	*s = Totals{LookedAt: s.LookedAt + o.LookedAt, Changed: s.Changed + o.Changed, Decisions: s.Decisions + o.Decisions, Amounts: s.Amounts + o.Amounts,
		Levels: s.Levels + o.Levels, Unfit: s.Unfit + o.Unfit, Before: s.Before + o.Before, After: s.After + o.After}
}
