package postgres

import (
	"encoding/json"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/aid/money"
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
	if err := tx.replaceGiven(c, in.Documents); err != nil {
		return err
	}
	return tx.applyContent(c, in)
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
