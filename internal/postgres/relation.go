package postgres

import (
	"context"
	"time"

	"github.com/lib/pq"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/aid/match"
)

// NewRelation is a person to whom a member of staff is related, in clear text:
// it lives in memory only. At least one of number and account is given.
type NewRelation struct {
	ID            string
	Kind          string // self, spouse, child, parent, sibling, other
	FullName      string
	NationalID    string // 12 digits
	BankBIN       string
	AccountNumber string
}

// sealedRelation is what the row of a relation keeps sealed.
type sealedRelation struct {
	FullName      string `json:"full_name"`
	NationalID    string `json:"national_id,omitempty"`
	BankBIN       string `json:"bank_bin,omitempty"`
	AccountNumber string `json:"account_number,omitempty"`
}

// RelationRow is a relation as a reader sees it: name and number, no account.
type RelationRow struct {
	ID         string     `db:"id"`
	Subject    string     `db:"subject"`
	Kind       string     `db:"kind"`
	Sealed     []byte     `db:"sealed"`
	Account    bool       `db:"account"` // an account of theirs is known
	RecordedBy string     `db:"recorded_by"`
	RecordedAt time.Time  `db:"recorded_at"`
	EndedBy    *string    `db:"ended_by"`
	EndedAt    *time.Time `db:"ended_at"`

	FullName   string `db:"-"`
	NationalID string `db:"-"`
}

// Cursor gives the row's place in the list of relations, oldest first.
func (r RelationRow) Cursor() Cursor { return atCursor(r.RecordedAt, r.ID) }

const relationColumns = `r.id, r.subject, r.kind, r.sealed, r.account_hash IS NOT NULL AS account, r.recorded_by, r.recorded_at, r.ended_by, r.ended_at`

// ofStaff refuses everybody but the member of staff and the administrators of
// an area where that member has a role.
//
// Errors: NotFound staff_not_found, also when it is not the caller's to see.
func (tx *Tx) ofStaff(caller *Caller, subject string) error {
	var known bool
	err := tx.get(&known, `SELECT EXISTS (SELECT 1 FROM staff s WHERE s.subject = $1 AND (s.subject = $2
			OR (cardinality($3::text[]) > 0 AND NOT EXISTS (SELECT 1 FROM staff_roles r WHERE r.subject = s.subject))
			OR EXISTS (SELECT 1 FROM staff_roles r WHERE r.subject = s.subject AND r.area = ANY($3))))`,
		subject, caller.Actor(), pq.Array(caller.AdminAreas()))
	if err == nil && !known {
		err = aid.Refuse(aid.NotFound, "staff_not_found")
	}
	return err
}

// AddRelation records to whom a member of staff is related: by the member, or
// by an administrator. From its COMMIT on the member may not act in the cases
// of that person; in those that are there already it is looked what the member
// has decided. A relation of the same id is recorded once.
//
// Errors: NotFound staff_not_found; Conflict relation_exists; Invalid with the
// fault required at /national_id.
func (s *Store) AddRelation(ctx context.Context, caller *Caller, subject string, n NewRelation) (*RelationRow, error) {
	if n.NationalID == "" && match.Digits(n.AccountNumber) == "" {
		return nil, aid.RefuseAll([]aid.Fault{{Pointer: "/national_id", Code: "required"}})
	}
	var out *RelationRow
	err := s.Write(ctx, func(tx *Tx) error {
		if err := tx.ofStaff(caller, subject); err != nil {
			return err
		}
		if err := tx.insertRelation(caller, subject, n); err != nil {
			return err
		}
		var err error
		if out, err = tx.relation(subject, n.ID); err != nil {
			return err
		}
		if err := tx.AddAudit(caller.Actor(), "record_relation", n.ID, "done", subject); err != nil {
			return err
		}
		return tx.lookAtCasesOf(subject)
	})
	return out, err
}

func (tx *Tx) insertRelation(caller *Caller, subject string, n NewRelation) error {
	sealed, err := tx.seal("staff_relations", "sealed", n.ID, sealedRelation{FullName: n.FullName, NationalID: n.NationalID,
		BankBIN: n.BankBIN, AccountNumber: n.AccountNumber})
	if err != nil {
		return err
	}
	var account []byte
	if match.Digits(n.AccountNumber) != "" {
		account = tx.accountKey(n.BankBIN, n.AccountNumber)
	}
	_, err = tx.exec(`INSERT INTO staff_relations (id, subject, kind, national_id_hash, account_hash, sealed, recorded_by, recorded_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (id) DO NOTHING`,
		n.ID, subject, n.Kind, tx.nationalIDHash(n.NationalID), account, sealed, caller.Actor(), tx.Wall)
	return err
}

