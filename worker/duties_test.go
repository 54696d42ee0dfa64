package worker_test

import (
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/internal/postgres"
	"github.com/aidflow/aidflow/workflows"
)

// omnipotent makes people who have every role at every level: what they may
// not do, they may not because of what they have done.
func (tn *town) omnipotent(names ...string) {
	tn.t.Helper()
	for _, name := range names {
		_, err := tn.conn.Exec(`INSERT INTO staff (subject, name, created_at) VALUES ($1, $1, now())`, name)
		require.NoError(tn.t, err)
		_, err = tn.conn.Exec(`INSERT INTO staff_roles (subject, role, area, level, committee, chair)
			SELECT $1, role, '51', level, committee, committee FROM (VALUES ('verifier', '', false), ('approver', 'commune', false),
				('approver', 'province', true), ('treasurer', '', false), ('releaser', '', false), ('manager', '', false)) AS r (role, level, committee)`, name)
		require.NoError(tn.t, err)
	}
}

// duties gives who holds which duty of a case.
func (tn *town) duties(id string) map[string]string {
	held := map[string]string{}
	for _, person := range tn.texts(`SELECT person FROM case_duties WHERE case_id = $1`, id) {
		held[person] = tn.texts(`SELECT duty FROM case_duties WHERE case_id = $1 AND person = $2`, id, person)[0]
	}
	return held
}

// crowd is people who all try everything: at every task first comes everybody
// who may not, and is refused, at the door and by the workflow; then somebody
// who may.
type crowd struct {
	tn      *town
	names   []string
	refused map[string]int // by duty held and duty wanted
	tried   map[string]bool
}

func (c *crowd) decide(t postgres.TaskRow, waited time.Duration) *move {
	usual := willing(t, waited)
	if t.Duty == "" || usual == nil {
		return usual
	}
	held := c.tn.duties(t.CaseID)
	voted := c.tn.texts(`SELECT actor FROM decisions WHERE task_id = $1 AND state = 'applied'`, t.ID)
	var free string
	for _, name := range slices.Backward(c.names) {
		switch {
		case slices.Contains(voted, name):
		case aid.MayHold(held[name], t.Duty):
			free = name
		case !c.tried[t.ID+name]:
			c.tried[t.ID+name] = true
			c.refused[held[name]+", then "+t.Duty]++
			c.atTheWorkflow(t, name, usual.action)
			return &move{actor: name, action: usual.action, refuse: "four_eyes"}
		}
	}
	usual.actor = free
	return usual
}

// atTheWorkflow goes round the door, as a defect of it would. The workflow
// knows of the duties that it has seen; PostgreSQL of all.
func (c *crowd) atTheWorkflow(t postgres.TaskRow, name string, action aid.Action) {
	if t.Kind == aid.PreparePayment {
		return // no workflow is asked
	}
	id := postgres.NewID(aid.DecisionID)
	_, err := c.tn.conn.Exec(`INSERT INTO decisions (id, task_id, case_id, actor, action, reason_code, task_version, state, asked_at)
		VALUES ($1, $2, $3, $4, $5, '', $6, 'intent', $7)`, id, t.ID, t.CaseID, name, action, t.Version, c.tn.now)
	require.NoError(c.tn.t, err)
	a := c.tn.update(t.WorkflowID, workflows.UpdateDecide, id, aid.Decision{ID: id, Task: t.ID, Kind: t.Kind, Actor: name, Action: action})
	a.want = "four_eyes"
	c.tn.answers = append(c.tn.answers, a)
}

// Four eyes over the whole case: whoever has done one thing in it can do
// nothing else, whatever the roles.
func TestNobodyDoesTwoThings(t *testing.T) {
	t.Parallel()
	tn := newTown(t)
	c := &crowd{tn: tn, names: []string{"o1", "o2", "o3", "o4", "o5", "o6", "o7", "o8"}, refused: map[string]int{}, tried: map[string]bool{}}
	tn.omnipotent(c.names...)
	id := tn.submit(example(t, "housing_new"))
	tn.live(c.decide)
	require.Equal(t, aid.Closed, tn.status(id))
	order := []string{"verify", "approve:commune", "approve:province", "pay", "release"}
	for i, held := range order {
		for j, wanted := range order {
			pair := held + ", then " + wanted
			// Later duties come again with every tranche, earlier ones do not, but
			// for the evidence, which is a verifier's.
			if i < j || (wanted == "verify" && i > j) || (held == "release" && wanted == "pay") {
				require.NotZero(t, c.refused[pair], pair)
			}
		}
	}
	require.NotZero(t, c.refused["verify, then follow_up"])
	require.Equal(t, 57_000_000, tn.fund().spent)
	tn.check()
}

// With as few people as there are duties a case goes all the way, and with one
// person less it stops where the duty is missing: nothing gives way.
func TestTooFewPeople(t *testing.T) {
	t.Parallel()
	tn := newTown(t)
	c := &crowd{tn: tn, names: []string{"o1", "o2", "o3", "o4"}, refused: map[string]int{}, tried: map[string]bool{}}
	tn.omnipotent(c.names...)
	id := tn.submit(example(t, "housing_new"))
	stuck := func(task postgres.TaskRow, waited time.Duration) *move {
		m := c.decide(task, waited)
		if m == nil || m.actor == "" {
			return nil
		}
		return m
	}
	start := tn.now
	tn.liveUntil(stuck, func() bool { return tn.now.Sub(start) > 60*24*time.Hour })
	require.Equal(t, []string{"prepare_payment"}, tn.texts(`SELECT kind FROM tasks WHERE closed_at IS NULL`), "the verifier, one of the commune, two of the committee: nobody is left to pay")
	require.Equal(t, aid.Approved, tn.status(id))
	require.Equal(t, fund{budget: 500_000_000, raised: 500_000_000, available: 443_000_000, reserved: 57_000_000}, tn.fund())
	tn.check()
}
