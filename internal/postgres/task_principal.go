package postgres

import (
	"slices"

	"github.com/lib/pq"

	"github.com/aidflow/aidflow/aid"
)

// principalStand is how a principal of the caller stands to a task.
type principalStand struct {
	duty    string // in the task's case; "" for none
	decided bool   // the principal has decided the task, or somebody in that name
}

// principals gives for whom the caller acts as a delegate.
func (c *Caller) principals() []string {
	var all []string
	for _, g := range c.Roles {
		if g.Behalf != "" && !slices.Contains(all, g.Behalf) {
			all = append(all, g.Behalf)
		}
	}
	return all
}

// withPrincipals reads how the caller's principals stand to tasks. Who acts for
// nobody asks nothing.
func withPrincipals(list asker, caller *Caller, rows []TaskRow) error {
	principals := caller.principals()
	if len(principals) == 0 || len(rows) == 0 {
		return nil
	}
	at := map[string]*TaskRow{}
	var ids []string
	for i := range rows {
		rows[i].principals = map[string]principalStand{}
		at[rows[i].ID], ids = &rows[i], append(ids, rows[i].ID)
	}
	var stands []struct {
		Task    string `db:"id"`
		Person  string `db:"person"`
		Duty    string `db:"duty"`
		Decided bool   `db:"decided"`
	}
	err := list(&stands, `SELECT t.id, p.person, coalesce(cd.duty, '') AS duty,
		EXISTS (SELECT 1 FROM decisions d WHERE d.task_id = t.id AND (d.actor = p.person OR d.behalf = p.person) AND d.state IN ('intent', 'applied')) AS decided
		FROM tasks t CROSS JOIN unnest($2::text[]) AS p (person) LEFT JOIN case_duties cd ON cd.case_id = t.case_id AND cd.person = p.person
		WHERE t.id = ANY($1)`, pq.Array(ids), pq.Array(principals))
	for _, s := range stands {
		at[s.Task].principals[s.Person] = principalStand{duty: s.Duty, decided: s.Decided}
	}
	return err
}

// inNameOf tells why the caller may not decide a task in a principal's name
// although the delegation reaches it; nil for "", the own name.
//
// Errors: Forbidden conflict_of_interest, four_eyes (params held, wanted);
// Conflict already_decided.
func (c *Caller) inNameOf(t *TaskRow, principal string) error {
	stand := t.principals[principal]
	switch {
	case principal == "":
		return nil
	case c.Related(t.CaseID, principal):
		return aid.Refuse(aid.Forbidden, "conflict_of_interest")
	case !aid.MayHold(stand.duty, t.Duty):
		return aid.Refuse(aid.Forbidden, "four_eyes", "held", stand.duty, "wanted", t.Duty)
	case stand.decided:
		return aid.Refuse(aid.Conflict, "already_decided")
	}
	return nil
}

// inSomeName refuses a task that the caller may decide in nobody's name: not in
// the own, and whoever lends the role is barred.
//
// Errors: those of inNameOf.
func (c *Caller) inSomeName(t *TaskRow) error {
	rule, _ := aid.RuleOf(t.Kind)
	var refusal error
	for _, g := range c.Roles {
		if !slices.Contains(rule.Roles, g.Role) || g.refuses(t) != nil {
			continue
		}
		err := c.inNameOf(t, g.Behalf)
		if err == nil {
			return nil
		}
		refusal = err
	}
	return refusal
}
