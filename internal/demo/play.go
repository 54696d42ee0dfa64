package demo

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"time"

	"github.com/aidflow/aidflow/aid/money"
)

// story is a request for aid and what happens to it.
type story struct {
	programme string
	request   func(family) caseNew
	steps     []step
}

// step is one thing that somebody does, or some time that passes.
type step func(ctx context.Context, p *play) error

// play is a story being told: one case.
type play struct {
	*demo
	programme  string
	family     family
	request    caseNew
	id         string
	reference  string
	quiet      bool          // its end is told in one line
	delegation string        // that somebody stands in by
	granted    money.Money   // what was approved
	ahead      time.Duration // of the case's clock before the wall clock
	before     fund          // that pays, when the story began
	after      fund          // and when it had ended
	began      time.Time
}

// play goes through the steps of a story.
func (p *play) play(ctx context.Context, steps []step) error {
	p.began = time.Now()
	var err error
	if p.before, err = p.fundFor(ctx, p.request.Area); err != nil {
		return err
	}
	for _, s := range steps {
		if err := s(ctx, p); err != nil {
			return p.named(err)
		}
	}
	return nil
}

// named puts the case's reference before what went wrong.
func (p *play) named(err error) error {
	if p.reference == "" {
		return err
	}
	return fmt.Errorf("%s: %w", p.reference, err)
}

// finish looks whether the case has come to its end and the money to where it
// belongs.
func (p *play) finish(ctx context.Context) error {
	if err := expect("closed")(ctx, p); err != nil {
		return p.named(err)
	}
	var err error
	if p.after, err = p.fundFor(ctx, p.request.Area); err != nil {
		return err
	}
	ended, err := p.read(ctx)
	if err != nil {
		return p.named(err)
	}
	p.granted = ended.Approved
	if err := p.audit(ctx); err != nil {
		return p.named(err)
	}
	p.out.result(p.reference, p.title(p.programme), p.granted.Format(p.o.Lang), time.Since(p.began))
	return nil
}

// tell prints what somebody did, at the time of the case's clock.
func (p *play) tell(who, what string) {
	p.out.scene(time.Now().Add(p.ahead), who, what)
}

// Patience with what the deployment does by itself.
const (
	patience   = 45 * time.Second
	firstPause = 15 * time.Millisecond
	longPause  = 300 * time.Millisecond
)

// poll asks again and again, with growing pauses, until ask says yes. What was
// seen last becomes the error when it never does.
func poll(ctx context.Context, ask func() (yes bool, seen string, err error)) error {
	end, pause := time.Now().Add(patience), firstPause
	for {
		yes, seen, err := ask()
		if err != nil || yes {
			return err
		}
		if time.Now().After(end) {
			return fmt.Errorf("%s, still after %s", seen, patience)
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-time.After(pause):
		}
		pause = min(pause*3/2, longPause)
	}
}

// taskFor waits until somebody may do something on a task of the case, and
// gives the task with its ETag.
func (p *play) taskFor(ctx context.Context, who *caller, kind, action string) (t task, etag string, err error) {
	err = poll(ctx, func() (bool, string, error) {
		open, err := list[task](ctx, who, "/v1/tasks", url.Values{"case": {p.id}, "kind": {kind}})
		if err != nil {
			return false, "", err
		}
		seen := fmt.Sprintf("there is no task %s for %s", kind, who.name)
		for _, one := range open {
			a, err := who.get(ctx, "/v1/tasks/"+one.ID, nil, &t)
			if err != nil {
				return false, "", err
			}
			if slices.Contains(t.AllowedActions, action) {
				etag = a.etag
				return true, "", nil
			}
			seen = fmt.Sprintf("%s may not %s the task %s (%s)", who.name, action, kind, t.Blocked)
			t = task{}
		}
		return false, seen, nil
	})
	return t, etag, err
}

// decide sends a decision and waits until it is applied.
func (p *play) decide(ctx context.Context, who *caller, taskID, etag string, d decisionNew) error {
	var made decision
	_, err := who.call(ctx, request{method: "POST", path: "/v1/tasks/" + taskID + "/decisions", body: d, ifMatch: etag}, &made)
	if err != nil {
		return err
	}
	return poll(ctx, func() (bool, string, error) {
		switch made.Status {
		case "applied":
			return true, "", nil
		case "pending":
		default:
			return false, "", errors.New("the decision of " + who.name + " was " + made.Status + " " + made.RefusalCode)
		}
		id := made.ID
		_, err := who.get(ctx, "/v1/decisions/"+id, nil, &made)
		return made.Status == "applied", "the decision of " + who.name + " is " + made.Status, err
	})
}

// read gives the case as its portal sees it.
func (p *play) read(ctx context.Context) (caseView, error) {
	var c caseView
	_, err := p.cast.portal().get(ctx, "/v1/cases/"+p.id, nil, &c)
	return c, err
}

// state gives the case's clock and its waits.
func (p *play) state(ctx context.Context) (caseState, error) {
	var s caseState
	_, err := p.cast.portal().get(ctx, "/v1/cases/"+p.id+"/status", nil, &s)
	return s, err
}
