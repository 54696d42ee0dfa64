package worker_test

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/internal/postgres"
	"github.com/aidflow/aidflow/workflows"
)

// agree compares a refusal with the reasons that the model has for one.
func (wk *walk) agree(what string, code string, why []string) error {
	if code != "" {
		wk.seen["refused with "+code]++
	}
	switch {
	case code == "" && len(why) > 0:
		return fmt.Errorf("%s: accepted, the model has reasons against it: %v", what, why)
	case code != "" && !slices.Contains(why, code):
		return fmt.Errorf("%s: refused with %s, the model says %v", what, code, why)
	}
	return nil
}

func coded(err error) (string, error) {
	if err != nil && aid.CodeOf(err) == "" {
		return "", err
	}
	return aid.CodeOf(err), nil
}

func (d *decision) String() string {
	return fmt.Sprint(d.action, " of ", d.work.name(), " by ", d.actor, " for ", d.behalf, " amount ", d.amount, " to ", d.to, " version ", d.version)
}

// decide stores what somebody wants and brings it to the workflow, as the API
// does; sometimes the API dies in between, and sometimes it is asked twice.
func (wk *walk) decide(a deed) error {
	d := wk.drawn(a)
	why := wk.m.refusals(d, false)
	recorded, err := wk.tn.db.RecordIntent(wk.tn.t.Context(), wk.intent(d))
	code, fault := coded(err)
	if err := errors.Join(fault, wk.agree(d.String(), code, why)); err != nil || code != "" {
		return err
	}
	if hands, _, _ := wk.m.standing(d.work, d.actor, d.behalf); len(hands) > 1 {
		d.behalf = hands[1]
	}
	if recorded.Decision.Behalf != d.behalf {
		return fmt.Errorf("%s: in the name of %q, the model says %q", d, recorded.Decision.Behalf, d.behalf)
	}
	wk.said[d] = recorded
	wk.m.pending = append(wk.m.pending, d)
	if a.Do == "lose" {
		return nil
	}
	if a.Do == "twice" {
		if again, err := wk.tn.db.RecordIntent(wk.tn.t.Context(), wk.intent(d)); err != nil || again.Decision != recorded.Decision {
			return fmt.Errorf("%s, asked again: %v %v", d, again, err)
		}
	}
	return wk.bring(d, a.Do == "twice")
}

// brings does what the sweep does: what was asked for and lost is brought.
func (wk *walk) brings(deed) error {
	if len(wk.m.pending) == 0 {
		return nil
	}
	return wk.bring(wk.m.pending[0], false)
}

func (wk *walk) bring(d *decision, twice bool) error {
	wk.m.pending = slices.DeleteFunc(wk.m.pending, func(p *decision) bool { return p == d })
	why, recorded := wk.m.refusals(d, true), wk.said[d]
	if wk.tn.workflow(recorded.Workflow) == nil {
		if len(why) == 0 {
			return fmt.Errorf("%s: its workflow is gone", d)
		}
		return wk.tn.db.RefuseIntent(wk.tn.t.Context(), d.id, aid.Conflict, "workflow_gone")
	}
	answers := []*answer{wk.tn.update(recorded.Workflow, workflows.UpdateDecide, d.id, recorded.Decision)}
	if twice {
		answers = append(answers, wk.tn.update(recorded.Workflow, workflows.UpdateDecide, d.id, recorded.Decision))
	}
	wk.tn.pass(aMoment)
	for i, a := range answers {
		if i > 0 && !a.done && wk.tn.workflow(recorded.Workflow) == nil {
			continue // it is over; a server gives the first answer again
		}
		if !a.done {
			return fmt.Errorf("%s was not answered", d)
		}
		if err := wk.agree(d.String(), a.code(), why); err != nil {
			return err
		}
	}
	if len(why) == 0 {
		wk.m.decides(d)
		wk.seen["decision made"]++
		wk.seen["decision made: "+string(d.action)+" of "+string(d.work.kind)]++
		if d.behalf != "" {
			wk.seen["decision made in another's name"]++
		}
	}
	wk.m.passes(aMoment)
	return nil
}

// time lets six hours or more pass.
func (wk *walk) time(a deed) error {
	return wk.pass(time.Duration(choose([]int{1, 1, 2, 3, 5, 14, 24, 60}, a.Pick))*6*time.Hour + aWhile)
}

func (wk *walk) claim(a deed) error {
	tasks := wk.m.opens(aid.VerifyDocuments, aid.FieldVisit, aid.Approve, aid.DecideStalled)
	if len(tasks) == 0 {
		return nil
	}
	w, person := choose(tasks, a.Task), choose(slices.Sorted(maps.Keys(wk.m.staff)), a.Who)
	if person == "partner" || person == "verifier3" || wk.unclear(person) {
		return nil
	}
	why := wk.bars(w, person)
	_, err := wk.tn.db.ClaimTask(wk.tn.t.Context(), wk.tn.db.Staff(wk.tn.t, person), w.id, 0)
	if (err == nil) != (len(why) == 0) {
		return fmt.Errorf("%s claims %s: %v, the model says %v", person, w.name(), err, why)
	}
	switch {
	case err != nil:
	case w.holder != person:
		wk.m.holds(w, person, "")
	case wk.m.claims > 0:
		w.lapses = wk.m.now + wk.m.claims
	}
	return wk.pass(aMoment)
}

// unclear tells that what a person is shown is no last word: whoever may be
// decided for at this moment, or whose principal may have decided, is shown as
// having decided. Whose decision comes first is the one that counts.
func (wk *walk) unclear(person string) bool {
	hands := []string{person}
	for _, l := range wk.m.lenders(person) {
		hands = append(hands, l.principal)
	}
	return slices.ContainsFunc(wk.m.pending, func(p *decision) bool {
		return slices.Contains(hands, p.behalf) || slices.Contains(hands[1:], p.actor)
	})
}

