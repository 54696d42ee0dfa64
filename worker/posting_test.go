package worker_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/interceptor"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/worker"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/internal/postgres"
)

// posts lets a programme ask the village for five working days before it pays.
func (tn *town) posts(programme string) {
	tn.t.Helper()
	titles := `{"vi":"x","en":"x","id":"x"}`
	tn.change(`ALTER TABLE programmes DISABLE TRIGGER programmes_stay`)
	tn.change(`UPDATE programmes SET definition = '{"posting":{"days":"P5D","titles":' || $2 || '},' ||
		replace(substr(definition, 2), '"reasons":{', '"reasons":{"objection":[{"code":"not_poor","titles":' || $2 || '}],') WHERE code = $1`, programme, titles)
}

// objects has somebody object to the award of a case, and gives the refusal.
func (tn *town) objects(id, name string) (code string) {
	tn.t.Helper()
	tn.db.Clock.Set(tn.now)
	_, err := tn.db.Object(tn.t.Context(), tn.db.Staff(tn.t, "intake1"), id, postgres.NewObjection{ID: postgres.NewID(aid.ObjectionID),
		Reason: "not_poor", Text: "The family has a shop.", Name: name})
	return aid.CodeOf(err)
}

// hung is what a verifier tells of a list that hangs out since today.
func (tn *town) hung() *move {
	return &move{actor: "verifier1", action: aid.ActionComplete, data: fmt.Sprintf(`{"date": %q, "place": "House of culture"}`, local(tn.now))}
}

func local(at time.Time) string {
	zone, _ := time.LoadLocation("Asia/Ho_Chi_Minh")
	return at.In(zone).Format(time.DateOnly)
}

// villagers are willing people who also hang lists out and hear objections.
func (tn *town) villagers(hear people) people {
	return people(willing).but(aid.PostPublicly, func(postgres.TaskRow, time.Duration) *move { return tn.hung() }).but(aid.DecideObjection, hear)
}

func hearing(action aid.Action, after time.Duration) people {
	return func(_ postgres.TaskRow, waited time.Duration) *move {
		if waited < after {
			return nil
		}
		m := by("approver5", action)
		if action == aid.ActionReject {
			m.reason = "other"
		}
		return m
	}
}

func (tn *town) until(id string) time.Time {
	tn.t.Helper()
	var until time.Time
	require.NoError(tn.t, tn.conn.QueryRow(`SELECT until FROM postings WHERE case_id = $1`, id).Scan(&until))
	return until
}

// The award hangs out for five full working days; nothing is prepared before,
// and then everything goes on as without.
func TestNobodyObjects(t *testing.T) {
	for _, programme := range []string{"medical", "housing_new"} {
		t.Run(programme, func(t *testing.T) {
			t.Parallel()
			tn := newTown(t)
			tn.posts(programme)
			c := tn.submit(example(t, programme))
			tn.once("it is to be hung out", tn.open(c, aid.PostPublicly), func() {
				require.Equal(t, "not_posted", tn.objects(c, ""))
				require.Equal(t, []string{"planned"}, tn.texts(`SELECT DISTINCT state FROM tranches`))
				require.Zero(t, tn.number(`SELECT count(*) FROM payments`))
			})
			tn.once("it hangs out", func() bool { return tn.events(c, "case.posted") == 1 }, func() {
				row := tn.row(c)
				require.Equal(t, aid.OwnerSystem, *row.WaitingOwner)
				next := row.NextAction()
				require.Equal(t, "wait_for_objections", next.What)
				require.Equal(t, tn.until(c), next.By.UTC())
				require.Zero(t, tn.openTasks())
			})
			tn.live(tn.villagers(nil))
			require.Equal(t, aid.Closed, tn.status(c))
			require.Empty(t, tn.row(c).ReasonCode)
			// Approved on Monday 2 March or a day later; the list hangs on the same day, five full days follow.
			require.Equal(t, []string{"true"}, tn.texts(`SELECT (p.until AT TIME ZONE 'Asia/Ho_Chi_Minh')::date = p.posted_on + 8
				AND (p.until AT TIME ZONE 'Asia/Ho_Chi_Minh')::time < '08:00' AND p.over_at >= p.until AND p.over_at < p.until + interval '2 hours' FROM postings p`))
			require.Equal(t, []string{"true"}, tn.texts(`SELECT min(y.created_at) >= min(p.over_at) FROM payments y, postings p`))
			require.Equal(t, []string{"case.posted", "case.posting_over", "payment.due"}, tn.texts(`SELECT kind FROM (SELECT DISTINCT ON (kind) kind, n FROM events
				WHERE kind IN ('case.posted', 'case.posting_over', 'payment.due') ORDER BY kind, n) x ORDER BY n`))
			tn.check()
		})
	}
}

