package workflows

import (
	"go.temporal.io/sdk/workflow"

	"github.com/aidflow/aidflow/aid"
)

// check runs the automated checks and opens the verification: one step, since
// all of it is PostgreSQL's. Registers of others are asked first.
func (c *supportRequest) check(ctx workflow.Context) error {
	err := c.must(ctx, "open_verification", func(s aid.Step) (aid.Outcome, error) {
		return openVerification(ctx, aid.OpenRequest{Step: s})
	})
	if err != nil {
		return err
	}
	return c.askRegisters(ctx)
}
