package postgres

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"slices"
	"strconv"
	"time"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/aid/programme"
)

// accountWaits is how long nothing is paid to an account that is named after
// the approval, by the clock of the case.
const accountWaits = 24 * time.Hour

// reasonDied is why an heir may be named as payee, whomever the programme pays.
const reasonDied = "applicant_died"

// AwardChange is what is to change of an award after its approval.
type AwardChange struct {
	ID          string     `db:"id"`
	AwardID     string     `db:"award_id"`
	CaseID      string     `db:"case_id"`
	Kind        string     `db:"kind"`         // payee, plan
	Amount      int64      `db:"amount"`       // what the award comes to with it, minor units
	AccountID   *string    `db:"account_id"`   // the new one
	UsableFrom  *time.Time `db:"usable_from"`  // before then nothing is paid to it
	Plan        []byte     `db:"plan"`         // JSON, []ChangedTranche
	Levels      []byte     `db:"levels"`       // JSON, []aid.Level
	Reason      string     `db:"reason_code"`  //
	ProposedBy  string     `db:"proposed_by"`  // staff or partner
	SubmittedBy string     `db:"submitted_by"` // as named by who entered it
	ProposedAt  time.Time  `db:"proposed_at"`
	State       string     `db:"state"` // open, applied, rejected, void
	EndedAt     *time.Time `db:"ended_at"`
}

const changeColumns = `x.id, x.award_id, x.case_id, x.kind, x.amount, x.account_id, x.usable_from, x.plan, x.levels, x.reason_code, x.proposed_by,
	x.submitted_by, x.proposed_at, x.state, x.ended_at`

// ChangedTranche is an instalment in a change of the plan.
type ChangedTranche struct {
	Tranche   string `json:"tranche,omitempty"` // the one that it changes; "" for a new one
	Amount    int64  `json:"amount"`            // minor units; 0 for one that is given up
	Milestone string `json:"milestone,omitempty"`
}

// NewAwardChange is a wish to change an award: its payee, or the instalments
// of which nothing is paid.
type NewAwardChange struct {
	ID          string
	Reason      string
	SubmittedBy string
	Payee       *Payee           // nil for a change of the plan
	Plan        []ChangedTranche // in their order, without ids
	Faults      []aid.Fault      // what the door found wrong; told with the rest
}

// ProposeChange enters a change of an award that is approved. Until it is
// approved anew everything stays as it is and nothing is paid. A payee is
// changed by the case's partner or by intake, a plan by a verifier or a
// manager. A change of the same id is entered once.
//
// Whom it asks: for another payee, a higher sum or the same sum every level of
// the matrix, of the row of the higher sum; for a lower sum only the last, what
// the others have approved covers it. A treasurer confirms an account.
//
// Errors: NotFound case_not_found; Forbidden wrong_role, conflict_of_interest;
// Conflict wrong_state, wrong_award_state, withdrawal_asked, change_open,
// payment_on_its_way, payment_contradicted; Invalid with the faults
// payee_not_allowed, account_unchanged, method_not_paid, amount_above_ceiling,
// plan_unchanged, unknown_milestone.
func (s *Store) ProposeChange(ctx context.Context, caller *Caller, idOrRef string, n NewAwardChange) (*ChangeRow, error) {
	row, err := s.CaseByID(ctx, caller, idOrRef)
	if err != nil {
		return nil, err
	}
	err = s.Write(ctx, func(tx *Tx) error {
		c, err := tx.LockCase(row.ID)
		if err != nil {
			return err
		}
		if err := tx.mayPropose(c, caller, n); err != nil {
			return err
		}
		_, err = tx.ChangeOf(c, n.ID)
		if aid.KindOf(err) != aid.NotFound {
			return err
		}
		return tx.propose(c, caller, n)
	})
	if err != nil {
		return nil, err
	}
	rows, err := s.AwardChanges(ctx, caller, row.ID)
	if err != nil {
		return nil, err
	}
	return &rows[slices.IndexFunc(rows, func(r ChangeRow) bool { return r.ID == n.ID })], nil
}