func TestSomebodyObjects(t *testing.T) {
	tests := []struct {
		name   string
		when   time.Duration // before the end of the posting
		action aid.Action
		after  time.Duration // how long the hearing takes
		status aid.Status
	}{
		{"upheld", 48 * time.Hour, aid.ActionApprove, time.Hour, aid.Closed},
		{"not upheld, in time", 5 * 24 * time.Hour, aid.ActionReject, time.Hour, aid.Closed},
		{"not upheld, after the posting", 48 * time.Hour, aid.ActionReject, 10 * 24 * time.Hour, aid.Closed},
		{"at the last minute, upheld", time.Hour, aid.ActionApprove, 3 * time.Hour, aid.Closed},
		{"at the last minute, not upheld", time.Hour, aid.ActionReject, 3 * time.Hour, aid.Closed},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tn := newTown(t)
			tn.posts("medical")
			c := tn.submit(example(t, "medical"))
			tn.once("objects", func() bool {
				tn.idle = 0 // look every hour
				return tn.events(c, "case.posted") == 1 && tn.until(c).Sub(tn.now) <= tt.when
			}, func() {
				require.Zero(t, tn.events(c, "case.posting_over"))
				require.Empty(t, tn.objects(c, "Nguyễn Canary"))
			})
			tn.once("it is heard", tn.open(c, aid.DecideObjection), func() {
				require.Equal(t, aid.OwnerOffice, *tn.row(c).WaitingOwner)
				require.Zero(t, tn.number(`SELECT count(*) FROM payments`))
			})
			four := by("approver1", aid.ActionApprove) // has approved the award
			four.refuse = "four_eyes"
			heard := tn.villagers(hearing(tt.action, tt.after)).first(aid.DecideObjection, four)
			tn.live(heard)
			require.Equal(t, tt.status, tn.status(c))
			require.Equal(t, "hear", tn.duties(c)["approver5"])
			if tt.action == aid.ActionApprove {
				require.Equal(t, "objection_upheld", tn.row(c).ReasonCode)
				require.Equal(t, untouched(), tn.fund())
				require.Equal(t, []string{"cancelled"}, tn.texts(`SELECT state FROM awards`))
				require.Zero(t, tn.number(`SELECT count(*) FROM payments`))
				require.Zero(t, tn.number(`SELECT count(*) FROM tasks WHERE kind = 'recover_money'`))
			} else {
				require.Equal(t, 1, tn.events(c, "payment.settled"))
				require.Equal(t, []string{"true"}, tn.texts(`SELECT over_at >= until FROM postings`))
				require.Equal(t, tt.after < 24*time.Hour && tt.when > 24*time.Hour, tn.number(`SELECT count(*) FROM postings WHERE over_at < until + interval '2 hours'`) == 1)
			}
			tn.check()
		})
	}
}

// Of two objections one that is not upheld stops nothing while the other is
// open; with the first that is upheld the other is moot.
func TestTwoObject(t *testing.T) {
	t.Parallel()
	tn := newTown(t)
	tn.posts("medical")
	c := tn.submit(example(t, "medical"))
	tn.once("both object", func() bool { return tn.events(c, "case.posted") == 1 }, func() {
		require.Empty(t, tn.objects(c, ""))
		require.Empty(t, tn.objects(c, "Lê"))
		require.Empty(t, tn.objects(c, ""))
	})
	no := by("approver5", aid.ActionReject)
	no.reason = "other"
	tn.live(tn.villagers(nil).first(aid.DecideObjection, no, nil, nil, by("approver5", aid.ActionApprove)))
	require.Equal(t, "objection_upheld", tn.row(c).ReasonCode)
	require.Equal(t, []string{"not_upheld", "upheld", "void"}, tn.texts(`SELECT coalesce(nullif(outcome, ''), state) FROM tasks WHERE kind = 'decide_objection' ORDER BY 1`))
	rows, err := tn.db.Objections(t.Context(), tn.db.Staff(t, "manager1"), c, postgres.Page{Limit: 10})
	require.NoError(t, err)
	require.Len(t, rows, 3)
	require.Equal(t, untouched(), tn.fund())
	tn.check()
}

