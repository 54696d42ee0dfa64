package demo

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/aidflow/aidflow/aid/money"
)

// report prints what the API tells about an ended case: who did what and when,
// the payments, the fund, and where the time went.
func (p *play) report(ctx context.Context) error {
	p.out.line("\n%s  %s", p.reference, strings.ToUpper(p.title(p.programme)))
	for _, part := range []func(context.Context) error{p.reportTimeline, p.reportPayments, p.reportFund, p.reportTime} {
		if err := part(ctx); err != nil {
			return p.named(err)
		}
	}
	return nil
}

// title gives the name of a programme in the language of the run.
func (d *demo) title(code string) string {
	if t := d.cast.titles[code]; t != "" {
		return t
	}
	return code
}

func (p *play) reportTimeline(ctx context.Context) error {
	events, err := p.timeline(ctx)
	if err != nil {
		return err
	}
	if len(events) == 0 || events[len(events)-1].Type != "case.closed" {
		return fmt.Errorf("the timeline of %d events does not end with the case being closed", len(events))
	}
	p.out.line("\n  %s", p.out.say("Timeline: when, who, what, under which version of the rules"))
	for _, e := range events {
		name, title := p.cast.called(e.Actor)
		if title == "" {
			title = p.out.word("actor", e.ActorKind)
		}
		p.out.line("  %s  %s %s %s  %s %d", moment(e.At), pad(name, 11), pad(title, 20), pad(p.event(e), 58), p.programme, e.RuleVersion)
	}
	return nil
}

// timeline gives what happened to the case, as a manager sees it.
func (p *play) timeline(ctx context.Context) ([]timelineEntry, error) {
	return list[timelineEntry](ctx, p.cast.as("manager1"), "/v1/cases/"+p.id+"/timeline", nil)
}

// event puts an event of the timeline into words.
func (p *play) event(e timelineEntry) string {
	text := p.out.word("event", e.Type)
	if e.Type == "task.decided" {
		text = p.out.word("task", e.TaskKind) + p.level(e) + ": " + p.out.word("action", fmt.Sprint(e.Data["action"]))
	} else if e.TaskKind != "" && strings.HasPrefix(e.Type, "task.") {
		text += ": " + p.out.word("task", e.TaskKind)
	}
	if reason, _ := e.Data["reason_code"].(string); reason != "" {
		text += " (" + reason + ")"
	}
	if n, ok := e.Data["tranche"].(float64); ok {
		text += p.out.say(", instalment %d", int(n))
	}
	if n, ok := e.Data["visit"].(float64); ok {
		text += fmt.Sprintf(" %d", int(n))
	}
	for _, name := range []string{"amount", "requested_amount"} {
		if amount, ok := e.Data[name].(float64); ok {
			text += ", " + money.Of(int64(amount), "VND").Format(p.o.Lang)
		}
	}
	return text
}

func (p *play) level(e timelineEntry) string {
	if level, _ := e.Data["level"].(string); level != "" {
		return " (" + p.out.word("level", level) + ")"
	}
	return ""
}

func (p *play) reportPayments(ctx context.Context) error {
	all, err := p.payments(ctx)
	if err != nil {
		return err
	}
	slices.SortFunc(all, func(a, b payment) int { return cmp.Or(cmp.Compare(a.Tranche, b.Tranche), cmp.Compare(a.N, b.N)) })
	p.out.line("\n  %s", p.out.say("Payments and their attempts"))
	for _, one := range all {
		p.out.line("  %s  %s  %s %s %s", p.out.say("instalment %d/%d", one.Tranche, one.N), left(one.Amount.Format(p.o.Lang), 12),
			pad(p.out.word("status", one.Status), 10), pad(one.Rail, 10), one.ReasonCode)
		for i, a := range one.Attempts {
			p.out.line("      %s %s  %s %s", p.out.say("attempt %d", i+1), moment(a.At), p.out.word("status", a.Status), a.Code)
		}
	}
	return nil
}

func (p *play) reportFund(context.Context) error {
	p.out.line("\n  %s", p.out.say("The fund before and after: %s", p.before.Name))
	for _, row := range []struct {
		name          string
		before, after money.Money
	}{
		{"available", p.before.Available, p.after.Available}, {"reserved", p.before.Reserved, p.after.Reserved},
		{"in_transit", p.before.InTransit, p.after.InTransit}, {"spent", p.before.Spent, p.after.Spent},
	} {
		p.out.line("  %s %s  %s", pad(p.out.word("money", row.name), 14), left(row.before.Format(p.o.Lang), 15), left(row.after.Format(p.o.Lang), 15))
	}
	return nil
}

// reportTime tells for whom the case waited, and for how long. The shares are
// of calendar time; together the waits are the whole life of the case.
func (p *play) reportTime(ctx context.Context) error {
	s, err := p.state(ctx)
	if err != nil {
		return err
	}
	owners, err := addUp(s.Waits)
	if err != nil {
		return err
	}
	var total time.Duration
	for _, o := range owners {
		total += o.calendar
	}
	if span := spanOf(s.Waits); (span - total).Abs() > time.Duration(len(s.Waits))*time.Second {
		return fmt.Errorf("the waits add up to %s of the %s that the case took", total.Round(time.Second), span.Round(time.Second))
	}
	p.out.line("\n  %s", p.out.say("Where its time went (%s)", p.out.length(total)))
	for _, o := range owners {
		share := 0.0
		if total > 0 {
			share = 100 * o.calendar.Seconds() / total.Seconds()
		}
		p.out.line("  %s %5.1f %%  %s  %s  %s", pad(p.out.word("owner", o.owner), 12), share, left(p.out.length(o.calendar), 14),
			left(p.out.hours(o.working), 24), p.out.say(o.note()))
	}
	return nil
}

// owned is what the case waited for one owner.
type owned struct {
	owner             string
	paused            bool
	calendar, working time.Duration
}

func (o owned) note() string {
	switch {
	case o.paused:
		return "(the office's clock stood still)"
	case o.owner == "system":
		return "(until a date had come, and hand-overs)"
	default:
		return ""
	}
}

// addUp sums the waits by their owners, the longest first.
func addUp(waits []wait) ([]owned, error) {
	sums := map[string]*owned{}
	for _, w := range waits {
		calendar, err := fromISO(w.Calendar)
		if err != nil {
			return nil, err
		}
		working, err := fromISO(w.Working)
		if err != nil {
			return nil, err
		}
		o, ok := sums[w.Owner]
		if !ok {
			o = &owned{owner: w.Owner, paused: w.Paused}
			sums[w.Owner] = o
		}
		o.calendar += calendar
		o.working += working
	}
	all := []owned{}
	for _, owner := range slices.Sorted(maps.Keys(sums)) {
		all = append(all, *sums[owner])
	}
	slices.SortStableFunc(all, func(a, b owned) int { return cmp.Compare(b.calendar, a.calendar) })
	return all, nil
}

// spanOf is the time from the first wait's begin to the last one's end.
func spanOf(waits []wait) time.Duration {
	var from, to time.Time
	for i, w := range waits {
		if i == 0 || w.From.Before(from) {
			from = w.From
		}
		if w.To.After(to) {
			to = w.To
		}
	}
	return to.Sub(from)
}