// casesOf gives the cases in which a person may not act, in the order in which
// cases are locked.
func (tx *Tx) casesOf(subject string) (ids []string, err error) {
	return ids, tx.list(&ids, `SELECT DISTINCT case_id FROM conflicts WHERE person = $1 ORDER BY case_id`, subject)
}

func (tx *Tx) lookAtCasesOf(subject string) error {
	ids, err := tx.casesOf(subject)
	if err != nil {
		return err
	}
	return tx.lookAtCases(ids)
}

// lookAtCases is lookForConflicts for several cases.
func (tx *Tx) lookAtCases(ids []string) error {
	for _, id := range ids {
		if err := tx.lookForConflicts(id); err != nil {
			return err
		}
	}
	return nil
}

func (tx *Tx) relation(subject, id string) (*RelationRow, error) {
	var r RelationRow
	err := tx.get(&r, `SELECT `+relationColumns+` FROM staff_relations r WHERE r.id = $1 AND r.subject = $2`, id, subject)
	if notFound(err) {
		return nil, aid.Refuse(aid.NotFound, "relation_not_found")
	}
	if err != nil {
		return nil, err
	}
	return &r, tx.openRelation(&r)
}

func (tx *Tx) openRelation(r *RelationRow) error {
	var in sealedRelation
	err := tx.open("staff_relations", "sealed", r.ID, r.Sealed, &in)
	r.FullName, r.NationalID = in.FullName, in.NationalID
	return err
}

// Relations lists a member's relations, ended ones too, oldest first, and
// writes the look into the audit when it is not the member's own.
//
// Errors: NotFound staff_not_found; Invalid invalid_cursor.
func (s *Store) Relations(ctx context.Context, caller *Caller, subject string, p Page) ([]RelationRow, error) {
	at, err := p.instant()
	if err != nil {
		return nil, err
	}
	var rows []RelationRow
	err = s.Write(ctx, func(tx *Tx) error {
		if err := tx.ofStaff(caller, subject); err != nil {
			return err
		}
		rows = []RelationRow{}
		err := tx.list(&rows, `SELECT `+relationColumns+` FROM staff_relations r WHERE r.subject = $1
			AND ($2::timestamptz IS NULL OR (r.recorded_at, r.id) > ($2, $3)) ORDER BY r.recorded_at, r.id LIMIT $4`, subject, at, p.After.ID, p.limit())
		if err != nil {
			return err
		}
		for i := range rows {
			if err := tx.openRelation(&rows[i]); err != nil {
				return err
			}
		}
		if subject == caller.Actor() {
			return nil
		}
		return tx.AddAudit(caller.Actor(), "read_personal", subject, "done", "")
	})
	return rows, err
}

// EndRelation ends a relation that was recorded in error or is over. Nobody
// ends one's own: whoever is barred does not lift the bar. What is ended
// already stays so.
//
// Errors: NotFound staff_not_found, relation_not_found; Forbidden
// relation_of_oneself.
func (s *Store) EndRelation(ctx context.Context, caller *Caller, subject, id string) error {
	return s.Write(ctx, func(tx *Tx) error {
		if err := tx.ofStaff(caller, subject); err != nil {
			return err
		}
		if subject == caller.Actor() {
			return aid.Refuse(aid.Forbidden, "relation_of_oneself")
		}
		if r, err := tx.relation(subject, id); err != nil || r.EndedAt != nil {
			return err
		}
		freed, err := tx.casesOf(subject)
		if err != nil {
			return err
		}
		if err := tx.one(`UPDATE staff_relations SET ended_by = $2, ended_at = $3 WHERE id = $1`, id, caller.Actor(), tx.Wall); err != nil {
			return err
		}
		if err := tx.lookAtCases(freed); err != nil {
			return err
		}
		return tx.AddAudit(caller.Actor(), "end_relation", id, "done", subject)
	})
}
