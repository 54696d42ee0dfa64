package postgres

import (
	"encoding/json"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/aid/ledger"
	"github.com/aidflow/aidflow/aid/money"
	"github.com/aidflow/aidflow/aid/programme"
)

// A bill may be smaller than the tranche that is to pay it. Whoever prepares
// the payment says so, with a reason, and what becomes of the rest; whoever
// releases it sees that. The rest moves when the part has arrived: until then a
// failure leaves everything as it was.

// What becomes of the rest of a tranche.
const (
	RestDue      = "due"      // it is paid by another payment
	RestReleased = "released" // it goes back to the fund
)

// part is how much of a tranche a payment pays, and what becomes of the rest;
// "" when it leaves none.
type part struct {
	amount int64 // minor units
	rest   string
}

// again gives what a payment in place of this one pays of its tranche: the same
// part, or all that is left now.
func (p *Payment) again(t *Tranche) part {
	if p.Rest == "" || p.Amount >= t.Rest() {
		return part{amount: t.Rest()}
	}
	return part{amount: p.Amount, rest: p.Rest}
}

// arrived gives what this payment, which has arrived, pays of its tranche.
func (p *Payment) arrived(t *Tranche) part {
	of := part{amount: p.Amount, rest: p.Rest}
	if of.rest == "" && p.Amount < t.Rest() {
		of.rest = RestDue
	}
	return of
}

// restOf is what the data of a preparation say of the rest.
func restOf(data json.RawMessage) string {
	var said struct {
		Rest string `json:"rest"`
	}
	_ = json.Unmarshal(data, &said) // the door has checked its form
	return said.Rest
}

// partFaults tells what is wrong with a preparation that names an amount: less
// than the payment is paid with one of the programme's reasons, and by saying
// what becomes of the rest.
func (tx *Tx) partFaults(t *Task, def *programme.Definition, in Intent) ([]aid.Fault, error) {
	rest := restOf(in.Data)
	if in.Amount == nil {
		if rest != "" {
			return []aid.Fault{{Pointer: "/amount", Code: "required"}}, nil
		}
		return nil, nil
	}
	var whole int64
	if err := tx.get(&whole, `SELECT amount FROM payments WHERE id = $1`, t.Subject); err != nil {
		return nil, err
	}
	switch {
	case *in.Amount <= 0 || *in.Amount > whole:
		return []aid.Fault{{Pointer: "/amount/amount", Code: "amount_above_payment"}}, nil
	case *in.Amount == whole:
		return nil, nil
	case !def.ReasonRequired("lower"):
		return []aid.Fault{{Pointer: "/amount/amount", Code: "lowering_not_allowed"}}, nil
	}
	var faults []aid.Fault
	if in.Reason == "" {
		faults = append(faults, aid.Fault{Pointer: "/reason_code", Code: "reason_required"})
	} else if !def.ReasonKnown("lower", in.Reason) {
		faults = append(faults, aid.Fault{Pointer: "/reason_code", Code: "unknown_reason"})
	}
	if rest == "" {
		faults = append(faults, aid.Fault{Pointer: "/data/rest", Code: "required"})
	}
	return faults, nil
}

// partOf gives the part of a payment that a preparation asks for; nil for the
// whole.
func (tx *Tx) partOf(p *Payment, d aid.Decision) (*part, error) {
	if d.Amount == 0 || d.Amount >= p.Amount {
		return nil, nil
	}
	content, err := tx.Content(d.ID)
	return &part{amount: d.Amount, rest: restOf(content.Data)}, err
}

// releaseRest gives back what is left of the tranche of a payment that has
// arrived, where that was said.
func (tx *Tx) releaseRest(c *Case, p *Payment, actor string) error {
	if p.Rest != RestReleased {
		return nil
	}
	var rest int64
	err := tx.get(&rest, `WITH was AS (SELECT `+trancheColumns+` FROM tranches t WHERE t.id = $1)
		UPDATE tranches t SET released = t.released + w.rest FROM (SELECT id, amount - released - paid AS rest FROM was) w
		WHERE t.id = w.id RETURNING w.rest`, p.TrancheID)
	if err != nil || rest == 0 {
		return err
	}
	if err := tx.Post(ledger.Release(p.FundID, money.Of(rest, p.Currency), p.Key()+"/rest"), c.ID, actor); err != nil {
		return err
	}
	return tx.WakeWaiting(p.FundID)
}
