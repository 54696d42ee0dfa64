package workflows

import (
	"time"

	"go.temporal.io/sdk/temporal"
	"go.temporal.io/sdk/workflow"

	"github.com/aidflow/aidflow/aid"
)

// Every call of an activity is one typed function of this file, with a named
// policy. The names are those under which the worker registers the methods of
// activities.Activities; nothing else in this room knows that they exist.

// sqlOnly is the policy of a step that is one SQL transaction: a local
// activity, one event of history. It is retried for ever: first in place, and
// soon, so that an outage does not fill the history, on timers of the server.
// For ever has to be said: without it the SDK takes the time of one try.
func sqlOnly(ctx workflow.Context) workflow.Context {
	return workflow.WithLocalActivityOptions(ctx, workflow.LocalActivityOptions{
		StartToCloseTimeout:    10 * time.Second,
		ScheduleToCloseTimeout: 100 * 365 * 24 * time.Hour,
		RetryPolicy: &temporal.RetryPolicy{InitialInterval: 200 * time.Millisecond, BackoffCoefficient: 5,
			MaximumInterval: time.Minute},
	})
}

// untilKnown is the policy of a payment: the activity is run again, asking the
// rail each time, until its end is known. After a day a person is asked too,
// and it is run for another day. One try asks the rail and sends, ten seconds
// each at most; what takes longer has died with its machine.
func untilKnown(ctx workflow.Context) workflow.Context {
	return workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		StartToCloseTimeout:    25 * time.Second,
		ScheduleToCloseTimeout: 24 * time.Hour,
		RetryPolicy: &temporal.RetryPolicy{InitialInterval: 500 * time.Millisecond, BackoffCoefficient: 1.7,
			MaximumInterval: time.Minute},
	})
}

// shortly is the policy of a question to an external register: so many tries,
// then it is away, and the workflow goes on with that.
func shortly(ctx workflow.Context, tries int32) workflow.Context {
	return workflow.WithActivityOptions(ctx, workflow.ActivityOptions{
		StartToCloseTimeout: 25 * time.Second,
		RetryPolicy:         &temporal.RetryPolicy{InitialInterval: time.Second, BackoffCoefficient: 2, MaximumAttempts: tries},
	})
}

func local(ctx workflow.Context, activity string, in any) (aid.Outcome, error) {
	var out aid.Outcome
	err := workflow.ExecuteLocalActivity(sqlOnly(ctx), activity, in).Get(ctx, &out)
	return out, err
}

// startAskRegister begins to ask an external register.
func startAskRegister(ctx workflow.Context, tries int32, in aid.RegisterRequest) workflow.Future {
	return workflow.ExecuteActivity(shortly(ctx, tries), "AskRegister", in)
}

func recordCheck(ctx workflow.Context, in aid.DecisionRequest) (aid.Outcome, error) {
	return local(ctx, "RecordCheck", in)
}

func openVerification(ctx workflow.Context, in aid.OpenRequest) (aid.Outcome, error) {
	return local(ctx, "OpenVerification", in)
}

func decideVerification(ctx workflow.Context, in aid.DecisionRequest) (aid.Outcome, error) {
	return local(ctx, "DecideVerification", in)
}

func provideInformation(ctx workflow.Context, in aid.ApprovalRequest) (aid.Outcome, error) {
	return local(ctx, "ProvideInformation", in)
}

func decideApproval(ctx workflow.Context, in aid.ApprovalRequest) (aid.Outcome, error) {
	return local(ctx, "DecideApproval", in)
}

func tryFunds(ctx workflow.Context, in aid.OpenRequest) (aid.Outcome, error) {
	return local(ctx, "TryFunds", in)
}

func withdraw(ctx workflow.Context, in aid.WithdrawRequest) (aid.Outcome, error) {
	return local(ctx, "Withdraw", in)
}

func moveVersion(ctx workflow.Context, in aid.MoveVersionRequest) (aid.Outcome, error) {
	return local(ctx, "MoveVersion", in)
}

// park flags a case that a step could not move on, for an administrator.
func park(ctx workflow.Context, in aid.ParkRequest) (aid.Outcome, error) {
	return local(ctx, "Park", in)
}

func attend(ctx workflow.Context, in aid.OpenRequest) (aid.Outcome, error) {
	return local(ctx, "Attend", in)
}

func decideStalled(ctx workflow.Context, in aid.DecisionRequest) (aid.Outcome, error) {
	return local(ctx, "DecideStalled", in)
}

func openDisbursement(ctx workflow.Context, in aid.OpenRequest) (aid.Outcome, error) {
	return local(ctx, "OpenDisbursement", in)
}

func postPublicly(ctx workflow.Context, in aid.DecisionRequest) (aid.Outcome, error) {
	return local(ctx, "PostPublicly", in)
}

func decideObjection(ctx workflow.Context, in aid.DecisionRequest) (aid.Outcome, error) {
	return local(ctx, "DecideObjection", in)
}

func meetCondition(ctx workflow.Context, in aid.DecisionRequest) (aid.Outcome, error) {
	return local(ctx, "MeetCondition", in)
}

func confirmMilestone(ctx workflow.Context, in aid.DecisionRequest) (aid.Outcome, error) {
	return local(ctx, "ConfirmMilestone", in)
}

func decideChange(ctx workflow.Context, in aid.DecisionRequest) (aid.Outcome, error) {
	return local(ctx, "DecideChange", in)
}

func decideAccount(ctx workflow.Context, in aid.DecisionRequest) (aid.Outcome, error) {
	return local(ctx, "DecideAccount", in)
}

func decideRelease(ctx workflow.Context, in aid.DecisionRequest) (aid.Outcome, error) {
	return local(ctx, "DecideRelease", in)
}

// startPay begins to bring an instructed payment to its end.
func startPay(ctx workflow.Context, in aid.PayRequest) workflow.Future {
	return workflow.ExecuteActivity(untilKnown(ctx), "Pay", in)
}

func afterPayment(ctx workflow.Context, in aid.TrancheRequest) (aid.Outcome, error) {
	return local(ctx, "AfterPayment", in)
}

func retryPayment(ctx workflow.Context, in aid.RetryRequest) (aid.Outcome, error) {
	return local(ctx, "RetryPayment", in)
}

func openResolve(ctx workflow.Context, in aid.RetryRequest) (aid.Outcome, error) {
	return local(ctx, "OpenResolve", in)
}

func resolvePayment(ctx workflow.Context, in aid.DecisionRequest) (aid.Outcome, error) {
	return local(ctx, "ResolvePayment", in)
}

func recoverMoney(ctx workflow.Context, in aid.DecisionRequest) (aid.Outcome, error) {
	return local(ctx, "RecoverMoney", in)
}

func planVisit(ctx workflow.Context, in aid.VisitRequest) (aid.Outcome, error) {
	return local(ctx, "PlanVisit", in)
}

func openVisit(ctx workflow.Context, in aid.VisitRequest) (aid.Outcome, error) {
	return local(ctx, "OpenVisit", in)
}

func completeVisit(ctx workflow.Context, in aid.DecisionRequest) (aid.Outcome, error) {
	return local(ctx, "CompleteVisit", in)
}

// handOver starts the next workflow of the case.
func handOver(ctx workflow.Context, id string) error {
	return workflow.ExecuteLocalActivity(sqlOnly(ctx), "HandOver", id).Get(ctx, nil)
}
