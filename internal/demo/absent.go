package demo

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// absent is help with earning a living whose approver takes the case and falls
// ill: the clock runs on, the approver is reminded, the manager hears of it,
// the task goes back, and a colleague decides in the approver's name for as
// long as a delegation says.
func absent() story {
	return story{programme: "production", steps: []step{
		checks(),
		submits(),
		after(1, 8, 20),
		does(act{who: "verifier1", kind: "verify_documents", action: "complete", claim: true, says: "accepts the papers"}),
		after(1, 14, 0),
		does(act{who: "verifier1", kind: "field_visit", action: "complete", note: "Seen at home.", data: evidence("photo"),
			says: "has visited the household: verified"}),
		fallsIll("approver1", "approve"),
		after(7, 9, 0),
		escalated(),
		delegates("manager1", "approver1", "approver5"),
		does(act{who: "approver5", kind: "approve", action: "approve", says: "approves in the name of approver1; both names stand in every record"}),
		inTheNameOf("approver5", "approver1"),
		returnsTheWork("manager1"),
		carriesOn,
	}}
}

// fallsIll has somebody take a task and do nothing.
func fallsIll(name, kind string) step {
	return func(ctx context.Context, p *play) error {
		who := p.cast.as(name)
		t, etag, err := p.taskFor(ctx, who, kind, "approve")
		if err != nil {
			return err
		}
		if _, err := who.call(ctx, request{method: "POST", path: "/v1/tasks/" + t.ID + "/claim", ifMatch: etag}, nil); err != nil {
			return err
		}
		p.tell(name, p.out.say("takes the case, and falls ill"))
		return nil
	}
}

// escalated looks whether the case's own process has reminded, told the
// manager, and closed nothing.
func escalated() step {
	return func(ctx context.Context, p *play) error {
		want := []string{"task.reminded", "case.sla_at_risk", "case.sla_breached", "task.escalated"}
		err := poll(ctx, func() (bool, string, error) {
			events, err := p.timeline(ctx)
			if err != nil {
				return false, "", err
			}
			for _, kind := range want {
				if n := count(events, kind); n != 1 {
					return false, fmt.Sprintf("%s stands %d times in the timeline, not once", kind, n), nil
				}
			}
			return true, "", nil
		})
		if err == nil {
			p.tell("process", p.out.say("has reminded once, told the manager once when the deadline was missed; nothing was decided by the clock"))
		}
		return err
	}
}

func count(events []timelineEntry, kind string) int {
	n := 0
	for _, e := range events {
		if e.Type == kind {
			n++
		}
	}
	return n
}

// delegates has a manager record that a colleague stands in for somebody, for
// one programme, up to an amount, for three days.
func delegates(manager, principal, delegate string) step {
	return func(ctx context.Context, p *play) error {
		now := time.Now()
		var made struct {
			ID string `json:"id"`
		}
		_, err := p.cast.as(manager).post(ctx, "/v1/delegations", map[string]any{"principal": principal, "delegate": delegate,
			"programmes": []string{p.programme}, "ceiling": p.request.Requested.Amount, "from": now, "until": now.Add(72 * time.Hour), "reason_code": "illness"}, &made)
		if err != nil {
			return err
		}
		p.delegation = made.ID
		p.tell(manager, p.out.say("records that %s stands in for %s: this programme only, up to %s, for three days", delegate, principal,
			p.request.Requested.Format(p.o.Lang)))
		return nil
	}
}

// inTheNameOf looks whether the decision names both persons.
func inTheNameOf(delegate, principal string) step {
	return func(ctx context.Context, p *play) error {
		events, err := p.timeline(ctx)
		if err != nil {
			return err
		}
		if !slices.ContainsFunc(events, func(e timelineEntry) bool { return e.Actor == delegate && e.Behalf == principal }) {
			return fmt.Errorf("the timeline does not say that %s decided in the name of %s", delegate, principal)
		}
		return nil
	}
}

// returnsTheWork ends the delegation.
func returnsTheWork(manager string) step {
	return func(ctx context.Context, p *play) error {
		_, err := p.cast.as(manager).call(ctx, request{method: "DELETE", path: "/v1/delegations/" + p.delegation, ifMatch: `"1"`}, nil)
		if err == nil {
			p.tell(manager, p.out.say("ends the delegation: what is not decided goes back"))
		}
		return err
	}
}
