package activities_test

import (
	"context"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/internal/postgres"
)

const day = 24 * time.Hour

// stories take cases along, one after the other; together they call every
// activity in every direction that it can go.
func stories() map[string][]func(*world) {
	return map[string][]func(*world){
		"a house":     {aHouse},
		"registers":   {registersAreAsked},
		"refused":     {rejectedByAVerifier, rejectedByACommittee, twoDecideOneTask, rejectedByACheck},
		"the village": {theVillageIsAsked, theVillageObjects},
		"conditions":  {conditionsHoldTheMoney, aConditionIsNotMet},
		"parked":      {parkedAndRepaired},
		"new rules":   {movedToANewVersion},
		"tranches":    {aTrancheIsHeld, trancheAfterTrancheIsSkipped, nothingIsLeftToPay},
		"parts":       {aPartFails, aPartIsPaidAndTheRestLater, aPartIsPaidAndTheRestReleased},
		"changes":     {anotherPayee, anotherPayeeIsRefused, anotherPlan, withdrawnInAChange},
		"no answer":   {thePartnerDoesNotAnswer, neverStarted},
		"no money":    {withdrawnInReview, withdrawnBeforePayment, moneyIsShort},
		"the bank":    {withdrawnWhileBeingPaid, theBankRefusesThenPays},
		"nobody says": {theBankNeverSays, twoSayThatNothingWasPaid},
		"it returns":  {theBankReturnsWhileItIsPaid, theBankReturnsAfterTheEnd},
	}
}

// hung brings a medical case to the day on which its award hangs out, and has
// somebody object to it.
func (w *world) hung() {
	w.t.Helper()
	_, err := w.conn.Exec(`ALTER TABLE programmes DISABLE TRIGGER programmes_stay; UPDATE programmes SET definition =
		'{"posting":{"days":"P5D","titles":{"vi":"x","en":"x","id":"x"}},' || replace(substr(definition, 2), '"reasons":{',
		'"reasons":{"objection":[{"code":"not_poor","titles":{"vi":"x","en":"x","id":"x"}}],')
		WHERE code = 'medical' AND definition NOT LIKE '%"posting"%'`)
	require.NoError(w.t, err)
	w.paidFrom("0051004418")
	w.decides("PostPublicly", intent{kind: aid.PostPublicly, actor: "verifier1", action: aid.ActionComplete,
		data: `{"date": "` + w.clock.now().Format(time.DateOnly) + `", "place": "Canary house"}`})
	_, err = w.store.Object(context.Background(), w.db.Staff(w.t, "intake1"), w.caseID,
		postgres.NewObjection{ID: postgres.NewID(aid.ObjectionID), Reason: "not_poor", Text: "Canary shop", Name: "Canary neighbour"})
	require.NoError(w.t, err)
}

func theVillageIsAsked(w *world) {
	w.hung()
	w.decides("DecideObjection", intent{kind: aid.DecideObjection, actor: "approver5", action: aid.ActionReject, reason: "other"})
	out := w.attends(10 * day)
	require.Equal(w.t, "case.posting_over", w.text(`SELECT kind FROM events WHERE case_id = $1 AND kind LIKE 'case.posting%'`, w.caseID))
	require.Len(w.t, out.Tasks, 1)
	w.pays(w.releases(), aid.PaymentSettled)
	w.after()
}

func theVillageObjects(w *world) {
	w.hung()
	out := w.decides("DecideObjection", intent{kind: aid.DecideObjection, actor: "approver5", action: aid.ActionApprove})
	require.Equal(w.t, aid.Closed, out.Place.Status)
}