func (tx *Tx) mayPropose(c *Case, caller *Caller, n NewAwardChange) error {
	may := caller.HasFor(c.Area, c.Programme, aid.RoleVerifier, aid.RoleManager)
	if n.Payee != nil {
		may = caller.HasFor(c.Area, c.Programme, aid.RoleIntake)
	}
	if caller.Partner() {
		return condition(n.Payee != nil && c.PartnerID == caller.ownID(), aid.Refuse(aid.Forbidden, "wrong_role"))
	}
	var related bool
	if err := tx.get(&related, `SELECT conflicted($1, $2)`, c.ID, caller.Actor()); err != nil {
		return err
	}
	switch {
	case !may:
		return aid.Refuse(aid.Forbidden, "wrong_role")
	case related:
		return aid.Refuse(aid.Forbidden, "conflict_of_interest")
	}
	return nil
}

func condition(holds bool, refusal *aid.Error) error {
	if holds {
		return nil
	}
	return refusal
}

// changeable gives the award that may be changed now.
func (tx *Tx) changeable(c *Case) (*Award, error) {
	if c.Stage != aid.Disbursement {
		return nil, aid.Refuse(aid.Conflict, "wrong_state", "status", string(c.Status))
	}
	a, err := tx.AwardOf(c)
	switch {
	case err != nil:
		return nil, err
	case a.State != "reserved" && a.State != "running":
		return nil, aid.Refuse(aid.Conflict, "wrong_award_state", "state", a.State)
	case c.WithdrawalAsked:
		return nil, aid.Refuse(aid.Conflict, "withdrawal_asked")
	}
	live, err := tx.LivePayment(c)
	switch {
	case err != nil:
		return nil, err
	case live != nil && live.OnItsWay():
		return nil, aid.Refuse(aid.Conflict, "payment_on_its_way")
	}
	return a, tx.refuseContradicted(c)
}

func (tx *Tx) propose(c *Case, caller *Caller, n NewAwardChange) error {
	a, err := tx.changeable(c)
	if err != nil {
		return err
	}
	def, err := tx.Rules(c)
	if err != nil {
		return err
	}
	x := AwardChange{ID: n.ID, AwardID: a.ID, CaseID: c.ID, Kind: "plan", Amount: a.Amount, Reason: n.Reason, ProposedBy: caller.Actor(),
		SubmittedBy: n.SubmittedBy, ProposedAt: tx.Now}
	if n.Payee != nil {
		err = tx.changePayee(c, a, def, n, &x)
	} else {
		err = tx.changePlan(a, def, n, &x)
	}
	if err != nil {
		return err
	}
	levels, err := tx.levelsOfChange(c, a, x)
	if err != nil {
		return err
	}
	if x.Levels, err = json.Marshal(levels); err != nil {
		return err
	}
	if err := tx.insertChange(x); err != nil {
		return err
	}
	return tx.askChange(c, x, levels)
}

func (tx *Tx) changePayee(c *Case, a *Award, def *programme.Definition, n NewAwardChange, x *AwardChange) error {
	faults := n.Faults
	if n.Payee.Kind != "heir" || n.Reason != reasonDied {
		for _, f := range def.CheckPayee(n.Payee.Kind) {
			f.Pointer = "/payee" + f.Pointer
			faults = append(faults, f)
		}
	}
	var pays bool
	if err := tx.get(&pays, `SELECT rails ? $2 FROM funds WHERE id = $1`, a.FundID, n.Payee.Method); err != nil {
		return err
	}
	if !pays {
		faults = append(faults, aid.Fault{Pointer: "/payee/method", Code: "method_not_paid"})
	}
	if err := aid.RefuseAll(faults); err != nil {
		return err
	}
	account, err := tx.account(n.Payee, c.PayeeAccountID)
	if err != nil {
		return err
	}
	if *account == *c.PayeeAccountID {
		return aid.RefuseAll([]aid.Fault{{Pointer: "/payee", Code: "account_unchanged"}})
	}
	until := tx.Now.Add(accountWaits)
	x.Kind, x.AccountID, x.UsableFrom = "payee", account, &until
	return nil
}

