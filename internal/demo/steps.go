package demo

import (
	"context"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"time"
)

// act is a decision of a member of the staff.
type act struct {
	who    string
	kind   string // of the task
	action string
	reason string
	note   string
	data   map[string]any
	claim  bool   // take the task first
	says   string // what is told, in English
}

// does has somebody decide a task, as soon as there is one.
func does(a act) step {
	return func(ctx context.Context, p *play) error {
		who := p.cast.as(a.who)
		t, etag, err := p.taskFor(ctx, who, a.kind, a.action)
		if err != nil {
			return err
		}
		if a.claim {
			got, err := who.call(ctx, request{method: "POST", path: "/v1/tasks/" + t.ID + "/claim", ifMatch: etag}, nil)
			if err != nil {
				return err
			}
			etag = got.etag
		}
		if err := p.sendPhotos(ctx, who, t); err != nil {
			return err
		}
		if err := p.decide(ctx, who, t.ID, etag, decisionNew{Action: a.action, ReasonCode: a.reason, Note: a.note, Data: t.dataFor(a)}); err != nil {
			return err
		}
		p.tell(a.who, p.out.say(a.says))
		return nil
	}
}

// dataFor gives what a decision carries: what the story says, and what the
// form of the programme asks for besides, as in its example.
func (t task) dataFor(a act) map[string]any {
	data := maps.Clone(t.Forms[a.action].Example.Data)
	if a.action == "return" || data == nil {
		return a.data
	}
	maps.Copy(data, a.data)
	return data
}

// checks asks before submitting what is wrong or missing; missing names the
// papers that must be found missing.
func checks(missing ...string) step {
	return func(ctx context.Context, p *play) error {
		var v validation
		if _, err := p.cast.portal().post(ctx, "/v1/cases/validate", p.request, &v); err != nil {
			return err
		}
		if !v.Valid {
			return fmt.Errorf("the request is not valid: %+v", v.Errors)
		}
		if !slices.Equal(v.MissingDocuments, missing) {
			return fmt.Errorf("missing papers are %v, not %v", v.MissingDocuments, missing)
		}
		if len(missing) > 0 {
			p.tell("portal1", p.out.say("has the request checked: valid, but a required paper is not listed (%s)", strings.Join(missing, ", ")))
		}
		return nil
	}
}

// submits sends the request.
func submits() step {
	return func(ctx context.Context, p *play) error {
		var c caseView
		if _, err := p.cast.portal().post(ctx, "/v1/cases", p.request, &c); err != nil {
			return err
		}
		p.id, p.reference = c.ID, c.Reference
		if c.Status != "submitted" && c.Status != "in_review" {
			return fmt.Errorf("the new case is %s", c.Status)
		}
		p.tell("portal1", p.out.say("submits the request of %s (%s) as %s", p.family.head.FullName, p.family.code, c.Reference))
		return nil
	}
}

// provides answers a returned case.
func provides(papers []paper, says string) step {
	return func(ctx context.Context, p *play) error {
		_, err := p.cast.portal().post(ctx, "/v1/cases/"+p.id+"/provide_information",
			information{SubmittedBy: p.request.SubmittedBy, Note: "As asked.", Documents: papers}, nil)
		if err == nil {
			p.tell("portal1", p.out.say(says))
		}
		return err
	}
}

// expect waits until the case has a status.
func expect(status string) step {
	return func(ctx context.Context, p *play) error {
		return poll(ctx, func() (bool, string, error) {
			c, err := p.read(ctx)
			return c.Status == status, fmt.Sprintf("the case is %s, not %s", c.Status, status), err
		})
	}
}

// pays has the payment of a tranche prepared by one person and released by
// another, and waits until the bank has settled it.
func pays(tranche int) []step {
	return []step{
		does(act{who: "treasurer1", kind: "prepare_payment", action: "confirm", says: "prepares the payment"}),
		after(0, 2, 0),
		does(act{who: "releaser1", kind: "release_payment", action: "approve", says: "releases it: the bank is instructed"}),
		settled(tranche),
	}
}

