package workflows

import (
	"go.temporal.io/sdk/workflow"

	"github.com/aidflow/aidflow/aid"
)

// check runs the automated checks and opens the verification.
func (c *supportRequest) check(ctx workflow.Context) error {
	reason, err := c.checked(ctx)
	for err != nil {
		if err := c.repair(ctx, "check", err); err != nil {
			return err
		}
		reason, err = c.checked(ctx)
	}
	err = c.must(ctx, "open_verification", func(s aid.Step) (aid.Outcome, error) {
		return openVerification(ctx, aid.OpenRequest{Step: s, Reject: reason})
	})
	if err != nil {
		return err
	}
	return c.askRegisters(ctx, reason)
}

// checked runs the automated checks side by side and gives the reason to
// reject the case, if there is one. A check that fails informs the verifier; it
// rejects only where the programme says that it is final.
func (c *supportRequest) checked(ctx workflow.Context) (reason string, err error) {
	var running []workflow.Future
	for _, kind := range []string{"register", "identity", "duplicate", "documents"} {
		running = append(running, startCheck(ctx, aid.CheckRequest{Case: c.in.Case, Round: c.in.Round, Review: 1, Kind: kind}))
	}
	for _, f := range running {
		var found aid.CheckResult
		if err := f.Get(ctx, &found); err != nil {
			return "", err
		}
		if found.Final && !found.Passed && reason == "" {
			reason = "check_" + found.Kind
		}
	}
	return reason, nil
}
