package postgres

import (
	"context"
	"time"

	"github.com/aidflow/aidflow/aid"
)

// NewObjection is what somebody says against an award that hangs out. Text,
// name and contact are personal and are kept sealed.
type NewObjection struct {
	ID      string
	Reason  string // one of the programme's reasons to object
	Text    string
	Name    string // "" for somebody who gives none
	Contact string
}

// sealedObjection is what the row of an objection keeps sealed.
type sealedObjection struct {
	Text    string `json:"text"`
	Name    string `json:"name,omitempty"`
	Contact string `json:"contact,omitempty"`
}

// ObjectionRow is an objection as a reader sees it.
type ObjectionRow struct {
	ID         string     `db:"id"`
	CaseID     string     `db:"case_id"`
	TaskID     string     `db:"task_id"`
	Reason     string     `db:"reason_code"`
	Anonymous  bool       `db:"anonymous"`
	Sealed     []byte     `db:"sealed"`
	RecordedBy string     `db:"recorded_by"`
	RecordedAt time.Time  `db:"recorded_at"`
	State      string     `db:"state"` // open, upheld, not_upheld, void
	DecidedBy  string     `db:"decided_by"`
	DecidedAt  *time.Time `db:"decided_at"`

	Text    string `db:"-"` // with the two below "" where Masked
	Name    string `db:"-"`
	Contact string `db:"-"`
	Masked  bool   `db:"-"` // the caller does not see what is personal
}

// Cursor gives the row's place in the list of objections, oldest first.
func (r ObjectionRow) Cursor() Cursor { return atCursor(r.RecordedAt, r.ID) }

const objectionColumns = `o.id, o.case_id, o.task_id, o.reason_code, o.anonymous, o.sealed, o.recorded_by, o.recorded_at,
	CASE WHEN t.closed_at IS NULL THEN 'open' WHEN t.state = 'done' THEN t.outcome ELSE 'void' END AS state,
	coalesce(d.actor, '') AS decided_by, d.decided_at`

const objectionFrom = ` FROM objections o JOIN tasks t ON t.id = o.task_id
	LEFT JOIN decisions d ON d.task_id = t.id AND d.state = 'applied'`

// Object records an objection to the award of a case that hangs out, or has
// hung out and is not paid in full, and asks somebody without a duty in the
// case to decide it. An objection of the same id is recorded once.
//
// Errors: NotFound case_not_found; Forbidden wrong_role; Conflict wrong_state
// when nothing is left to be paid or granted, not_posted; Invalid with the
// fault unknown_reason at /reason_code.
func (s *Store) Object(ctx context.Context, caller *Caller, idOrRef string, n NewObjection) (*ObjectionRow, error) {
	row, err := s.CaseByID(ctx, caller, idOrRef)
	if err != nil {
		return nil, err
	}
	if !caller.HasFor(row.Area, row.Programme, aid.RoleIntake, aid.RoleVerifier) {
		return nil, aid.Refuse(aid.Forbidden, "wrong_role")
	}
	var out ObjectionRow
	err = s.Write(ctx, func(tx *Tx) error {
		c, err := tx.LockCase(row.ID)
		if err != nil {
			return err
		}
		err = tx.get(&out, `SELECT `+objectionColumns+objectionFrom+` WHERE o.id = $1 AND o.case_id = $2`, n.ID, c.ID)
		if notFound(err) {
			if err = tx.object(c, caller, n); err == nil {
				err = tx.get(&out, `SELECT `+objectionColumns+objectionFrom+` WHERE o.id = $1`, n.ID)
			}
		}
		if err != nil {
			return err
		}
		return tx.openObjection(&out)
	})
	return &out, err
}

func (tx *Tx) object(c *Case, caller *Caller, n NewObjection) error {
	award, err := tx.objectable(c)
	if err != nil {
		return err
	}
	def, err := tx.Rules(c)
	if err != nil {
		return err
	}
	if !def.ReasonKnown("objection", n.Reason) {
		return aid.RefuseAll([]aid.Fault{{Pointer: "/reason_code", Code: "unknown_reason"}})
	}
	sealed, err := tx.seal("objections", "sealed", n.ID, sealedObjection{Text: n.Text, Name: n.Name, Contact: n.Contact})
	if err != nil {
		return err
	}
	task, err := tx.OpenOfficeTask(c, NewTask{Kind: aid.DecideObjection, Workflow: c.WorkflowID, Subject: n.ID,
		Rule: map[string]string{"because": "objection", "reason_code": n.Reason}})
	if err != nil {
		return err
	}
	err = tx.one(`INSERT INTO objections (id, award_id, case_id, task_id, reason_code, anonymous, sealed, recorded_by, recorded_at)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`, n.ID, award.ID, c.ID, task, n.Reason, n.Name == "", sealed, caller.Actor(), tx.Now)
	if err != nil {
		return err
	}
	err = tx.AddEvent(c, Event{Kind: "case.objection_received", Actor: caller.Actor(), Task: task, Data: map[string]any{"objection": n.ID, "reason_code": n.Reason}})
	if err != nil {
		return err
	}
	return tx.SendSignal(c.WorkflowID, SignalLook) // for the deadline of the task
}

