package workflows

import (
	"go.temporal.io/sdk/workflow"

	"github.com/aidflow/aidflow/aid"
)

// Recovery makes good what a bank returned after the disbursement had ended:
// two persons say whether it is paid again or given up, and then it is paid as
// every payment is. The question is open before it begins. The visits of the
// case go on meanwhile, in their own workflow.
func Recovery(ctx workflow.Context, in aid.RecoveryInput) error {
	d, err := newDisbursement(ctx, aid.DisbursementInput{Case: in.Case, Award: in.Award})
	if err != nil {
		return err
	}
	if err := d.attend(ctx); err != nil {
		return err
	}
	return d.untilOver(ctx)
}
