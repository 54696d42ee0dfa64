package demo

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"time"
)

// stories are told in this order: three with their incidents, and one of each
// further programme as its own example has it.
func stories() []story {
	return []story{housing(), medical(), schooling(), everyday("housing_repair"), absent(), everyday("other"), everyday(newKind)}
}

// everyday is a case without incidents: the programme's own example, for a
// household of the register, decided by whoever may, to its end. It knows
// nothing of the programme but what the API says.
func everyday(programme string) story {
	return story{programme: programme, steps: []step{checks(), submits(), carriesOn}}
}

// requestFor gives what is asked for: what the story says, else the
// programme's own example.
func (d *demo) requestFor(ctx context.Context, s story, f family) (caseNew, error) {
	if s.request != nil {
		return s.request(f), nil
	}
	var p programme
	if _, err := d.cast.portal().get(ctx, "/v1/programmes/"+s.programme, nil, &p); err != nil {
		return caseNew{}, err
	}
	r := requestOf(f, p.Example.Requested.Amount)
	r.Answers, r.Documents, r.Urgent = p.Example.Answers, p.Example.Documents, p.Example.Urgent
	r.Payee.Kind = p.Example.Payee.Kind
	if _, ok := r.Answers["people"]; ok {
		r.Answers["people"] = 1 + len(f.members)
	}
	return r, nil
}

// carriesOn has every task of a case decided in its favour, by the first
// person who may, and lets time pass when nobody has anything to do.
func carriesOn(ctx context.Context, p *play) error {
	began, quiet := time.Now(), 0
	for {
		c, err := p.read(ctx)
		if err != nil || c.Status == "closed" {
			return err
		}
		if time.Since(began) > 4*patience {
			return fmt.Errorf("the case is %s and waits for %s of %s, still after %s", c.Status, c.NextAction.What, c.NextAction.Who, 4*patience)
		}
		done, err := p.oneTask(ctx)
		if err != nil {
			return err
		}
		if quiet++; done {
			quiet = 0
		} else if quiet > 8 { // nothing goes on by itself either: it waits for a day to come
			quiet = 0
			err = p.passUntil(ctx, p.nextDay(ctx, c))
		} else {
			time.Sleep(100 * time.Millisecond)
		}
		if err != nil {
			return err
		}
	}
}

// nextDay is when something is due again: a visit that is planned, else
// tomorrow.
func (p *play) nextDay(ctx context.Context, c caseView) time.Time {
	now := time.Now().Add(p.ahead)
	if c.Status == "following_up" {
		all, err := list[followUp](ctx, p.cast.as("verifier2"), "/v1/follow-ups", url.Values{"case": {p.id}})
		for _, f := range all {
			if err == nil && f.Status == "planned" {
				return office(f.DueAt, 0, 9, 30)
			}
		}
	}
	return office(now, 1, 9, 0)
}

// deciders are asked in this order. Whoever verifies does not visit afterwards.
func deciders() []string {
	return []string{"verifier1", "verifier2", "approver1", "approver2", "approver4", "treasurer1", "releaser1"}
}

// atWork is when somebody gets to a task: some hours later, in the hours of
// the office; what is to be seen on the spot takes two weeks to be built.
func (p *play) atWork(kind string) time.Time {
	now := time.Now().Add(p.ahead)
	if kind == "confirm_milestone" {
		return office(now, 14, 9, 15)
	}
	later := now.Add(100 * time.Minute).In(vietnam())
	if later.Hour() >= 8 && later.Hour() < 17 && later.Weekday() != time.Saturday && later.Weekday() != time.Sunday {
		return later
	}
	return office(now.Add(7*time.Hour), 0, 8, 30)
}

// isNotFound tells whether the API does not show something to a caller.
func isNotFound(err error) bool {
	var p *problem
	return errors.As(err, &p) && p.Status == 404
}

// oneTask has one open task decided; false when nobody may decide any.
func (p *play) oneTask(ctx context.Context) (bool, error) {
	open, err := list[task](ctx, p.cast.as("manager1"), "/v1/tasks", url.Values{"case": {p.id}, "sort": {"opened_at"}})
	if err != nil {
		return false, err
	}
	for _, t := range open {
		for _, name := range deciders() {
			done, err := p.decideFor(ctx, name, t)
			if err != nil || done {
				return done, err
			}
		}
	}
	return false, nil
}

// decideFor has somebody decide a task in the household's favour, if that
// person may.
func (p *play) decideFor(ctx context.Context, name string, of task) (bool, error) {
	who := p.cast.as(name)
	var t task
	a, err := who.get(ctx, "/v1/tasks/"+of.ID, nil, &t)
	if isNotFound(err) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	for _, action := range []string{"complete", "approve", "confirm"} {
		if slices.Contains(t.AllowedActions, action) {
			if err := p.passUntil(ctx, p.atWork(t.Kind)); err != nil {
				return false, err
			}
			if err := p.sendPhotos(ctx, who, t); err != nil {
				return false, err
			}
			if a, err = who.get(ctx, "/v1/tasks/"+of.ID, nil, &t); err != nil {
				return false, err
			}
			d := t.Forms[action].Example
			d.Action = action
			if err := p.decide(ctx, who, t.ID, a.etag, d); err != nil {
				return false, err
			}
			p.tell(name, p.out.word("task", t.Kind)+": "+p.out.word("action", action))
			return true, nil
		}
	}
	return false, nil
}