// conditioned brings a medical case, approved on two conditions, to its
// disbursement.
func (w *world) conditioned() {
	w.t.Helper()
	w.submit("medical", "0051004418")
	w.opens()
	w.verifies("verifier1")
	recorded := w.ask(intent{kind: aid.Approve, actor: "approver1", action: aid.ActionApprove, data: `{"conditions": [
		{"code": "paper_handed_in", "text": "Canary receipt", "due": "2026-03-20"}, {"code": "other", "text": "Canary promise"}]}`})
	w.goesOn("DecideApproval", aid.ApprovalRequest{Step: w.stepOf(recorded), Decision: recorded.Decision})
	w.handOver()
	out := w.goesOn("OpenDisbursement", aid.OpenRequest{Step: w.step(w.workflow())})
	require.Len(w.t, out.Tasks, 2)
	require.Equal(w.t, "0", w.text(`SELECT count(*) FROM payments WHERE case_id = $1`, w.caseID), "nothing is due before the conditions are met")
}

// meets has a verifier say that the condition which was asked for first is met.
func (w *world) meets() aid.Outcome {
	w.t.Helper()
	return w.decides("MeetCondition", intent{kind: aid.MeetCondition, actor: "verifier1", action: aid.ActionComplete})
}

func conditionsHoldTheMoney(w *world) {
	w.conditioned()
	require.Len(w.t, w.meets().Tasks, 1)
	require.Equal(w.t, aid.PaymentDue, w.meets().Payment.State)
	w.pays(w.releases(), aid.PaymentSettled)
	w.after()
}

// aConditionIsNotMet: a person decides what becomes of the award; it never ends
// by itself.
func aConditionIsNotMet(w *world) {
	w.conditioned()
	w.attends(40 * day)
	require.Equal(w.t, "condition_not_met", w.text(`SELECT rule->>'because' FROM tasks WHERE case_id = $1 AND kind = 'decide_stalled'`, w.caseID))
	out := w.decides("DecideStalled", intent{kind: aid.DecideStalled, actor: "manager1", action: aid.ActionConfirm})
	require.Equal(w.t, aid.Closed, out.Place.Status)
	require.Equal(w.t, "condition_not_met", w.text(`SELECT reason_code FROM cases WHERE id = $1`, w.caseID))
}

// registersAreAsked: one register answers, in place of another a person does.
func registersAreAsked(w *world) {
	_, err := w.conn.Exec(`ALTER TABLE programmes DISABLE TRIGGER programmes_stay; UPDATE programmes SET definition = replace(definition, '"checks":[',
		'"checks":[{"kind":"external","register":"population","final":true},{"kind":"external","register":"insurance","final":false},')
		WHERE code = 'medical'`)
	require.NoError(w.t, err)
	w.submit("medical", "0051004418")
	workflow := w.workflow()
	out := w.goesOn("OpenVerification", aid.OpenRequest{Step: w.step(workflow)})
	require.Equal(w.t, []string{"population", "insurance"}, out.Ask)
	w.call("AskRegister", aid.RegisterRequest{Case: w.caseID, Register: "population"})
	w.callUntil("AskRegister", aid.RegisterRequest{Case: w.caseID, Register: "insurance"}, "register_away")
	out = w.goesOn("OpenVerification", aid.OpenRequest{Step: w.step(workflow), Away: []string{"insurance"}})
	require.Equal(w.t, []string{"insurance"}, out.Ask)
	out = w.decides("RecordCheck", intent{kind: aid.RecordCheck, actor: "verifier1", action: aid.ActionComplete, data: `{"result": "not_found", "reference": "Canary letter"}`})
	require.Empty(w.t, out.Ask)
	out = w.goesOn("OpenVerification", aid.OpenRequest{Step: w.step(workflow)})
	require.Equal(w.t, aid.InReview, out.Place.Status)
}

