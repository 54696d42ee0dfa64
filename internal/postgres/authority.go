package postgres

import (
	"database/sql"
	"encoding/json"
	"errors"
	"slices"

	"github.com/aidflow/aidflow/aid"
)

// Standing is how a person may decide a task: in the own name or in that of a
// principal, whose delegate the person is today.
type Standing struct {
	Actor  string `db:"actor"`
	Behalf string `db:"behalf"` // the principal; "" in the own name
	Chair  bool   `db:"-"`      // of the committee

	delegation string
	voted      bool // one of the two has decided the task, or somebody in the name of one
}

// Persons gives who takes part: the actor and, for a delegate, the principal.
func (s Standing) Persons() []string {
	return aid.Hands(aid.Decision{Actor: s.Actor, Behalf: s.Behalf})
}

// notVoted refuses a second vote of one of the two persons on a task.
//
// Errors: Conflict already_decided.
func (s Standing) notVoted() error {
	if s.voted {
		return aid.Refuse(aid.Conflict, "already_decided")
	}
	return nil
}

// behalfOf gives in whose name a person acts in this transaction.
func (tx *Tx) behalfOf(actor string) string {
	if actor == tx.acting.Actor {
		return tx.acting.Behalf
	}
	return ""
}

// mayTake refuses a task that somebody else has in hand. What the principal
// has is the delegate's, too, and what came to the delegate stays the
// principal's.
//
// Errors: Conflict task_claimed (params as of TooLate).
func (tx *Tx) mayTake(t *Task, by Standing) error {
	if slices.Contains(by.Persons(), t.Holder(tx.Now)) || (t.AssignedFor != nil && *t.AssignedFor == by.Actor) {
		return nil
	}
	return t.heldByAnother(tx.Now, by.Actor)
}

// grant is a role seen from one task: the actor's own, or one that a principal
// of the actor lends.
type grant struct {
	Behalf     string   `json:"behalf"`
	Delegation string   `json:"delegation"`
	Role       aid.Role `json:"role"`
	Level      string   `json:"level"`
	Committee  bool     `json:"committee"`
	Chair      bool     `json:"chair"`
	Gone       bool     `json:"gone"` // the task's area is no more
	InScope    bool     `json:"in_scope"`
}

// lent is the part of a query that tells which roles a person holds now: the
// own, and those of the principals, as far as the person holds the same role.
// Whoever is disabled lends and borrows nothing. Nothing that was lent is lent
// on, because it is not among staff_roles. The argument is the person, the
// second the wall clock.
const lent = `
	SELECT $1::text AS person, '' AS behalf, '' AS delegation, '{}'::text[] AS only, NULL::bigint AS ceiling
	UNION ALL
	SELECT d.principal, d.principal, d.id, d.programmes, d.ceiling
	FROM delegations d JOIN staff p ON p.subject = d.principal AND p.disabled_at IS NULL
	WHERE d.delegate = $1 AND d.revoked_at IS NULL AND d.from_at <= $2 AND d.until_at > $2`

// lends keeps of a principal's roles r those that the delegate $1 holds, too,
// and that can be lent: administration and watching cannot.
const lends = `(a.behalf = '' OR (r.role NOT IN ('admin', 'auditor', 'intake')
	AND EXISTS (SELECT 1 FROM staff_roles o WHERE o.subject = $1 AND o.role = r.role)))`

// authorise tells whether a person may decide a task at all, in whose name,
// and whether as chair. Behalf names the principal; without it the own
// authority comes first, then the one delegation that gives it. A partner
// decides only what its own case waits for. While a task is in an area that is
// gone, nobody decides it but who says where it belongs.
//
// Errors: NotFound task_not_found; Forbidden wrong_role, wrong_level,
// not_delegated; Conflict area_gone; Invalid with the fault required at
// /on_behalf_of when several delegations give it.
func (tx *Tx) authorise(c *Case, t *Task, actor, behalf string, partner bool) (Standing, error) {
	by, _, err := tx.standsOn(c, t, actor, behalf, partner)
	return by, err
}

