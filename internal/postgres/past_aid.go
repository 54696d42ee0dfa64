package postgres

import (
	"time"

	"github.com/aidflow/aidflow/aid"
)

// pastPartner is the partner that imported cases hang on: it has no key, so
// that nobody is shown them as its own.
const pastPartner = "past-aid"

// PastAid is help that was given before the cases of this deployment began.
type PastAid struct {
	Row       int // of the file
	Source    string
	Reference string
	Programme string
	Area      string // as of then
	Household string // code; "" when it is not known
	PaidOn    string // 2006-01-02
	Amount    int64  // minor units
	Currency  string
	Person    Applicant
}

// SavePastAid writes help of the past as closed cases: "already helped in
// 2021" is known to the duplicate check. They have no workflow, no task and no
// ledger entry, and are never counted as work. What is there under the same
// source and reference is not written again; when it says something else, the
// row is refused with other_content.
func (tx *Tx) SavePastAid(actor string, rows []PastAid) (Saved, error) {
	var out Saved
	if len(rows) == 0 {
		return out, nil
	}
	partner, err := tx.pastPartner(rows[0].Area)
	if err != nil {
		return out, err
	}
	var keys []KeyEntry
	for _, r := range rows {
		c, known, err := tx.pastCase(partner, r)
		if err != nil {
			return out, err
		}
		switch {
		case known && c == nil:
			out.Refused = append(out.Refused, ImportFault{Row: r.Row, Column: "reference", Code: "other_content"})
		case !known:
			if err := tx.insertPast(c, actor, r); err != nil {
				return out, err
			}
			out.Applied++
			keys = append(keys, KeyEntry{KeyOwner{Case: c.ID}, KeySource{Area: r.Area, Applicant: r.Person, HouseholdCode: r.Household}})
		}
	}
	return out, tx.SaveAllKeys(keys)
}

func (tx *Tx) pastPartner(area string) (id string, err error) {
	if _, err = tx.exec(`INSERT INTO partners (id, code, name, area, created_at) VALUES ($1, $2, 'Aid of the past', $3, $4) ON CONFLICT (code) DO NOTHING`,
		NewID(aid.PartnerID), pastPartner, area, tx.Wall); err != nil {
		return "", err
	}
	err = tx.get(&id, `SELECT id FROM partners WHERE code = $1`, pastPartner)
	return id, err
}

// pastCase makes the case of a row. Known tells that there is one under its
// source and reference already; then the case is nil when it says something
// else.
func (tx *Tx) pastCase(partner string, r PastAid) (c *Case, known bool, err error) {
	var version int
	err = tx.get(&version, `SELECT max(version) FROM programmes WHERE code = $1`, r.Programme)
	if err != nil {
		return nil, false, err
	}
	def, err := tx.Definition(r.Programme, version)
	if err != nil {
		return nil, false, err
	}
	day, err := time.ParseInLocation(time.DateOnly, r.PaidOn, def.Location())
	if err != nil {
		return nil, false, aid.Refuse(aid.Invalid, "date_format")
	}
	paid := day.Add(12 * time.Hour)
	c = &Case{ID: NewID(aid.CaseID), PartnerID: partner, ExternalID: r.Source + "/" + r.Reference, Programme: r.Programme, ProgrammeVersion: version,
		Area: r.Area, Status: aid.Closed, Stage: aid.Ended, Round: 1, Review: 1, RequestedAmount: r.Amount, Amount: &r.Amount,
		Currency: r.Currency, Version: 1, PaidAt: &paid}
	var same bool
	err = tx.get(&same, `SELECT c.programme = $3 AND c.area = $4 AND c.amount = $5 AND c.currency = $6 AND c.paid_at = $7
			AND p.national_id_hash IS NOT DISTINCT FROM $8
		FROM cases c JOIN persons p ON p.id = c.person_id WHERE c.partner_id = $1 AND c.external_id = $2`,
		partner, c.ExternalID, r.Programme, r.Area, r.Amount, r.Currency, paid, tx.nationalIDHash(r.Person.NationalID))
	switch {
	case notFound(err):
		return c, false, nil
	case err != nil || !same:
		return nil, true, err
	}
	return c, true, nil
}

func (tx *Tx) insertPast(c *Case, actor string, r PastAid) (err error) {
	if c.PersonID, err = tx.person(r.Person); err != nil {
		return err
	}
	if c.HouseholdID, err = tx.household(r.Household, r.Area); err != nil {
		return err
	}
	sealed, err := tx.seal("cases", "sealed", c.ID, sealedCase{Applicant: r.Person})
	if err != nil {
		return err
	}
	err = tx.one(`
		INSERT INTO cases (id, partner_id, external_id, programme, programme_version, area, person_id, household_id, status, stage,
		       requested_amount, amount, currency, sealed, tracking_hash, imported, import_source, created_at, submitted_at, decided_at,
		       paid_at, closed_at, updated_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $11, $12, $13, $14, true, $15, $16, $16, $16, $16, $16, $17)`,
		c.ID, c.PartnerID, c.ExternalID, c.Programme, c.ProgrammeVersion, c.Area, c.PersonID, c.HouseholdID, c.Status, c.Stage,
		c.RequestedAmount, c.Currency, sealed, tx.vault.Hash("tracking", tx.store.trackingToken(c.ID)), r.Source, c.PaidAt, tx.Wall)
	if err != nil {
		return err
	}
	if err := tx.saveWords(c.ID, r.Person); err != nil {
		return err
	}
	return tx.AddEvent(c, Event{Kind: "case.imported", Actor: actor, Data: map[string]any{"amount": r.Amount, "currency": r.Currency}})
}
