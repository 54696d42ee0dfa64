package demo

import (
	"context"
	"fmt"
	"net/url"
)

// suggest prints commands that a person can try at once, with the real
// addresses of the cases that were left waiting.
func (d *demo) suggest(ctx context.Context, waiting []leftCase) error {
	d.out.heading("Try it")
	d.out.line("  export AIDFLOW=%s KEY=%s", d.o.API, d.o.Key)
	d.out.line("  token() { %s token%s \"$1\"; }", d.o.Command, d.o.Flags)
	for _, c := range waiting {
		var err error
		if c.who == "portal1" {
			d.suggestAnswer(c)
		} else {
			err = d.suggestDecision(ctx, c)
		}
		if err != nil {
			return err
		}
	}
	last := waiting[len(waiting)-1]
	d.out.line("\n  # %s", d.out.say("what happened to %s, and where its time went", last.Reference))
	d.out.line("  curl -s $AIDFLOW/v1/cases/%s/timeline -H \"Authorization: Bearer $(token manager1)\"", last.Reference)
	d.out.line("  curl -s $AIDFLOW/v1/cases/%s/status -H \"Authorization: Bearer $KEY\"", last.Reference)
	d.out.line("\n  %s", d.out.say("All of the API: %s", d.o.API+"/docs"))
	return nil
}

// suggestDecision tells how to decide the task that a case waits for.
func (d *demo) suggestDecision(ctx context.Context, c leftCase) error {
	who := d.cast.as(c.who)
	open, err := list[task](ctx, who, "/v1/tasks", url.Values{"case": {c.ID}, "kind": {c.NextAction.What}})
	if err != nil {
		return err
	}
	if len(open) == 0 {
		return fmt.Errorf("%s: %s has no task %s", c.Reference, c.who, c.NextAction.What)
	}
	a, err := who.get(ctx, "/v1/tasks/"+open[0].ID, nil, nil)
	if err != nil {
		return err
	}
	action := map[string]string{"verify_documents": "complete", "approve": "approve"}[c.NextAction.What]
	if action == "" {
		action = "confirm"
	}
	d.out.line("\n  # %s", d.out.say("%s, %s: read the task of %s, then decide it", c.Reference, c.says, c.who))
	d.out.line("  curl -s $AIDFLOW/v1/tasks/%s -H \"Authorization: Bearer $(token %s)\"", open[0].ID, c.who)
	d.out.line("  curl -s $AIDFLOW/v1/tasks/%s/decisions -H \"Authorization: Bearer $(token %s)\" \\", open[0].ID, c.who)
	d.out.line("    -H 'Content-Type: application/json' -H 'If-Match: %s' -H 'Idempotency-Key: try-%s' -d '{\"action\": \"%s\"}'", a.etag, open[0].ID, action)
	return nil
}

// suggestAnswer tells how the portal answers a returned case.
func (d *demo) suggestAnswer(c leftCase) {
	d.out.line("\n  # %s", d.out.say("%s, %s: answer for the portal", c.Reference, c.says))
	d.out.line("  curl -s $AIDFLOW/v1/cases/%s/provide_information -H \"Authorization: Bearer $KEY\" -H 'Content-Type: application/json' \\", c.Reference)
	d.out.line("    -H 'Idempotency-Key: answer-%s' -d '{\"submitted_by\": \"officer 17\", \"documents\": [{\"kind\": \"school_confirmation\", \"dated\": \"%s\", \"location\": \"Commune office, file 19\"}]}'", c.Reference, daysAgo(0))
}