// settled waits until the last payment of a tranche is settled.
func settled(tranche int) step {
	return func(ctx context.Context, p *play) error {
		var last payment
		err := poll(ctx, func() (bool, string, error) {
			all, err := p.payments(ctx)
			if err != nil {
				return false, "", err
			}
			last = lastOf(all, tranche)
			if slices.Contains([]string{"failed", "cancelled", "returned"}, last.Status) {
				return false, "", fmt.Errorf("the payment of instalment %d is %s (%s)", tranche, last.Status, last.ReasonCode)
			}
			return last.Status == "settled", fmt.Sprintf("the payment of instalment %d is %s", tranche, last.Status), nil
		})
		if err == nil {
			p.tell("bank", p.out.say("settles instalment %d: %s", tranche, last.Amount.Format(p.o.Lang)))
		}
		return err
	}
}

// refusedByBank waits until the bank has refused a payment; the money is
// promised as before. The treasurer then pays again.
func refusedByBank(tranche int, code string) step {
	return func(ctx context.Context, p *play) error {
		var last payment
		err := poll(ctx, func() (bool, string, error) {
			all, err := p.payments(ctx)
			last = lastOf(all, tranche)
			return last.Status == "failed", fmt.Sprintf("the payment of instalment %d is %s, not failed", tranche, last.Status), err
		})
		if err != nil {
			return err
		}
		if last.ReasonCode != code {
			return fmt.Errorf("the bank refused for %q, not %q", last.ReasonCode, code)
		}
		p.tell("bank", p.out.say("refuses the payment (%s): nothing has left, the money stays reserved", code))
		if err := after(0, 1, 0)(ctx, p); err != nil {
			return err
		}
		_, err = p.cast.as("treasurer1").post(ctx, "/v1/payments/"+last.ID+"/retry", nil, nil)
		if err == nil {
			p.tell("treasurer1", p.out.say("asks for a new payment, linked to the failed one"))
		}
		return err
	}
}

// lost looks whether the bank's answer about a payment was lost and the bank
// was asked again: the timeline has it as unknown before it was settled.
func lost(tranche int) step {
	return func(ctx context.Context, p *play) error {
		events, err := p.timeline(ctx)
		if err != nil {
			return err
		}
		for _, e := range events {
			if n, _ := e.Data["tranche"].(float64); e.Type == "payment.unknown" && int(n) == tranche {
				p.tell("bank", p.out.say("its first answer was lost: it was asked under the same key, and had paid once"))
				return nil
			}
		}
		return fmt.Errorf("the lost answer of the bank about instalment %d is not in the timeline", tranche)
	}
}

func (p *play) payments(ctx context.Context) ([]payment, error) {
	return list[payment](ctx, p.cast.as("treasurer1"), "/v1/payments", url.Values{"case": {p.id}})
}

// lastOf gives the newest payment of a tranche.
func lastOf(all []payment, tranche int) payment {
	var last payment
	for _, one := range all {
		if one.Tranche == tranche && one.N > last.N {
			last = one
		}
	}
	if last.Status == "" {
		last.Status = "not there"
	}
	return last
}

// visited lets time pass until the nth visit is due, and has verifier2 make it.
func visited(n int, says string) []step {
	return []step{
		expect("following_up"),
		func(ctx context.Context, p *play) error {
			all, err := list[followUp](ctx, p.cast.as("verifier2"), "/v1/follow-ups", url.Values{"case": {p.id}})
			if err != nil {
				return err
			}
			i := slices.IndexFunc(all, func(f followUp) bool { return f.N == n })
			if i < 0 {
				return fmt.Errorf("visit %d is not planned", n)
			}
			return p.passUntil(ctx, office(all[i].DueAt, 0, 9, 30))
		},
		does(act{who: "verifier2", kind: "follow_up_visit", action: "complete", says: says, note: "Seen at home.",
			data: evidence("photo")}),
	}
}

// evidence is what was seen, and where it is kept.
func evidence(kind string) map[string]any {
	return map[string]any{"evidence": []any{map[string]any{"kind": kind, "location": "Commune office, file 21"}}}
}

// after lets time pass until a time of day in the office, some working days
// later; 0 days: that many hours and minutes.
func after(days, hour, minute int) step {
	return func(ctx context.Context, p *play) error {
		now := time.Now().Add(p.ahead)
		if days == 0 {
			return p.passUntil(ctx, now.Add(time.Duration(hour)*time.Hour+time.Duration(minute)*time.Minute))
		}
		return p.passUntil(ctx, office(now, days, hour, minute))
	}
}
