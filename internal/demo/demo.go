// Package demo shows the system at work: requests for aid of every programme go
// from a partner's portal to money in a household's hands and the visits after it,
// through the public HTTP API alone.
package demo

import (
	"context"
	"fmt"
	"io"

	"github.com/google/uuid"
)

// Options say which deployment is shown, and how. All but Command and Quiet
// are required.
type Options struct {
	API     string                            // URL of a test deployment with development data
	Key     string                            // key of the partner portal1
	Token   func(user string) (string, error) // signs a token of the development issuer
	Lang    string                            // vi, en or id: what problems and titles are told in
	Command string                            // how a person calls this program, such as bin/aidflow
	Flags   string                            // what else "token" needs, such as " --data-dir D"
	Quiet   bool                              // tell the end only: one line for each case
	Out     io.Writer
}

// demo is one run of the demonstration.
type demo struct {
	o    Options
	run  string // marks what this run made
	cast *cast
	out  *teller
	free *people // who may still apply
	town string  // where applicants live; "": anywhere
	n    int     // requests so far
}

// Run plays the stories to their ends, reports each, and leaves a few
// cases waiting for a person to try. It may be run again: every run chooses
// people without an open case.
//
// Errors: one line that says what deviated from the story.
func Run(ctx context.Context, o Options) error {
	out, err := newTeller(o)
	if err != nil {
		return err
	}
	d := &demo{o: o, run: uuid.NewString()[:6], out: out}
	if d.cast, err = summon(ctx, o); err != nil {
		return err
	}
	d.free = newPeople(d.cast.portal())
	d.introduce()
	if err := d.provideMoney(ctx); err != nil {
		return err
	}
	if err := d.publishNewKind(ctx); err != nil {
		return fmt.Errorf("%s: %w", newKind, err)
	}
	plays, err := d.playAll(ctx)
	if err != nil {
		return err
	}
	for _, p := range plays {
		if p.quiet {
			continue
		}
		if err := p.report(ctx); err != nil {
			return fmt.Errorf("%s: %w", p.programme, err)
		}
	}
	waiting, err := d.leaveWaiting(ctx)
	if err != nil {
		return err
	}
	return d.suggest(ctx, waiting)
}

// playAll tells the stories one after the other.
func (d *demo) playAll(ctx context.Context) ([]*play, error) {
	var plays []*play
	for i, s := range stories() {
		p, err := d.begin(ctx, s)
		if err == nil {
			d.out.chapter(i+1, p.title(s.programme), p.request.Requested.Format(d.o.Lang))
			err = p.play(ctx, s.steps)
		}
		if err == nil {
			err = p.finish(ctx)
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", s.programme, err)
		}
		plays = append(plays, p)
	}
	return plays, nil
}

// begin chooses who applies for what.
func (d *demo) begin(ctx context.Context, s story) (*play, error) {
	family, err := d.free.next(ctx, d.town)
	if err != nil {
		return nil, err
	}
	d.n++
	p := &play{demo: d, programme: s.programme, family: family, quiet: s.request == nil}
	if p.request, err = d.requestFor(ctx, s, family); err != nil {
		return nil, err
	}
	p.request.Programme, p.request.Area = s.programme, family.area
	p.request.ExternalID = fmt.Sprintf("demo-%s-%d", d.run, d.n)
	return p, nil
}

// introduce tells who acts.
func (d *demo) introduce() {
	d.out.heading("Who acts")
	for _, c := range d.cast.all {
		d.out.line("  %s %s %s", pad(c.name, 11), pad(c.title, 24), d.out.say(partOf(c.name)))
	}
}
