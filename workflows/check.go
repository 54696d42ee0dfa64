package workflows

import (
	"go.temporal.io/sdk/workflow"

	"github.com/aidflow/aidflow/aid"
)

// check runs the automated checks side by side and opens the verification. A
// check that fails informs the verifier; it rejects only where the programme
// says that it is final.
func (c *supportRequest) check(ctx workflow.Context) error {
	var running []workflow.Future
	for _, kind := range []string{"register", "identity", "duplicate", "documents"} {
		running = append(running, startCheck(ctx, aid.CheckRequest{Case: c.in.Case, Round: c.in.Round, Review: 1, Kind: kind}))
	}
	reason := ""
	for _, f := range running {
		var found aid.CheckResult
		if err := f.Get(ctx, &found); err != nil {
			return err
		}
		if found.Final && !found.Passed && reason == "" {
			reason = "check_" + found.Kind
		}
	}
	_, err := c.step(ctx, func(s aid.Step) (aid.Outcome, error) {
		return openVerification(ctx, aid.OpenRequest{Step: s, Reject: reason})
	})
	return err
}
