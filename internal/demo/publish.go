package demo

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/aidflow/aidflow/programmes"
)

// newKind is a further kind of aid, written from docs/programmes.md alone. It
// is not part of the program: two administrators publish it while it runs.
const newKind = "emergency_food"

type draft struct {
	Version int    `json:"version"`
	Draft   string `json:"draft"`
}

// publishNewKind has one administrator propose the new programme and another
// one publish it. A run after the first finds it published.
func (d *demo) publishNewKind(ctx context.Context) error {
	d.out.heading("A new kind of aid, as data")
	_, err := d.cast.portal().get(ctx, "/v1/programmes/"+newKind, nil, nil)
	if err == nil {
		d.out.line("  %s", d.out.say("%s was published by an earlier run", newKind))
		return nil
	}
	if !isNotFound(err) {
		return err
	}
	text, err := programmes.Example(newKind)
	if err != nil {
		return err
	}
	var proposed draft
	if _, err := d.cast.as("admin1").post(ctx, "/v1/programmes", map[string]string{"definition": string(text)}, &proposed); err != nil {
		return err
	}
	d.out.line("  %s %s", pad("admin1", 11), d.out.say("proposes %s, version %d: the definition is checked as a whole", newKind, proposed.Version))
	if err := d.publishBy(ctx, "admin1", proposed); !isRefused(err) {
		return fmt.Errorf("who proposes a programme may publish it: %w", err)
	}
	if err := d.publishBy(ctx, "admin2", proposed); err != nil {
		return err
	}
	d.out.line("  %s %s", pad("admin2", 11), d.out.say("publishes it; admin1 was refused: that takes a second person"))
	return d.cast.readTitles(ctx, d.o.Lang)
}

func (d *demo) publishBy(ctx context.Context, name string, p draft) error {
	path := "/v1/programmes/" + newKind + "/versions/" + strconv.Itoa(p.Version) + "/publish"
	_, err := d.cast.as(name).post(ctx, path, map[string]string{"draft": p.Draft}, nil)
	return err
}

// isRefused tells whether the API knows the caller and does not allow it.
func isRefused(err error) bool {
	var p *problem
	return errors.As(err, &p) && (p.Status == 403 || p.Status == 409)
}
