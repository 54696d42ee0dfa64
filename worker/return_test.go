package worker_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/aidflow/aidflow/aid"
)

const missingPaper = `{"items": [{"kind": "land_use_confirmation", "problem": "missing"}]}`

func returning(actor string) *move {
	return &move{actor: actor, action: aid.ActionReturn, reason: "documents_missing", data: missingPaper}
}

func returningToVerifier(actor string) *move {
	return &move{actor: actor, action: aid.ActionReturn, reason: "information_needed", data: `{"to": "verification", "items": [{"kind": "field_visit", "problem": "unclear"}]}`}
}

// providing is a partner's answer.
func providing(data string) *move { return &move{action: aid.ActionComplete, data: data} }

// reviews gives the kinds of the tasks of a case with their reviews and ends.
func (tn *town) reviews(id string) []string {
	return tn.texts(`SELECT kind || ' ' || level || ' ' || review || ' ' || state FROM tasks WHERE case_id = $1
		AND stage IN ('verification', 'approval') ORDER BY opened_at, id`, id)
}

func TestReturnedInVerificationTwice(t *testing.T) {
	t.Parallel()
	tn := newTown(t)
	c := tn.submit(example(t, "housing_new"))
	paper := providing(`{"documents": [{"kind": "land_use_confirmation", "location": "Office, file 9"}]}`)
	tn.liveUntil(people(willing).
		first(aid.VerifyDocuments, returning("verifier1")).first(aid.FieldVisit, nil, nil, nil, returning("verifier2")).
		first(aid.ProvideInformation, paper, paper), tn.is(c, aid.Approved))
	require.Equal(t, []string{
		"verify_documents  1 done", "field_visit  1 replaced", "provide_information  1 done",
		"verify_documents  2 done", "field_visit  2 done", "provide_information  2 done",
		"verify_documents  3 done", "field_visit  3 done",
		"approve commune 3 done", "approve province 3 done",
	}, tn.reviews(c))
	require.Equal(t, 2, tn.events(c, "case.returned"))
	require.Equal(t, 2, tn.events(c, "case.resubmitted"))
	require.Equal(t, []string{"replaced", "replaced", "accepted"},
		tn.texts(`SELECT state FROM case_documents WHERE case_id = $1 AND kind = 'land_use_confirmation' ORDER BY listed_at, id`, c))
	require.Equal(t, 2, tn.number(`SELECT count(*) FROM intervals WHERE case_id = $1 AND owner = 'partner'`, c))
	require.Equal(t, 2, tn.row(c).Returns)
	tn.check()
}

func TestReturnedByApprovers(t *testing.T) {
	tests := []struct {
		name string
		who  people
		want []string
	}{
		{"the commune asks the partner twice", people(willing).at("commune", returning("approver1"), returning("approver1")),
			[]string{"verify_documents  1 done", "field_visit  1 done",
				"approve commune 1 done", "provide_information  1 done", "approve commune 2 done", "provide_information  2 done",
				"approve commune 3 done", "approve province 3 done"}},
		{"one of the committee asks the partner: only the province decides anew", people(willing).at("province", returning("approver3")),
			[]string{"verify_documents  1 done", "field_visit  1 done", "approve commune 1 done",
				"approve province 1 done", "provide_information  1 done", "approve province 2 done"}},
		{"the commune asks the verifiers twice", people(willing).at("commune", returningToVerifier("approver1"), returningToVerifier("approver1")),
			[]string{"verify_documents  1 done", "field_visit  1 done", "approve commune 1 done",
				"verify_documents  2 done", "field_visit  2 done", "approve commune 2 done",
				"verify_documents  3 done", "field_visit  3 done", "approve commune 3 done", "approve province 3 done"}},
		{"the province asks the verifiers: what the commune approved stands", people(willing).at("province", by("approver2", aid.ActionApprove), returningToVerifier("approver4")),
			[]string{"verify_documents  1 done", "field_visit  1 done", "approve commune 1 done", "approve province 1 done",
				"verify_documents  2 done", "field_visit  2 done", "approve province 2 done"}},
		{"the province asks for the visit only", people(willing).at("province", &move{actor: "approver4", action: aid.ActionReturn, reason: "information_needed",
			data: `{"to": "verification", "tasks": ["field_visit"], "items": [{"kind": "field_visit", "problem": "unclear"}]}`}),
			[]string{"verify_documents  1 done", "field_visit  1 done", "approve commune 1 done", "approve province 1 done",
				"field_visit  2 done", "approve province 2 done"}},
		{"the province asks the commune again", people(willing).at("province", by("approver2", aid.ActionApprove), &move{actor: "approver4", action: aid.ActionReturn,
			reason: "information_needed", note: "Why so much?", data: `{"to": "commune"}`}),
			[]string{"verify_documents  1 done", "field_visit  1 done", "approve commune 1 done", "approve province 1 done",
				"approve commune 2 done", "approve province 2 done"}},
		{"a verifier asks the partner, the visit stands", people(willing).first(aid.VerifyDocuments, nil, &move{actor: "verifier1", action: aid.ActionReturn, reason: "documents_missing",
			data: `{"tasks": ["verify_documents"], "items": [{"kind": "land_use_confirmation", "problem": "missing"}]}`}),
			[]string{"verify_documents  1 done", "field_visit  1 done", "provide_information  1 done", "verify_documents  2 done",
				"approve commune 2 done", "approve province 2 done"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tn := newTown(t)
			c := tn.submit(example(t, "housing_new"))
			tn.liveUntil(tt.who, tn.is(c, aid.Paying))
			require.Equal(t, tt.want, tn.reviews(c))
			tn.check()
		})
	}
}

