package e2e

import "testing"

func TestPlain(t *testing.T) {
	s := theStack(t)
	for _, p := range []string{"schooling", "medical", "housing_new"} {
		t.Run(p, func(t *testing.T) {
			c := submit(t, s, newRequest(t, s, p))
			(&drive{s: s, id: c.ID}).toEnd(t)
		})
	}
}