func aHouse(w *world) {
	w.submit("housing_new", "0051000913")
	w.opens()
	w.decides("DecideVerification", intent{kind: aid.VerifyDocuments, actor: "verifier1", action: aid.ActionReturn, reason: "documents_missing",
		data: `{"items": [{"kind": "house_photos", "problem": "unreadable"}]}`})
	w.provides(`{"documents": [{"kind": "house_photos", "dated": "2026-02-28", "location": "Canary cupboard"}]}`)
	w.verifies("verifier1")
	require.Len(w.t, w.levels, 2)
	w.votes(0, "approver1", aid.ActionApprove)
	require.Equal(w.t, aid.ResultPending, w.votes(1, "approver2", aid.ActionApprove).Result)
	require.Equal(w.t, aid.ResultApproved, w.votes(1, "approver4", aid.ActionApprove).Result)
	w.handOver()
	w.goesOn("OpenDisbursement", aid.OpenRequest{Step: w.step(w.workflow())})
	for tranche := range 3 {
		evidence := intent{kind: aid.ConfirmMilestone, actor: "verifier1", action: aid.ActionConfirm}
		if tranche == 0 {
			again := evidence
			again.action, again.reason = aid.ActionReturn, "evidence_insufficient"
			w.decides("ConfirmMilestone", again)
		}
		w.decides("ConfirmMilestone", evidence)
		if tranche == 1 {
			w.prepares()
			w.decides("DecideRelease", intent{kind: aid.ReleasePayment, actor: "releaser1", action: aid.ActionReject, reason: "payment_data_wrong"})
		}
		w.pays(w.releases(), aid.PaymentSettled)
		w.after()
	}
	w.handOver()
	w.visits(1)
	w.visits(2)
	require.Equal(w.t, aid.Closed, w.visits(3).Place.Status)
}

// provides has the partner answer what was asked.
func (w *world) provides(data string) aid.Outcome {
	w.t.Helper()
	recorded := w.ask(intent{kind: aid.ProvideInformation, action: aid.ActionComplete, data: data})
	return w.goesOn("ProvideInformation", aid.ApprovalRequest{Step: w.stepOf(recorded), Decision: recorded.Decision})
}

func rejectedByACheck(w *world) {
	_, err := w.conn.Exec(`INSERT INTO programmes (code, version, definition, published_at)
		SELECT code, 2, replace(replace(definition, '"version":1', '"version":2'), '"kind":"register","final":false', '"kind":"register","final":true'), published_at
		FROM programmes WHERE code = 'medical'`)
	require.NoError(w.t, err)
	_, err = w.conn.Exec(`UPDATE household_reviews SET classification = 'other'`)
	require.NoError(w.t, err)
	w.submit("medical", "0051004418")
	w.opens()
	require.Equal(w.t, aid.Rejected, w.last.Place.Status)
}

func rejectedByAVerifier(w *world) {
	w.submit("medical", "0051004418")
	w.opens()
	out := w.decides("DecideVerification", intent{kind: aid.FieldVisit, actor: "verifier2", action: aid.ActionReject, reason: "no_longer_needed"})
	require.Equal(w.t, aid.Rejected, out.Place.Status)
}

func rejectedByACommittee(w *world) {
	w.submit("housing_new", "0051000913")
	w.opens()
	w.verifies("verifier1")
	w.votes(0, "approver1", aid.ActionApprove)
	w.votes(1, "approver2", aid.ActionReject)
	require.Equal(w.t, aid.Rejected, w.votes(1, "approver4", aid.ActionReject).Place.Status)
}

// twoDecideOneTask: both intents are stored before either is applied. One
// wins; the other is refused and changes nothing. An approval after that is
// sent back to the verifiers.
func twoDecideOneTask(w *world) {
	w.submit("medical", "0051004418")
	w.opens()
	one := w.ask(intent{kind: aid.VerifyDocuments, actor: "verifier1", action: aid.ActionComplete})
	other := w.ask(intent{kind: aid.VerifyDocuments, actor: "verifier2", action: aid.ActionReject, reason: "not_eligible"})
	w.goesOn("DecideVerification", aid.DecisionRequest{Step: w.stepOf(one), Decision: one.Decision})
	out := w.transition("DecideVerification", aid.DecisionRequest{Step: w.stepOf(other), Decision: other.Decision})
	require.Equal(w.t, "task_closed", out.Refused)
	w.decides("DecideVerification", intent{kind: aid.FieldVisit, actor: "verifier2", action: aid.ActionComplete})
	recorded := w.ask(intent{kind: aid.Approve, actor: "approver1", action: aid.ActionReturn, reason: "information_needed",
		data: `{"to": "verification", "items": [{"kind": "household", "problem": "contradicts"}]}`})
	out = w.goesOn("DecideApproval", aid.ApprovalRequest{Step: w.stepOf(recorded), Decision: recorded.Decision})
	require.Equal(w.t, aid.Verification, out.Place.Stage)
}