// A payee that is changed while the province asks voids what the commune has
// approved: the whole matrix runs again, and what is paid goes to the new one.
func TestChangedPayeeRunsTheMatrixAgain(t *testing.T) {
	t.Parallel()
	tn := newTown(t)
	c := tn.submit(example(t, "housing_new"))
	payee := providing(`{"payee": {"kind": "household", "method": "bank", "bank_bin": "970416", "account_number": "0051000777", "account_name": "PHAM VAN TINH"}}`)
	tn.liveUntil(people(willing).at("province", by("approver2", aid.ActionApprove), returning("approver4")).first(aid.ProvideInformation, payee), tn.is(c, aid.Paying))
	require.Equal(t, []string{"verify_documents  1 done", "field_visit  1 done", "approve commune 1 done", "approve province 1 done",
		"provide_information  1 done", "approve commune 2 done", "approve province 2 done"}, tn.reviews(c))
	require.Equal(t, 2, tn.number(`SELECT count(DISTINCT bound_hash) FROM decisions d JOIN tasks t ON t.id = d.task_id WHERE t.kind = 'approve' AND t.level = 'commune'`))
	tn.check()
}

func TestTheSamePayeeKeepsTheApprovals(t *testing.T) {
	t.Parallel()
	tn := newTown(t)
	request := example(t, "housing_new")
	c := tn.submit(request)
	same := providing(`{"payee": {"kind": "household", "method": "bank", "bank_bin": "970416", "account_number": "0051000913", "account_name": "PHAM VAN TINH"}}`)
	tn.liveUntil(people(willing).at("province", returning("approver4")).first(aid.ProvideInformation, same), tn.is(c, aid.Paying))
	require.Equal(t, 1, tn.number(`SELECT count(*) FROM tasks WHERE kind = 'approve' AND level = 'commune'`))
	tn.check()
}

// A changed amount asks every level again, and an amount that was lowered for
// the old request binds no more.
func TestChangedAmountRunsTheMatrixAgain(t *testing.T) {
	t.Parallel()
	tn := newTown(t)
	c := tn.submit(example(t, "housing_new"))
	lower := &move{actor: "approver1", action: aid.ActionApprove, amount: 40_000_000, reason: "fund_shared"}
	more := providing(`{"requested": {"amount": 60000000, "currency": "VND"}}`)
	tn.liveUntil(people(willing).at("commune", lower).at("province", returning("approver4")).first(aid.ProvideInformation, more), tn.is(c, aid.Paying))
	require.Equal(t, 2, tn.number(`SELECT count(*) FROM tasks WHERE kind = 'approve' AND level = 'commune'`))
	require.Equal(t, 60_000_000, tn.number(`SELECT amount FROM awards`))
	tn.check()
}

// From the fourth return on a person decides whether the case goes on at all.
// Whatever the answer is, it never ends by itself.
func TestReturnedTooOften(t *testing.T) {
	back := func() people {
		r := returning("verifier1")
		return people(willing).first(aid.VerifyDocuments, r, r, r, r)
	}
	tests := []struct {
		name   string
		who    people
		status aid.Status
		end    string // of the question
	}{
		{"the partner answers first", back().never(aid.DecideStalled), aid.Approved, "void"},
		{"it is to go on", back().after(aid.ProvideInformation, 3*24*time.Hour).first(aid.DecideStalled, &move{actor: "manager1", action: aid.ActionReject, reason: "other"}), aid.Approved, "done"},
		{"it ends", back().after(aid.ProvideInformation, 3*24*time.Hour).first(aid.DecideStalled, by("verifier1", aid.ActionConfirm)), aid.Withdrawn, "done"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tn := newTown(t)
			c := tn.submit(example(t, "housing_new"))
			tn.liveUntil(tt.who, tn.is(c, tt.status))
			require.Equal(t, []string{tt.end}, tn.texts(`SELECT state FROM tasks WHERE kind = 'decide_stalled'`))
			require.Equal(t, []string{"returned_too_often"}, tn.texts(`SELECT rule->>'because' FROM tasks WHERE kind = 'decide_stalled'`))
			require.Equal(t, 4, tn.row(c).Returns)
			tn.check()
		})
	}
}

// While a partner is asked nobody else can decide anything.
func TestNothingIsOpenWhileThePartnerIsAsked(t *testing.T) {
	t.Parallel()
	tn := newTown(t)
	c := tn.submit(example(t, "medical"))
	tn.liveUntil(people(willing).first(aid.FieldVisit, nil).first(aid.VerifyDocuments, returning("verifier1")).never(aid.ProvideInformation), tn.is(c, aid.ActionNeeded))
	require.Equal(t, []string{"provide_information"}, tn.texts(`SELECT kind FROM tasks WHERE closed_at IS NULL`))
	require.Equal(t, aid.OwnerPartner, *tn.row(c).WaitingOwner)
	tasks := tn.texts(`SELECT id FROM tasks WHERE kind = 'field_visit'`)
	a := tn.update(tn.row(c).WorkflowID, "decide", "dec_late", aid.Decision{ID: "dec_late", Task: tasks[0], Kind: aid.FieldVisit, Actor: "verifier2", Action: aid.ActionComplete})
	tn.pass(time.Hour)
	require.True(t, a.rejected)
	require.Equal(t, "task_closed", a.code())
	tn.check()
}