// changePlan lays the instalments that are asked for over those of which
// nothing is paid, one by one in their order.
func (tx *Tx) changePlan(a *Award, def *programme.Definition, n NewAwardChange, x *AwardChange) error {
	open, err := tx.unpaid(a)
	if err != nil {
		return err
	}
	plan, same := slices.Clone(n.Plan), len(n.Plan) == len(open)
	faults := n.Faults
	for i := range plan {
		if m := plan[i].Milestone; m != "" && !slices.ContainsFunc(def.Instalments, func(p programme.Tranche) bool { return p.Milestone == m }) {
			faults = append(faults, aid.Fault{Pointer: "/tranches/" + strconv.Itoa(i) + "/milestone", Code: "unknown_milestone"})
		}
		x.Amount += plan[i].Amount
		if i < len(open) {
			plan[i].Tranche = open[i].ID
			same = same && open[i].Amount == plan[i].Amount && open[i].Milestone == plan[i].Milestone
		}
	}
	for i, t := range open {
		x.Amount -= t.Amount
		if i >= len(plan) {
			plan = append(plan, ChangedTranche{Tranche: t.ID})
		}
	}
	if x.Amount > def.Ceiling {
		faults = append(faults, aid.Fault{Pointer: "/tranches", Code: "amount_above_ceiling", Params: map[string]string{"ceiling": strconv.FormatInt(def.Ceiling, 10)}})
	}
	if same || len(open) == 0 {
		faults = append(faults, aid.Fault{Pointer: "/tranches", Code: "plan_unchanged"})
	}
	if err := aid.RefuseAll(faults); err != nil {
		return err
	}
	x.Plan, err = json.Marshal(plan)
	return err
}

// unpaid gives the tranches of an award of which nothing is paid or given up.
func (tx *Tx) unpaid(a *Award) ([]Tranche, error) {
	all, err := tx.Tranches(a)
	return slices.DeleteFunc(all, func(t Tranche) bool {
		return t.Over() || t.State == "paying" || t.Rest() != t.Amount || t.HeldReason == HeldByReturn
	}), err
}

// levelsOfChange gives who has to approve a change.
func (tx *Tx) levelsOfChange(c *Case, a *Award, x AwardChange) ([]aid.Level, error) {
	amount := max(c.Norm(), a.Amount)
	if x.Amount > a.Amount {
		amount = max(amount, x.Amount)
	}
	levels, _, err := tx.wayFor(c, amount)
	if code := aid.CodeOf(err); code == "no_levels" || code == "facts_not_kept" {
		return nil, aid.RefuseAll([]aid.Fault{{Pointer: "/tranches", Code: "amount_above_ceiling"}})
	}
	if err != nil || x.Amount >= a.Amount {
		return levels, err
	}
	last := levels[len(levels)-1]
	last.Parallel = false
	return []aid.Level{last}, nil
}

func (tx *Tx) insertChange(x AwardChange) error {
	return tx.one(`INSERT INTO award_changes (id, award_id, case_id, kind, amount, account_id, usable_from, plan, levels, reason_code, proposed_by,
			submitted_by, proposed_at, state)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, 'open')`, x.ID, x.AwardID, x.CaseID, x.Kind, x.Amount, x.AccountID, x.UsableFrom,
		nullJSON(x.Plan), x.Levels, x.Reason, x.ProposedBy, x.SubmittedBy, x.ProposedAt)
}

func nullJSON(raw []byte) any {
	if len(raw) == 0 {
		return nil
	}
	return raw
}