// bars tells what keeps a person from a task, whatever is decided.
func (wk *walk) bars(w *work, person string) []string {
	return wk.m.refusals(&decision{work: w, actor: person, action: aid.ActionAbstain, version: w.version}, false)
}

func (wk *walk) release(a deed) error {
	held := slices.DeleteFunc(wk.m.opens(), func(w *work) bool { return w.holder == "" })
	if len(held) == 0 {
		return nil
	}
	w := choose(held, a.Task)
	by := choose([]string{w.holder, "manager1"}, a.Pick)
	if _, err := wk.tn.db.ReleaseTask(wk.tn.t.Context(), wk.tn.db.Staff(wk.tn.t, by), w.id, 0); err != nil {
		return fmt.Errorf("%s releases %s: %w", by, w.name(), err)
	}
	wk.m.holds(w, "", "")
	return wk.pass(aMoment)
}

func (wk *walk) delegate(a deed) error {
	people := slices.DeleteFunc(slices.Sorted(maps.Keys(wk.m.staff)), func(p string) bool { return p == "partner" || p == "verifier3" })
	l := &lending{id: postgres.NewID(aid.DelegationID), principal: choose(people, a.Who), delegate: choose(append(slices.Clone(people), "verifier3"), a.Task), begins: wk.m.now}
	if a.Fit {
		fit := slices.DeleteFunc(append(slices.Clone(people), "verifier3"), func(p string) bool {
			return p == l.principal || wk.m.staff[p].role != wk.m.staff[l.principal].role
		})
		if len(fit) == 0 {
			return nil
		}
		l.delegate = choose(fit, a.Task)
	}
	if a.Pick%4 == 0 {
		l.begins += 5 * time.Hour
	}
	l.ends = l.begins + time.Duration(a.Pick%9)*6*time.Hour + 5*time.Hour
	if a.Pick%5 == 0 {
		l.ceiling = 5_500_000
	}
	in := postgres.NewDelegation{ID: l.id, Delegate: l.delegate, Ceiling: l.ceiling, Until: wk.tn.now.Add(l.ends - wk.m.now), Reason: "leave"}
	if l.begins > wk.m.now {
		in.From = wk.tn.now.Add(l.begins - wk.m.now)
	}
	why := wk.m.apart(l)
	_, err := wk.tn.db.CreateDelegation(wk.tn.t.Context(), wk.tn.db.Staff(wk.tn.t, l.principal), in)
	code, fault := coded(err)
	var refused *aid.Error
	if errors.As(err, &refused) && len(refused.Faults) > 0 {
		code = refused.Faults[0].Code
	}
	what := fmt.Sprintf("%s delegates to %s", l.principal, l.delegate)
	if err := errors.Join(fault, wk.agree(what, code, why)); err != nil || code != "" {
		return err
	}
	wk.m.lent = append(wk.m.lent, l)
	wk.m.sweeps()
	return wk.pass(aMoment)
}

func (wk *walk) revoke(a deed) error {
	if len(wk.m.lent) == 0 {
		return nil
	}
	l := choose(wk.m.lent, a.Who)
	var why []string
	if l.revoked || wk.m.now >= l.ends {
		why = []string{"delegation_over"}
	}
	_, err := wk.tn.db.RevokeDelegation(wk.tn.t.Context(), wk.tn.db.Staff(wk.tn.t, choose([]string{l.principal, l.delegate}, a.Pick)), l.id, 0)
	code, fault := coded(err)
	if err := errors.Join(fault, wk.agree("a revocation", code, why)); err != nil || code != "" {
		return err
	}
	l.revoked = true
	wk.m.sweeps()
	return wk.pass(aMoment)
}

// role takes somebody's role away, or gives it back.
func (wk *walk) role(a deed) error {
	tn, p := wk.tn, choose([]string{"approver1", "approver2", "approver3", "approver6", "approver7", "verifier2"}, a.Who)
	ctx, admin := tn.t.Context(), tn.db.Staff(tn.t, "admin1")
	row, err := tn.db.StaffMember(ctx, admin, p)
	if err != nil {
		return err
	}
	out, to := !wk.m.staff[p].out, []postgres.StaffRole{}
	if out {
		wk.roles[p] = row.Roles
	} else {
		to = wk.roles[p]
	}
	if _, err := tn.db.ChangeStaff(ctx, admin, p, row.Version, postgres.StaffChange{Roles: &to}); err != nil {
		return err
	}
	wk.m.leaves(p, out)
	return wk.pass(aMoment)
}

func (wk *walk) give(a deed) error {
	amount := choose([]int64{1_000_000, 3_000_000}, a.Pick)
	wk.tn.give(amount)
	wk.m.money += amount
	wk.m.tries()
	wk.tn.dispatch()
	wk.tn.pass(aMoment)
	wk.m.passes(aMoment)
	return nil
}

// withdraw is the partner's wish, at one try in three.
func (wk *walk) withdraw(a deed) error {
	if a.Pick%3 > 0 {
		return nil
	}
	wish := wk.tn.wish(wk.c)
	said := wk.tn.update(wish.Workflow, workflows.UpdateWithdraw, wish.Withdrawal.ID, wish.Withdrawal)
	wk.tn.pass(aMoment)
	if !said.done || said.err != nil {
		return fmt.Errorf("the withdrawal: %v", said.err)
	}
	wk.m.end(aid.Withdrawn)
	return nil
}
