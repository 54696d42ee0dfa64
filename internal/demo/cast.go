package demo

import (
	"context"
	"fmt"
	"slices"
)

// part is what somebody does in the demonstration.
type part struct {
	name string // portal1, or a user of the development data
	role string // that the API must grant; "" for the portal
	does string
}

// parts lists who acts. Nobody has two duties in one case.
func parts() []part {
	return []part{
		{"portal1", "", "the partner's portal: submits the requests"},
		{"verifier1", "verifier", "checks papers, visits homes, confirms milestones"},
		{"verifier2", "verifier", "visits the household after the payment"},
		{"approver1", "approver", "approves for the commune"},
		{"approver2", "approver", "approves for the province, member of its committee"},
		{"approver4", "approver", "chairs the committee of the province"},
		{"approver5", "approver", "stands in for approver1"},
		{"treasurer1", "treasurer", "prepares the payments"},
		{"releaser1", "releaser", "releases the payments"},
		{"admin1", "admin", "proposes a new programme"},
		{"admin2", "admin", "publishes what admin1 has proposed"},
		{"manager1", "manager", "watches the funds and the cases"},
	}
}

// partOf gives what somebody does, in English.
func partOf(name string) string {
	for _, p := range parts() {
		if p.name == name {
			return p.does
		}
	}
	return ""
}

// cast is everybody who acts.
type cast struct {
	all      []*caller
	province string            // area of the portal
	titles   map[string]string // of the programmes, in the language of the run
}

// summon gives everybody a key or a token and asks the API who they are.
//
// Errors: *problem when the API does not know somebody; one that says so when
// a role is missing, or when this is not a test deployment.
func summon(ctx context.Context, o Options) (*cast, error) {
	c, common := &cast{}, newClient(o.API, o.Lang)
	for _, p := range parts() {
		bearer := o.Key
		if p.role != "" {
			var err error
			if bearer, err = o.Token(p.name); err != nil {
				return nil, err
			}
		}
		one := &caller{client: common, name: p.name, bearer: bearer}
		var who whoami
		if _, err := one.get(ctx, "/v1/whoami", nil, &who); err != nil {
			return nil, err
		}
		switch {
		case who.Mode != "test":
			return nil, fmt.Errorf("%s is a deployment of mode %q: the demonstration needs a test deployment", o.API, who.Mode)
		case p.role != "" && !slices.Contains(who.Roles, p.role):
			return nil, fmt.Errorf("%s is no %s here: the development data are missing", p.name, p.role)
		}
		one.id, one.title = who.ID, who.Name
		if p.role == "" && len(who.Areas) > 0 {
			c.province = who.Areas[0]
		}
		c.all = append(c.all, one)
	}
	return c, c.readTitles(ctx, o.Lang)
}

func (c *cast) readTitles(ctx context.Context, lang string) error {
	var all struct { // few: the one list without pages
		Data []programme `json:"data"`
	}
	_, err := c.portal().get(ctx, "/v1/programmes", nil, &all)
	c.titles = map[string]string{}
	for _, p := range all.Data {
		c.titles[p.Code] = p.Titles[lang]
	}
	return err
}

// as gives somebody by name. The names are constants of this package: an
// unknown one is a fault of the program.
func (c *cast) as(name string) *caller {
	for _, one := range c.all {
		if one.name == name {
			return one
		}
	}
	panic("demo: nobody is called " + name)
}

func (c *cast) portal() *caller { return c.as("portal1") }

// called gives the name of an actor of the timeline.
func (c *cast) called(id string) (name, title string) {
	for _, one := range c.all {
		if one.id == id || one.name == id {
			return one.name, one.title
		}
	}
	return id, ""
}
