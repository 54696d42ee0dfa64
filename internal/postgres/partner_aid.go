package postgres

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"
	"time"

	"github.com/lib/pq"

	"github.com/aidflow/aidflow/aid"
)

// PartnerAid is aid that a unit, an organisation or a person gave itself. It
// is not the fund's money: no ledger entry stands for it.
type PartnerAid struct {
	ID         string `json:"-"`
	Row        int    `json:"-"` // of the file; 0 without one
	Source     string // an organisation, or private; no personal data
	Reference  string // the source's own number
	Programme  string // to which it corresponds
	Area       string // as of then
	GivenOn    string // 2006-01-02
	Amount     int64  // minor units
	Currency   string
	Valuation  string // cash, invoiced, estimated
	Households int    // more than one names nobody
	Household  string // code
	Person     Applicant
}

// SavePartnerAid writes records of partner-delivered aid. One that is there
// under its source and number is not written again; when it says something
// else, it is refused with other_content.
func (tx *Tx) SavePartnerAid(importID *string, actor string, rows []PartnerAid) (Saved, error) {
	var out Saved
	var keys []KeyEntry
	for _, r := range rows {
		done, refused, err := tx.insertPartnerAid(importID, actor, r)
		switch {
		case err != nil:
			return out, err
		case refused:
			out.Refused = append(out.Refused, ImportFault{Row: r.Row, Column: "reference", Code: "other_content"})
		case done:
			out.Applied++
			if r.Person != (Applicant{}) || r.Household != "" {
				keys = append(keys, KeyEntry{KeyOwner{PartnerAid: r.ID}, KeySource{Area: r.Area, Applicant: r.Person, HouseholdCode: r.Household}})
			}
		}
	}
	if len(keys) == 0 {
		return out, nil
	}
	return out, tx.SaveAllKeys(keys)
}

func (tx *Tx) insertPartnerAid(importID *string, actor string, r PartnerAid) (done, refused bool, err error) {
	raw, err := json.Marshal(r)
	if err != nil {
		return false, false, err
	}
	sum := sha256.Sum256(raw)
	content := tx.vault.Hash("partner-aid", hex.EncodeToString(sum[:]))
	household, err := tx.household(r.Household, r.Area)
	if err != nil {
		return false, false, err
	}
	sealed, err := tx.seal("partner_aid", "sealed", r.ID, r.Person)
	if err != nil {
		return false, false, err
	}
	n, err := tx.exec(`INSERT INTO partner_aid (id, source, reference, programme, area, given_on, amount, currency, valuation, households, household_id,
			national_id_hash, sealed, content, import_id, created_by, created_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17) ON CONFLICT ON CONSTRAINT partner_aid_once DO NOTHING`,
		r.ID, r.Source, r.Reference, r.Programme, r.Area, r.GivenOn, r.Amount, r.Currency, r.Valuation, max(r.Households, 1), household,
		tx.nationalIDHash(r.Person.NationalID), sealed, content, importID, actor, tx.Wall)
	if err != nil || n == 1 {
		return n == 1, false, err
	}
	var there []byte
	err = tx.get(&there, `SELECT content FROM partner_aid WHERE source = $1 AND reference = $2`, r.Source, r.Reference)
	return false, !bytes.Equal(there, content), err
}

// PartnerAidRow is a record of partner-delivered aid, without the person.
type PartnerAidRow struct {
	ID         string    `db:"id"`
	Source     string    `db:"source"`
	Reference  string    `db:"reference"`
	Programme  string    `db:"programme"`
	Area       string    `db:"area"`
	GivenOn    time.Time `db:"given_on"` // a date
	Amount     int64     `db:"amount"`
	Currency   string    `db:"currency"`
	Valuation  string    `db:"valuation"`
	Households int       `db:"households"`
	Household  *string   `db:"household"` // code
	CreatedBy  string    `db:"created_by"`
	CreatedAt  time.Time `db:"created_at"`
}

// Cursor gives the row's place in the list.
func (r PartnerAidRow) Cursor() Cursor { return atCursor(r.GivenOn, r.ID) }

const partnerAidColumns = `a.id, a.source, a.reference, a.programme, a.area, a.given_on, a.amount, a.currency, a.valuation, a.households,
	h.code AS household, a.created_by, a.created_at`

// AddPartnerAid records partner-delivered aid of the caller's areas. The same
// record under the same source and number again gives the one that is there.
//
// Errors: Invalid with the faults unknown_area, unknown_programme; Conflict
// duplicate_reference (something else is there under the number).
func (s *Store) AddPartnerAid(ctx context.Context, caller *Caller, in PartnerAid) (*PartnerAidRow, error) {
	var faults []aid.Fault
	if !slices.Contains(caller.covered(func(r aid.Role) bool { return r != aid.RoleAdmin && r != aid.RoleAuditor }), in.Area) {
		faults = append(faults, aid.Fault{Pointer: "/area", Code: "unknown_area"})
	}
	if _, err := s.Programme(ctx, in.Programme); aid.KindOf(err) == aid.NotFound {
		faults = append(faults, aid.Fault{Pointer: "/programme", Code: "unknown_programme"})
	} else if err != nil {
		return nil, err
	}
	if err := aid.RefuseAll(faults); err != nil {
		return nil, err
	}
	err := s.Write(ctx, func(tx *Tx) error {
		saved, err := tx.SavePartnerAid(nil, caller.Actor(), []PartnerAid{in})
		if err != nil {
			return err
		}
		if len(saved.Refused) > 0 {
			return aid.Refuse(aid.Conflict, "duplicate_reference")
		}
		return tx.AddAudit(caller.Actor(), "record_partner_aid", in.ID, "done", "")
	})
	if err != nil {
		return nil, err
	}
	var row PartnerAidRow
	err = s.get(ctx, &row, `SELECT `+partnerAidColumns+` FROM partner_aid a LEFT JOIN households h ON h.id = a.household_id
		WHERE a.source = $1 AND a.reference = $2`, in.Source, in.Reference)
	return &row, err
}

// PartnerAidFilter narrows the list; zero values pass everything.
type PartnerAidFilter struct {
	Area      string // and everything below it
	Programme string
	Source    string
	From, To  *time.Time // dates, the last one not included
}

// PartnerAid lists partner-delivered aid of the caller's areas, the newest
// first.
//
// Errors: Invalid invalid_cursor.
func (s *Store) PartnerAid(ctx context.Context, caller *Caller, f PartnerAidFilter, p Page) ([]PartnerAidRow, error) {
	at, err := p.instant()
	if err != nil {
		return nil, err
	}
	rows := []PartnerAidRow{}
	err = s.list(ctx, &rows, `SELECT `+partnerAidColumns+` FROM partner_aid a LEFT JOIN households h ON h.id = a.household_id
		WHERE a.area = ANY($1) AND ($2::text IS NULL OR a.area IN (SELECT unnest((`+areasBelow("$2")+`))))
		  AND ($3::text IS NULL OR a.programme = $3) AND ($4::text IS NULL OR a.source = $4)
		  AND ($5::date IS NULL OR a.given_on >= $5) AND ($6::date IS NULL OR a.given_on < $6)
		  AND ($7::date IS NULL OR (a.given_on, a.id) < ($7::date, $8))
		ORDER BY a.given_on DESC, a.id DESC LIMIT $9`,
		pq.Array(caller.CaseAreas()), text(f.Area), text(f.Programme), text(f.Source), f.From, f.To, at, p.After.ID, p.limit())
	return rows, err
}
