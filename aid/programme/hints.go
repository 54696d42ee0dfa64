package programme

import (
	"math/big"
	"slices"

	"github.com/aidflow/aidflow/aid"
)

// Hints gives what is allowed in a definition and worth a second look, with
// its line like a fault: award_may_be_zero, award_above_ceiling (for answers
// that the form allows), document_never_required (no paper is), and texts of a
// form that no paper would print: form_word_unknown, form_value_unknown,
// language_unknown, required, wrong_type.
func (d *Definition) Hints() []aid.Fault { return slices.Clone(d.hints) }

// hint collects the hints of a definition without faults.
func (s *source) hint(d *Definition) {
	if r := d.rules.amount; r != nil {
		if r.result.lo.Sign() <= 0 {
			s.fault("/award/amount", "award_may_be_zero")
		}
		if r.result.hi.Cmp(big.NewInt(d.Ceiling)) > 0 {
			s.fault("/award/amount", "award_above_ceiling")
		}
	}
	if r := d.rules.cost; r != nil && percentOfLeast(r, 100-d.Award.OwnShare) <= 0 {
		s.fault("/award/cost", "award_may_be_zero")
	}
	s.hintForm("/form", d.Form)
	if d.Visit != nil {
		s.hintForm("/visit/form", d.Visit.Form)
	}
	if len(d.RequiredDocuments()) == 0 {
		s.fault("/documents", "document_never_required")
	}
}

// percentOfLeast gives the part of the smallest cost that the fund may bear.
func percentOfLeast(cost *rule, percent int) int64 {
	return percentOf(max(cost.result.lo.Int64(), 0), percent)
}