// parkedAndRepaired: what the workflow does by itself was refused twice; the
// administrator is asked once at a time.
func parkedAndRepaired(w *world) {
	w.submit("medical", "0051004418")
	parks := func() {
		w.goesOn("Park", aid.ParkRequest{Step: w.step(w.workflow()), Of: "open_verification", Code: "no_such_calendar"})
	}
	parks()
	parks()
	repairs := w.ask(intent{kind: aid.RepairConfiguration, actor: "admin1", action: aid.ActionComplete})
	require.NoError(w.t, w.store.ApplyIntent(context.Background(), repairs.Decision))
	parks()
}

// movedToANewVersion: the household gains by the new version; its case is
// returned, moved by a manager, and verified again.
func movedToANewVersion(w *world) {
	w.submit("medical", "0051004418")
	w.opens()
	w.decides("DecideVerification", intent{kind: aid.VerifyDocuments, actor: "verifier1", action: aid.ActionReturn, reason: "documents_missing",
		data: `{"items": [{"kind": "cost_statement", "problem": "missing"}]}`})
	_, err := w.conn.Exec(`INSERT INTO programmes (code, version, definition, published_at)
		SELECT code, 2, replace(replace(definition, '"version":1', '"version":2'), '"ceiling":20000000', '"ceiling":21000000'), published_at
		FROM programmes WHERE code = 'medical'`)
	require.NoError(w.t, err)
	move := aid.VersionMove{ID: "move", Version: 2, Actor: "manager1", Reason: "better_for_household"}
	out := w.goesOn("MoveVersion", aid.MoveVersionRequest{Step: w.step(w.workflow()), Move: move})
	require.Equal(w.t, aid.Place{Status: aid.ActionNeeded, Stage: aid.Verification}, out.Place)
	require.Equal(w.t, "version_not_newer", w.transition("MoveVersion", aid.MoveVersionRequest{Step: w.step(w.workflow()), Move: move}).Refused)
	require.Equal(w.t, aid.InReview, w.provides(`{}`).Place.Status)
}

// thePartnerDoesNotAnswer: reminders, a person who lets it wait, and one who
// ends it.
func thePartnerDoesNotAnswer(w *world) {
	w.submit("medical", "0051004418")
	w.opens()
	w.decides("DecideVerification", intent{kind: aid.VerifyDocuments, actor: "verifier1", action: aid.ActionReturn, reason: "documents_missing",
		data: `{"items": [{"kind": "cost_statement", "problem": "missing"}]}`})
	w.attends(7 * day)
	w.attends(7 * day)
	w.attends(16 * day)
	w.decides("DecideStalled", intent{kind: aid.DecideStalled, actor: "manager1", action: aid.ActionReject, reason: "other"})
	w.attends(30 * day)
	out := w.decides("DecideStalled", intent{kind: aid.DecideStalled, actor: "verifier2", action: aid.ActionConfirm})
	require.Equal(w.t, aid.Withdrawn, out.Place.Status)
}

func neverStarted(w *world) {
	w.submit("housing_new", "0051000913")
	w.opens()
	w.verifies("verifier1")
	w.votes(0, "approver1", aid.ActionApprove)
	w.votes(1, "approver2", aid.ActionApprove)
	w.votes(1, "approver4", aid.ActionApprove)
	w.handOver()
	w.goesOn("OpenDisbursement", aid.OpenRequest{Step: w.step(w.workflow())})
	w.attends(90 * day)
	out := w.decides("DecideStalled", intent{kind: aid.DecideStalled, actor: "manager1", action: aid.ActionConfirm})
	require.Equal(w.t, aid.Closed, out.Place.Status)
}