// standsOn is authorise, and gives what else was read on the way.
func (tx *Tx) standsOn(c *Case, t *Task, actor, behalf string, partner bool) (Standing, *footing, error) {
	if partner || t.Kind == aid.ProvideInformation {
		switch {
		case !partner || c.PartnerID != actor:
			return Standing{}, nil, aid.Refuse(aid.NotFound, "task_not_found")
		case t.Kind != aid.ProvideInformation:
			return Standing{}, nil, aid.Refuse(aid.Forbidden, "wrong_role")
		}
		account, err := tx.payeeHash(c)
		return Standing{Actor: actor}, &footing{account: account}, err
	}
	g, err := tx.footingOf(c, t, actor)
	if err != nil {
		return Standing{}, nil, err
	}
	by, err := choose(t, actor, behalf, g.grants)
	if err != nil {
		return Standing{}, nil, err
	}
	by.voted = slices.ContainsFunc(g.votes, func(b ballot) bool { return b.of(by.Persons()) })
	return by, g, tx.holdDelegation(by)
}

// holdDelegation keeps the delegation by which somebody acts from being revoked
// until the transaction is over: a revocation comes before the act, or after.
func (tx *Tx) holdDelegation(by Standing) error {
	if by.delegation == "" {
		return nil
	}
	var id string
	err := tx.get(&id, `SELECT id FROM delegations WHERE id = $1 AND revoked_at IS NULL FOR SHARE`, by.delegation)
	if errors.Is(err, sql.ErrNoRows) {
		return aid.Refuse(aid.Forbidden, "not_delegated")
	}
	return err
}

// choose finds in whose name a person decides a task.
func choose(t *Task, actor, behalf string, grants []grant) (Standing, error) {
	by := map[string][]grant{"": nil}
	for _, g := range grants {
		by[g.Behalf] = append(by[g.Behalf], g)
	}
	if behalf != "" {
		standing, err := inName(t, actor, by[behalf])
		if aid.CodeOf(err) == "task_not_found" && len(grants) > 0 {
			err = aid.Refuse(aid.Forbidden, "not_delegated")
		}
		return standing, err
	}
	standing, refusal := inName(t, actor, by[""])
	if refusal == nil || len(grants) == 0 {
		return standing, refusal
	}
	var able []Standing
	for principal, lent := range by {
		s, err := inName(t, actor, lent)
		if principal != "" && err == nil {
			able = append(able, s)
		} else if aid.CodeOf(refusal) == "task_not_found" {
			refusal = err
		}
	}
	switch len(able) {
	case 0:
		return Standing{}, refusal
	case 1:
		return able[0], nil
	}
	return Standing{}, aid.RefuseAll([]aid.Fault{{Pointer: "/on_behalf_of", Code: "required"}})
}

// inName judges the grants of one name.
func inName(t *Task, actor string, grants []grant) (Standing, error) {
	chair, err := mayDecide(t, grants)
	if err != nil {
		return Standing{}, err
	}
	g := grants[0]
	return Standing{Actor: actor, Behalf: g.Behalf, Chair: chair, delegation: g.Delegation}, nil
}

func mayDecide(t *Task, grants []grant) (chair bool, err error) {
	if len(grants) == 0 {
		return false, aid.Refuse(aid.NotFound, "task_not_found")
	}
	rule, _ := aid.RuleOf(t.Kind)
	var level aid.Level
	if t.Kind == aid.Approve {
		if err := json.Unmarshal(t.Rule, &level); err != nil {
			return false, err
		}
	}
	refusal, may := aid.Refuse(aid.Forbidden, "wrong_role"), false
	for _, g := range grants {
		switch {
		case !slices.Contains(rule.Roles, g.Role):
		case t.Level != "" && t.Kind == aid.Approve && (g.Level != t.Level || (level.Mode == aid.ModeCommittee && !g.Committee)):
			if refusal.Code == "wrong_role" { // another grant has come nearer
				refusal = aid.Refuse(aid.Forbidden, "wrong_level", "level", t.Level)
			}
		case !g.InScope && g.Behalf != "":
			refusal = aid.Refuse(aid.Forbidden, "not_delegated")
		case !g.InScope:
			refusal = aid.Refuse(aid.Forbidden, "wrong_programme")
		default:
			may, chair = true, chair || g.Chair
		}
	}
	if !may {
		return false, refusal
	}
	if grants[0].Gone && t.ClosedAt == nil && t.Kind != aid.RepairConfiguration {
		return false, aid.Refuse(aid.Conflict, "area_gone")
	}
	return chair, nil
}