// An objection that comes after the posting stops what is not instructed: a
// payment that is due is not prepared, one that is prepared is not released.
func TestSomebodyObjectsLate(t *testing.T) {
	for _, kind := range []aid.TaskKind{aid.PreparePayment, aid.ReleasePayment} {
		for _, action := range []aid.Action{aid.ActionApprove, aid.ActionReject} {
			t.Run(fmt.Sprintf("%s, %s", kind, action), func(t *testing.T) {
				t.Parallel()
				tn := newTown(t)
				tn.posts("medical")
				c := tn.submit(example(t, "medical"))
				tn.once("objects", tn.open(c, kind), func() { require.Empty(t, tn.objects(c, "")) })
				tn.live(tn.villagers(hearing(action, 30*time.Hour)).but(kind, func(task postgres.TaskRow, waited time.Duration) *move {
					m := willing(task, waited)
					if open := tn.open(c, aid.DecideObjection)(); open && waited < 3*time.Hour {
						m.refuse = "objection_open"
					} else if open {
						return nil
					}
					return m
				}))
				if action == aid.ActionApprove {
					require.Equal(t, "objection_upheld", tn.row(c).ReasonCode)
					require.Equal(t, []string{"cancelled objection_upheld"}, tn.texts(`SELECT state || ' ' || reason FROM payments`))
					require.Equal(t, untouched(), tn.fund())
				} else {
					require.Equal(t, 1, tn.events(c, "payment.settled"))
				}
				tn.check()
			})
		}
	}
}

// An objection that is upheld between two instalments ends the case: the rest
// goes back to the fund, and somebody recovers what was paid.
func TestAnObjectionIsUpheldAfterAPayment(t *testing.T) {
	t.Parallel()
	tn := newTown(t)
	tn.posts("housing_new")
	c := tn.submit(example(t, "housing_new"))
	tn.once("objects", func() bool { return tn.events(c, "payment.settled") == 1 && tn.open(c, aid.ConfirmMilestone)() }, func() { require.Empty(t, tn.objects(c, "")) })
	tn.live(tn.villagers(hearing(aid.ActionApprove, 2*time.Hour)).after(aid.ConfirmMilestone, 48*time.Hour))
	require.Equal(t, aid.Closed, tn.status(c))
	require.Equal(t, "objection_upheld", tn.row(c).ReasonCode)
	require.Equal(t, []string{"settled", "skipped", "skipped"}, tn.texts(`SELECT state FROM tranches ORDER BY n`))
	require.Equal(t, []string{"done"}, tn.texts(`SELECT state FROM tasks WHERE kind = 'recover_money'`))
	tn.check()
}

// While a payment is on its way an objection that is upheld waits for its end,
// and nothing new is instructed.
func TestAnObjectionIsUpheldWhileAPaymentIsOnItsWay(t *testing.T) {
	t.Parallel()
	tn := newTown(t)
	tn.posts("medical")
	request := payable(t, "990009") // the bank never tells the end
	c := tn.submit(request)
	tn.patient.asks = 0
	tn.once("objects", func() bool { return tn.events(c, "payment.unknown") == 1 }, func() { require.Empty(t, tn.objects(c, "")) })
	tn.live(tn.villagers(hearing(aid.ActionApprove, 0)).but(aid.ResolvePayment, func(task postgres.TaskRow, waited time.Duration) *move {
		if tn.number(`SELECT count(*) FROM tasks WHERE kind = 'decide_objection' AND outcome = 'upheld'`) == 0 {
			return nil
		}
		require.Equal(t, aid.Paying, tn.status(c), "the case waits for its payment")
		if task.Version > 1 {
			return outcome("manager1", "failed")
		}
		return outcome("treasurer2", "failed")
	}))
	require.Equal(t, aid.Closed, tn.status(c))
	require.Equal(t, "objection_upheld", tn.row(c).ReasonCode)
	require.Equal(t, []string{"failed"}, tn.texts(`SELECT state FROM payments`))
	require.Equal(t, untouched(), tn.fund())
	tn.check()
}

// A partner withdraws while the award hangs out, and while it is to be hung
// out.
func TestWithdrawInPosting(t *testing.T) {
	for name, hung := range map[string]bool{"before it hangs": false, "while it hangs": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tn := newTown(t)
			tn.posts("housing_new")
			c := tn.submit(example(t, "housing_new"))
			who := tn.villagers(nil)
			if !hung {
				who = who.never(aid.PostPublicly)
			}
			tn.once("withdraw", func() bool { return tn.open(c, aid.PostPublicly)() && !hung || tn.events(c, "case.posted") == 1 }, func() { tn.withdraw(c) })
			tn.live(who)
			require.Equal(t, aid.Withdrawn, tn.status(c))
			require.Equal(t, untouched(), tn.fund())
			require.Equal(t, "wrong_state", tn.objects(c, ""))
			tn.check()
		})
	}
}