// moneyIsShort: the commune has a fund of its own with too little in it.
func moneyIsShort(w *world) {
	ctx, fund := context.Background(), "fund_00000000000000000000000001"
	_, err := w.store.CreateFund(ctx, w.db.Staff(w.t, "treasurer1"), postgres.NewFund{ID: fund, Code: "commune", Name: "Commune", Area: "51001",
		Currency: "VND", Budget: 50_000_000, Rails: map[string]string{"bank": "simulator"}})
	require.NoError(w.t, err)
	give := func(n string, amount int64) {
		_, err := w.store.Contribute(ctx, postgres.Contribution{ID: postgres.NewID(aid.ContributionID), FundID: fund, ExternalID: n, Amount: amount,
			Currency: "VND", ReceivedOn: w.clock.now(), CreatedBy: "treasurer1"}, "Canary donor")
		require.NoError(w.t, err)
	}
	tries := func() aid.Outcome {
		return w.goesOn("TryFunds", aid.OpenRequest{Step: w.step(postgres.CaseWorkflowID(w.caseID, 1))})
	}
	w.submit("medical", "0051004418")
	w.opens()
	w.verifies("verifier1")
	require.Equal(w.t, "waiting_funds", w.votes(0, "approver1", aid.ActionApprove).Result)
	give("1", 1_000_000)
	require.Equal(w.t, "waiting_funds", tries().Result)
	give("2", 5_000_000)
	require.Equal(w.t, aid.ResultApproved, tries().Result)
	require.Equal(w.t, aid.ResultPending, tries().Result, "money that has come is not reserved twice")
}

func withdrawnInReview(w *world) {
	w.submit("medical", "0051004418")
	w.opens()
	require.Equal(w.t, "withdrawn", w.withdraws().Result)
}

func withdrawnBeforePayment(w *world) {
	w.paidFrom("0051004418")
	w.prepares()
	require.Equal(w.t, "withdrawn", w.withdraws().Result)
	require.Equal(w.t, "0", w.text(`SELECT reserved + in_transit + spent FROM fund_balances`))
}

// withdrawnWhileBeingPaid: the wish is kept until the payment has ended, and
// what was paid has to come back.
func withdrawnWhileBeingPaid(w *world) {
	w.paidFrom("0051004418")
	payment := w.releases()
	require.Equal(w.t, "recorded", w.withdraws().Result)
	w.pays(payment, aid.PaymentSettled)
	require.Equal(w.t, aid.Withdrawn, w.after().Place.Status)
	w.writesOff()
}

func theBankRefusesThenPays(w *world) {
	w.paidFrom("0051990010")
	first := w.releases()
	w.pays(first, aid.PaymentFailed)
	require.Equal(w.t, "failed", w.after().Result)
	w.retries(first.Payment)
	w.pays(w.releases(), aid.PaymentSettled)
	w.after()
}

func theBankNeverSays(w *world) {
	w.unknown()
	w.resolves("treasurer2", "settled")
	w.resolves("manager1", "failed")
	w.resolves("manager1", "settled")
	require.Equal(w.t, aid.PaymentSettled, w.resolves("treasurer2", "settled").Payment.State)
	w.after()
}

func twoSayThatNothingWasPaid(w *world) {
	w.unknown()
	w.resolves("treasurer2", "failed")
	require.Equal(w.t, aid.PaymentFailed, w.resolves("manager1", "failed").Payment.State)
	require.Equal(w.t, "failed", w.after().Result)
}

// unknown brings a payment before two persons.
func (w *world) unknown() {
	w.t.Helper()
	w.paidFrom("0051990009")
	payment := w.releases()
	w.callUntil("Pay", payment, staysOpen)
	out := w.goesOn("OpenResolve", aid.RetryRequest{Step: w.step(w.workflow()), Retry: aid.Retry{Payment: payment.Payment}})
	require.Equal(w.t, aid.PaymentUnknown, out.Payment.State)
}

func (w *world) resolves(actor, outcome string) aid.Outcome {
	w.t.Helper()
	return w.decides("ResolvePayment", intent{kind: aid.ResolvePayment, actor: actor, action: aid.ActionConfirm, data: `{"outcome": "` + outcome + `"}`})
}