// askChange asks a treasurer for a new account and the first levels for the
// change, as the next review.
func (tx *Tx) askChange(c *Case, x AwardChange, levels []aid.Level) error {
	c.Review++
	if err := tx.SaveCase(c); err != nil {
		return err
	}
	err := tx.AddEvent(c, Event{Kind: "award.change_proposed", Actor: x.ProposedBy, Data: map[string]any{"change": x.ID, "kind": x.Kind, "amount": x.Amount, "reason_code": x.Reason}})
	if err != nil {
		return err
	}
	if err := tx.AddAudit(x.ProposedBy, "propose_change", x.ID, "done", x.Reason); err != nil {
		return err
	}
	if x.AccountID != nil {
		_, err := tx.OpenOfficeTask(c, NewTask{Kind: aid.ConfirmAccount, Workflow: c.WorkflowID, Subject: x.ID,
			Rule: map[string]any{"because": "payee_changed", "reason_code": x.Reason}})
		if err != nil {
			return err
		}
	}
	if err := tx.AskLevelsOfChange(c, x.ID, aid.Group(levels, 0)); err != nil {
		return err
	}
	return tx.SendSignal(c.WorkflowID, SignalLook) // for the deadlines of the tasks
}

// AskLevelsOfChange opens the approvals of a change by levels that are asked
// together.
//
// Errors: Conflict area_gone where the case's areas have no such level today.
func (tx *Tx) AskLevelsOfChange(c *Case, change string, levels []aid.Level) error {
	for _, level := range levels {
		area, err := tx.AreaAt(c.Area, level.Name)
		if Misconfigured(err) {
			return aid.Refuse(aid.Conflict, "area_gone")
		}
		if err != nil {
			return err
		}
		_, err = tx.OpenOfficeTask(c, NewTask{Kind: aid.Approve, Workflow: c.WorkflowID, Level: level.Name, Subject: change, Rule: level, Area: area})
		if err != nil {
			return err
		}
	}
	return nil
}

// ChangeOf gives a change of a case.
//
// Errors: NotFound change_not_found.
func (tx *Tx) ChangeOf(c *Case, id string) (*AwardChange, error) {
	var x AwardChange
	err := tx.get(&x, `SELECT `+changeColumns+` FROM award_changes x WHERE x.id = $1 AND x.case_id = $2`, id, c.ID)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, aid.Refuse(aid.NotFound, "change_not_found")
	}
	return &x, err
}

// AboutChange tells whether a task asks about a change of an award, which is its
// subject.
func (t *Task) AboutChange() bool { return aboutChange(t) || t.Kind == aid.ConfirmAccount }

// NotInChange names what the data of a decision on a change do not carry: it
// takes the change or leaves it.
func NotInChange() []string { return []string{"conditions", "overrides", "tasks", "to"} }

// aboutChange tells whether a task asks for the approval of a change.
func aboutChange(t *Task) bool { return t.Kind == aid.Approve && t.Subject != "" }

// asChanged gives the case as somebody sees it who approves a change of its
// award: with the payee and the amount that are asked for. For every other task
// it is the case itself.
func (tx *Tx) asChanged(c *Case, t *Task) (*Case, error) {
	if !aboutChange(t) {
		return c, nil
	}
	x, err := tx.ChangeOf(c, t.Subject)
	if err != nil {
		return nil, err
	}
	seen := *c
	seen.Amount = &x.Amount
	if x.AccountID != nil {
		seen.PayeeAccountID = x.AccountID
	}
	return &seen, nil
}

// changeFaults tells what a decision on a change must not carry.
func changeFaults(in Intent) []aid.Fault {
	var said map[string]json.RawMessage
	_ = json.Unmarshal(in.Data, &said) // the door has checked its form
	var faults []aid.Fault
	for _, field := range NotInChange() {
		if said[field] != nil {
			faults = append(faults, aid.Fault{Pointer: "/data/" + field, Code: "not_in_change"})
		}
	}
	return faults
}

// notOwnChange refuses the confirmation of an account by who has entered it.
//
// Errors: Forbidden four_eyes.
func (tx *Tx) notOwnChange(t *Task, persons []string) error {
	if t.Kind != aid.ConfirmAccount {
		return nil
	}
	var by string
	if err := tx.get(&by, `SELECT proposed_by FROM award_changes WHERE id = $1`, t.Subject); err != nil {
		return err
	}
	return condition(!slices.Contains(persons, by), aid.Refuse(aid.Forbidden, "four_eyes"))
}
