package demo

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strings"
)

// leftCase is a case that waits for a person who tries the system.
type leftCase struct {
	caseView
	who  string // who can go on with it
	says string // what it waits for, in English
}

// unfinished is a story that stops where a person can go on.
type unfinished struct {
	story
	status string // of the case then
	what   string // and what it waits for (next_action)
	who    string
	says   string
}

// verified are the steps up to the approval of the commune.
func verified() []step {
	return []step{
		submits(),
		does(act{who: "verifier1", kind: "verify_documents", action: "complete", says: "accepts the papers"}),
		does(act{who: "verifier1", kind: "field_visit", action: "complete", data: evidence("photo"), says: "has visited the household: verified"}),
	}
}

// unfinishedStories stop at a verifier, an approver, the partner and the
// treasurer.
func unfinishedStories() []unfinished {
	returned := does(act{who: "verifier1", kind: "verify_documents", action: "return", reason: "documents_missing",
		data: map[string]any{"items": []any{map[string]any{"kind": "school_confirmation", "problem": "expired"}}},
		says: "returns the case: the school's confirmation is too old"})
	approved := does(act{who: "approver1", kind: "approve", action: "approve", says: "approves for the commune"})
	return []unfinished{
		{story{"housing_new", complete, []step{submits()}}, "in_review", "verify_documents", "verifier1", "papers to be checked"},
		{story{"medical", medicalRequest(8_500_000), verified()}, "in_review", "approve", "approver1", "to be approved for the commune"},
		{story{"schooling", schoolingRequest, []step{submits(), returned}}, "action_needed", "provide_information", "portal1", "returned: the portal is asked for a paper"},
		{story{"medical", medicalRequest(6_000_000), append(verified(), approved)}, "approved", "prepare_payment", "treasurer1", "payment to be prepared"},
	}
}

// leaveWaiting leaves a case at each of these places. One that is still there
// from an earlier run will do.
func (d *demo) leaveWaiting(ctx context.Context) ([]leftCase, error) {
	d.out.heading("Left for you")
	var all []leftCase
	for _, u := range unfinishedStories() {
		c, err := d.stillThere(ctx, u)
		if err == nil && c == nil {
			c, err = d.leave(ctx, u)
		}
		if err != nil {
			return nil, fmt.Errorf("a %s case to be left waiting for %s: %w", u.programme, u.who, err)
		}
		all = append(all, leftCase{caseView: *c, who: u.who, says: u.says})
	}
	for _, c := range all {
		d.out.line("  %s  %s %s %s: %s", c.Reference, pad(d.title(c.Programme), 36), left(c.Requested.Format(d.o.Lang), 13),
			d.out.say("waits for %s", c.who), d.out.say(c.says))
	}
	return all, nil
}

// stillThere finds a case that an earlier run has left at the same place.
func (d *demo) stillThere(ctx context.Context, u unfinished) (*caseView, error) {
	all, err := list[caseView](ctx, d.cast.portal(), "/v1/cases", url.Values{"status": {u.status}, "programme": {u.programme}})
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(all, func(c caseView) bool { return strings.HasPrefix(c.ExternalID, "demo-") && c.NextAction.What == u.what })
	if i < 0 {
		return nil, nil
	}
	return &all[i], nil
}

// leave plays a story up to its last step, without telling it.
func (d *demo) leave(ctx context.Context, u unfinished) (*caseView, error) {
	silent := *d
	silent.out = &teller{out: d.out.out, words: d.out.words, quiet: true}
	p, err := silent.begin(ctx, u.story)
	if err != nil {
		return nil, err
	}
	d.n = silent.n
	if err := p.play(ctx, u.steps); err != nil {
		return nil, err
	}
	var c caseView
	err = poll(ctx, func() (bool, string, error) {
		var err error
		c, err = p.read(ctx)
		return c.Status == u.status && c.NextAction.What == u.what, fmt.Sprintf("%s is %s and waits for %s", p.reference, c.Status, c.NextAction.What), err
	})
	return &c, err
}