// Nobody is without a duty: the case is parked, an administrator is called,
// and it is never paid or rejected for that.
func TestNobodyCanHear(t *testing.T) {
	t.Parallel()
	tn := newTown(t)
	tn.posts("medical")
	tn.change(`UPDATE staff SET disabled_at = now() WHERE subject LIKE 'approver%' AND subject <> 'approver1'`)
	c := tn.submit(example(t, "medical"))
	tn.once("objects", func() bool { return tn.events(c, "case.posted") == 1 }, func() { require.Empty(t, tn.objects(c, "")) })
	tn.once("parked", func() bool { return tn.because(c) != "" }, func() {
		require.Equal(t, "nobody_can_decide", tn.because(c))
		require.Equal(t, "not_repaired", tn.repaired(c))
		tn.change(`UPDATE staff SET disabled_at = NULL WHERE subject = 'approver5'`)
		require.Empty(t, tn.repaired(c))
	})
	tn.live(tn.villagers(hearing(aid.ActionReject, time.Hour)))
	require.Equal(t, aid.Closed, tn.status(c))
	require.Equal(t, 1, tn.events(c, "payment.settled"))
	tn.check()
}

// What a verifier says of a list that hangs is looked at.
func TestABadPosting(t *testing.T) {
	t.Parallel()
	tn := newTown(t)
	tn.posts("medical")
	tn.submit(example(t, "medical"))
	said := func(data string) *move {
		return &move{actor: "verifier1", action: aid.ActionComplete, data: data, refuse: "invalid_content"}
	}
	nothing := said(`{}`)
	nothing.refuse = "date_required"
	tn.live(tn.villagers(nil).first(aid.PostPublicly, said(`{"date": "2026-13-01"}`), said(`{"date": "2030-01-01"}`), said(`{"date": "2026-02-20"}`), nothing))
	require.Equal(t, 1, tn.number(`SELECT count(*) FROM postings`))
	tn.check()
}

// A list that was hung out long ago and is told of late.
func TestAPostingIsToldLate(t *testing.T) {
	t.Parallel()
	tn := newTown(t)
	tn.posts("medical")
	c := tn.submit(example(t, "medical"))
	tn.live(tn.villagers(nil).but(aid.PostPublicly, func(task postgres.TaskRow, waited time.Duration) *move {
		if waited < 20*24*time.Hour {
			return nil
		}
		m := tn.hung()
		m.data = strings.Replace(m.data, local(tn.now), local(task.OpenedAt), 1)
		return m
	}))
	require.Equal(t, 1, tn.events(c, "payment.settled"))
	require.Equal(t, []string{"true"}, tn.texts(`SELECT over_at > until + interval '5 days' FROM postings`))
	tn.check()
}

// A programme without posting is paid as before: no step more.
func TestWithoutPostingNothingChanges(t *testing.T) {
	t.Parallel()
	tn := newTown(t)
	tn.submit(example(t, "medical"))
	tn.live(willing)
	require.Equal(t, []string{"open_disbursement", "decide_release", "after_payment"}, tn.texts(`SELECT name FROM transitions WHERE workflow_id LIKE 'disbursement/%' ORDER BY seq`))
	tn.check()
}

func TestPostingTwice(t *testing.T) {
	for name, atOnce := range map[string]bool{"one after the other": false, "both at once": true} {
		for _, action := range []aid.Action{aid.ActionApprove, aid.ActionReject} {
			t.Run(fmt.Sprintf("%s, %s", name, action), func(t *testing.T) {
				t.Parallel()
				tn := newTown(t)
				tn.posts("medical")
				twice := &repeater{t: t, doing: tn.doing, atOnce: atOnce, times: map[string]int{}}
				tn.prepare = func(env *testsuite.TestWorkflowEnvironment) {
					env.SetWorkerOptions(worker.Options{Interceptors: []interceptor.WorkerInterceptor{twice}})
				}
				c := tn.submit(example(t, "medical"))
				tn.once("objects", func() bool { return tn.events(c, "case.posted") == 1 }, func() { require.Empty(t, tn.objects(c, "")) })
				tn.live(tn.villagers(hearing(action, time.Hour)))
				for kind, n := range map[string]int{"case.posted": 1, "case.objection_received": 1, "case.objection_decided": 1, "case.closed": 1} {
					require.Equal(t, n, tn.events(c, kind), kind)
				}
				require.NotZero(t, twice.times["PostPublicly"])
				require.NotZero(t, twice.times["DecideObjection"])
				require.Equal(t, map[aid.Action]int{aid.ActionApprove: 0, aid.ActionReject: 1}[action], tn.events(c, "payment.settled"))
				tn.check()
			})
		}
	}
}
