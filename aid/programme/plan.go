package programme

import (
	"slices"
	"strconv"
	"time"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/aid/money"
)

// PlannedTranche is one instalment of one award.
type PlannedTranche struct {
	No        int         `json:"no"` // place in the definition, from 1
	Amount    money.Money `json:"amount"`
	Milestone string      `json:"milestone,omitempty"` // "": due at once
}

// Location is the programme's time zone.
func (d *Definition) Location() *time.Location { return d.loc }

// Tranches divides an award. The amounts add up to the award exactly; an
// instalment that would be zero, of a very small award, is left out and keeps
// its number free. Errors: amount_not_positive.
func (d *Definition) Tranches(amount int64) ([]PlannedTranche, error) {
	if amount <= 0 {
		return nil, aid.Refuse(aid.Invalid, "amount_not_positive")
	}
	parts, err := money.Of(amount, d.Currency).Split(d.shares())
	if err != nil {
		return nil, err
	}
	var planned []PlannedTranche
	for i, part := range parts {
		if part.Amount > 0 {
			planned = append(planned, PlannedTranche{No: i + 1, Amount: part, Milestone: d.Instalments[i].Milestone})
		}
	}
	return planned, nil
}

// shares gives the percents, the remainder counted out.
func (d *Definition) shares() []int {
	shares, left := make([]int, len(d.Instalments)), 100
	for i, tranche := range d.Instalments {
		shares[i] = tranche.Share.Percent
		if tranche.Share.Remainder {
			shares[i] = left
		}
		left -= shares[i]
	}
	return shares
}

// CheckAmount gives the faults of a requested or granted amount; pointers are
// relative to it. Codes: currency_not_accepted, amount_not_positive,
// amount_above_ceiling.
func (d *Definition) CheckAmount(m money.Money) []aid.Fault {
	var faults []aid.Fault
	if m.Currency != d.Currency {
		faults = append(faults, aid.Fault{Pointer: "/currency", Code: "currency_not_accepted",
			Params: map[string]string{"currency": d.Currency}})
	}
	switch {
	case m.Amount <= 0:
		faults = append(faults, aid.Fault{Pointer: "/amount", Code: "amount_not_positive"})
	case m.Amount > d.Ceiling:
		faults = append(faults, aid.Fault{Pointer: "/amount", Code: "amount_above_ceiling",
			Params: map[string]string{"ceiling": strconv.FormatInt(d.Ceiling, 10)}})
	}
	return faults
}

// CheckPayee gives a fault when the programme does not pay this kind of payee;
// the pointer is relative to the payee.
func (d *Definition) CheckPayee(kind string) []aid.Fault {
	if slices.Contains(d.Payees, kind) {
		return nil
	}
	return []aid.Fault{{Pointer: "/kind", Code: "payee_not_allowed"}}
}

// DeadlineDays gives the working days that a kind of task may take; the
// programme's default for a kind without its own.
func (d *Definition) DeadlineDays(kind string) int {
	if deadline, ok := d.Deadlines[kind]; ok {
		return deadline.Days
	}
	return d.Deadlines[deadlineDefault].Days
}

// VisitDates gives the instants of the visits, each counted from the last
// payment on the programme's calendar, at the same clock time.
func (d *Definition) VisitDates(paid time.Time) []time.Time {
	dates := make([]time.Time, len(d.FollowUp))
	for i, visit := range d.FollowUp {
		dates[i] = visit.After.AddTo(paid, d.loc)
	}
	return dates
}

// RequiredDocuments gives the kinds of papers that every request lists, in the
// order of the definition.
func (d *Definition) RequiredDocuments() []string {
	var kinds []string
	for _, document := range d.Documents {
		if document.Required {
			kinds = append(kinds, document.Kind)
		}
	}
	return kinds
}

// MissingDocuments gives the required kinds that are not among the listed.
func (d *Definition) MissingDocuments(listed []string) []string {
	return slices.DeleteFunc(d.RequiredDocuments(), func(kind string) bool {
		return slices.Contains(listed, kind)
	})
}

// ReasonRequired tells whether an action needs a coded reason: it does when
// the programme lists reasons for it.
func (d *Definition) ReasonRequired(action string) bool {
	return len(d.Reasons[action]) > 0
}

// ReasonKnown tells whether the programme lists this reason for the action.
func (d *Definition) ReasonKnown(action, code string) bool {
	return slices.ContainsFunc(d.Reasons[action], func(reason Reason) bool {
		return reason.Code == code
	})
}

// ConditionKnown tells whether an approval may carry this condition.
func (d *Definition) ConditionKnown(code string) bool {
	return slices.ContainsFunc(d.Conditions, func(condition Reason) bool { return condition.Code == code })
}

// TaskKinds lists the keys that deadlines may have, "default" among them.
func TaskKinds() []string { return slices.Clone(taskKinds) }

// PayeeKinds lists who may be paid.
func PayeeKinds() []string { return slices.Clone(payeeKinds) }