// objectable gives the award to which somebody may object.
func (tx *Tx) objectable(c *Case) (*Award, error) {
	if c.Stage != aid.Disbursement {
		return nil, aid.Refuse(aid.Conflict, "wrong_state", "status", string(c.Status))
	}
	award, err := tx.AwardOf(c)
	if err != nil {
		return nil, err
	}
	posting, err := tx.PostingOf(award)
	if err == nil && posting == nil {
		err = aid.Refuse(aid.Conflict, "not_posted")
	}
	return award, err
}

func (tx *Tx) openObjection(r *ObjectionRow) error {
	var in sealedObjection
	err := tx.open("objections", "sealed", r.ID, r.Sealed, &in)
	r.Text, r.Name, r.Contact = in.Text, in.Name, in.Contact
	return err
}

// Objections lists the objections to a case's awards, oldest first, and writes
// the look into the audit. An auditor sees neither what was said nor by whom;
// a partner sees none: who objects is to be safe from whom it is about.
//
// Errors: NotFound case_not_found; Invalid invalid_cursor.
func (s *Store) Objections(ctx context.Context, caller *Caller, idOrRef string, p Page) ([]ObjectionRow, error) {
	row, err := s.CaseByID(ctx, caller, idOrRef)
	if err != nil || caller.Partner() {
		return []ObjectionRow{}, err
	}
	at, err := p.instant()
	if err != nil {
		return nil, err
	}
	plain, action := caller.seesPersonal(row.Area, row.Programme), "read_masked"
	if plain {
		action = "read_personal"
	}
	var rows []ObjectionRow
	err = s.Write(ctx, func(tx *Tx) error {
		rows = []ObjectionRow{}
		err := tx.list(&rows, `SELECT `+objectionColumns+objectionFrom+` WHERE o.case_id = $1
			AND ($2::timestamptz IS NULL OR (o.recorded_at, o.id) > ($2, $3)) ORDER BY o.recorded_at, o.id LIMIT $4`, row.ID, at, p.After.ID, p.limit())
		if err != nil || len(rows) == 0 {
			return err
		}
		for i := range rows {
			if rows[i].Masked = !plain; plain {
				if err := tx.openObjection(&rows[i]); err != nil {
					return err
				}
			}
		}
		return tx.AddAudit(caller.Actor(), action, row.ID, "done", "")
	})
	return rows, err
}

// Upheld tells whether an objection to the case's award was upheld in this
// round.
func (tx *Tx) Upheld(c *Case) (bool, error) {
	var upheld bool
	err := tx.get(&upheld, `SELECT EXISTS (SELECT 1 FROM tasks WHERE case_id = $1 AND round = $2 AND kind = $3 AND outcome = 'upheld')`,
		c.ID, c.Round, aid.DecideObjection)
	return upheld, err
}

// mayPay refuses a release while the partner's wish to withdraw stands, and
// any step towards a payment while somebody's objection is not decided, a
// condition of the approval is not met, the tranche is held, a change of the
// award is open or its new account waits, or no manager has looked at what a
// relative has decided: nothing new is instructed.
func (tx *Tx) mayPay(c *Case, t *Task, action aid.Action) error {
	release := t.Kind == aid.ReleasePayment && action == aid.ActionApprove
	if release && c.WithdrawalAsked {
		return aid.Refuse(aid.Conflict, "withdrawal_asked")
	}
	if !release && t.Kind != aid.PreparePayment {
		return nil
	}
	var open struct {
		Objection bool `db:"objection"`
		Condition bool `db:"condition"`
		Conflict  bool `db:"conflict"`
		Held      bool `db:"held"`
		Change    bool `db:"change"`
		Waits     bool `db:"waits"`
	}
	err := tx.get(&open, `SELECT EXISTS (SELECT 1 FROM tasks WHERE case_id = $1 AND kind = 'decide_objection' AND closed_at IS NULL) AS objection,
		EXISTS (SELECT 1 FROM conditions WHERE case_id = $1 AND round = $2 AND met_at IS NULL AND dropped_at IS NULL) AS condition,
		EXISTS (SELECT 1 FROM payments p JOIN tranches r ON r.id = p.tranche_id WHERE p.id = $3 AND r.held) AS held,
		EXISTS (SELECT 1 FROM award_changes WHERE case_id = $1 AND state = 'open') AS change,
		EXISTS (SELECT 1 FROM award_changes x JOIN payments p ON p.payee_account_id = x.account_id WHERE p.id = $3 AND x.usable_from > $4) AS waits,
		`+heldBack+` AS conflict`, c.ID, c.Round, t.Subject, tx.Now)
	switch {
	case err == nil && open.Objection:
		return aid.Refuse(aid.Conflict, "objection_open")
	case err == nil && open.Condition:
		return aid.Refuse(aid.Conflict, "condition_open")
	case err == nil && open.Held:
		return aid.Refuse(aid.Conflict, "tranche_held")
	case err == nil && open.Change:
		return aid.Refuse(aid.Conflict, "change_open")
	case err == nil && open.Waits && release:
		return aid.Refuse(aid.Conflict, "account_waits")
	case err == nil && open.Conflict:
		return aid.Refuse(aid.Conflict, "conflict_unreviewed")
	}
	return err
}
