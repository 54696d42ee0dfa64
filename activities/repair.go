package activities

import (
	"context"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/internal/postgres"
)

// Park brings a case before an administrator when what its workflow does by
// itself was refused: a fault of the configuration, which the administrator
// mends and reports. The refusal's code says what to mend.
func (a *Activities) Park(ctx context.Context, in aid.ParkRequest) (aid.Outcome, error) {
	return a.step(ctx, in.Step, "park", func(tx *postgres.Tx, c *postgres.Case) (aid.Outcome, error) {
		return aid.Outcome{Result: aid.ResultPending}, tx.Park(c, in.Workflow, in.Of, in.Code)
	})
}
