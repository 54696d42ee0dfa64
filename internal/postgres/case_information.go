package postgres

import (
	"encoding/json"
	"slices"
	"strconv"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/aid/money"
	"github.com/aidflow/aidflow/aid/programme"
)

// Information is what a partner brings when a case was returned to it: the
// data of the decision on the task provide_information. A part that is left
// out stays as it was.
type Information struct {
	Documents []NewDocument   `json:"documents,omitempty"` // each replaces the papers of its kind
	Answers   json.RawMessage `json:"answers,omitempty"`   // all answers
	Payee     *Payee          `json:"payee,omitempty"`
	Requested *money.Money    `json:"requested,omitempty"`
}

// ApplyInformation makes the sealed content of a decision part of its case, in
// the transaction of the decision. The caller saves the case afterwards: the
// payee's account may have changed.
//
// Errors: Conflict currency_fixed when another currency is asked for.
func (tx *Tx) ApplyInformation(c *Case, decision string) error {
	content, err := tx.Content(decision)
	if err != nil || len(content.Data) == 0 {
		return err
	}
	var in Information
	if err := json.Unmarshal(content.Data, &in); err != nil {
		return aid.Refuse(aid.Invalid, "malformed_information") // never the text itself
	}
	if in.Requested != nil && in.Requested.Currency != c.Currency {
		return aid.Refuse(aid.Conflict, "currency_fixed")
	}
	if c.PayeeAccountID, err = tx.account(in.Payee, c.PayeeAccountID); err != nil {
		return err
	}
	if in.Payee != nil { // another account
		if err := tx.refreshKeys(c); err != nil {
			return err
		}
		if err := tx.FindConflicts(c); err != nil {
			return err
		}
	}
	if err := tx.replaceGiven(c, in.Documents); err != nil {
		return err
	}
	return tx.applyContent(c, in)
}

// informationFaults checks a partner's answer by the programme version of its
// case, as a request is checked; pointers lead into the answer.
//
// Errors: Invalid malformed_information.
func informationFaults(def *programme.Definition, data json.RawMessage) ([]aid.Fault, error) {
	var in Information
	if len(data) == 0 {
		return nil, nil
	}
	if json.Unmarshal(data, &in) != nil {
		return nil, aid.Refuse(aid.Invalid, "malformed_information") // never the text itself
	}
	var faults []aid.Fault
	under := func(at string, more []aid.Fault) {
		for _, f := range more {
			f.Pointer = at + f.Pointer
			faults = append(faults, f)
		}
	}
	if in.Requested != nil {
		under("/requested", def.CheckAmount(*in.Requested))
	}
	if in.Payee != nil {
		under("/payee", def.CheckPayee(in.Payee.Kind))
	}
	if len(in.Answers) > 0 {
		under("/answers", def.CheckAnswers(in.Answers))
	}
	for i, d := range in.Documents {
		if !slices.ContainsFunc(def.Documents, func(known programme.Document) bool { return known.Kind == d.Kind }) {
			faults = append(faults, aid.Fault{Pointer: "/documents/" + strconv.Itoa(i) + "/kind", Code: "unknown_document"})
		}
	}
	return faults, nil
}

func (tx *Tx) replaceGiven(c *Case, documents []NewDocument) error {
	kinds := []string{}
	for _, d := range documents {
		kinds = append(kinds, d.Kind)
	}
	if err := tx.replaceDocuments(c, kinds); err != nil {
		return err
	}
	return tx.listDocuments(c, documents)
}

func (tx *Tx) applyContent(c *Case, in Information) error {
	if in.Requested != nil {
		c.RequestedAmount = in.Requested.Amount
		if err := tx.one(`UPDATE cases SET requested_amount = $2 WHERE id = $1`, c.ID, c.RequestedAmount); err != nil {
			return err
		}
	}
	if len(in.Answers) == 0 {
		return nil
	}
	sealed, err := tx.sealedOf(c.ID)
	if err != nil {
		return err
	}
	sealed.Answers = in.Answers
	raw, err := tx.seal("cases", "sealed", c.ID, sealed)
	if err != nil {
		return err
	}
	return tx.one(`UPDATE cases SET sealed = $2 WHERE id = $1`, c.ID, raw)
}
