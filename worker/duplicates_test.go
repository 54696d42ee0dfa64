package worker_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/aidflow/aidflow/aid"
)

const onceAYear = `{"hits": {"same_need": "block", "similar_name": "block", "same_account": "ignore"}, "repeat": [{"after": "P1Y", "of": ["medical"], "who": "person"}]}`

// Who was helped within the repeat rule's time is helped again only by an
// approver who says why; a year later nothing blocks. The bank account, which
// the programme ignores, is no finding.
func TestHelpWithinTheRepeatRuleNeedsAnOverride(t *testing.T) {
	t.Parallel()
	tn := newTown(t)
	tn.publish("medical", onceAYear)
	again := func(external string) string {
		content := example(t, "medical")
		content.ExternalID = external
		return tn.submit(content)
	}
	first := again("one")
	tn.live(willing)
	require.Equal(t, aid.Closed, tn.status(first))

	second := again("two")
	silent := &move{actor: "approver1", action: aid.ActionApprove, refuse: "invalid_content"}
	spoken := &move{actor: "approver1", action: aid.ActionApprove, data: `{"overrides": [{"finding": "duplicate/same_need/` + first + `", "reason_code": "especially_difficult"}]}`}
	tn.live(people(willing).at("commune", silent, spoken))
	require.Equal(t, aid.Closed, tn.status(second))
	require.Equal(t, []string{"same_need block " + first + " approver1"}, tn.texts(`SELECT code || ' ' || effect || ' ' || about || ' ' || overridden_by
		FROM case_findings WHERE case_id = $1 AND check_kind = 'duplicate'`, second))

	_, err := tn.conn.Exec(`UPDATE cases SET paid_at = paid_at - interval '1 year' WHERE id IN ($1, $2)`, first, second)
	require.NoError(t, err)
	third := again("three")
	tn.live(willing)
	require.Equal(t, aid.Closed, tn.status(third))
	require.Equal(t, []string{"same_person hint", "same_person hint"}, tn.texts(`SELECT code || ' ' || effect FROM case_findings WHERE case_id = $1 AND check_kind = 'duplicate'`, third))
	tn.check()
}

// Two names that are alike block each other's approval. That a person has told
// them apart is remembered: looked at again, nothing blocks.
func TestNotTheSameIsRemembered(t *testing.T) {
	t.Parallel()
	tn := newTown(t)
	tn.publish("medical", onceAYear)
	one, two := example(t, "medical"), example(t, "medical")
	two.ExternalID, two.Applicant.NationalID, two.Household.Code, two.Household.Members = "two", "", "", nil
	first, second := tn.submit(one), tn.submit(two)
	both := func() bool { return tn.open(first, aid.Approve)() && tn.open(second, aid.Approve)() }
	tn.liveUntil(people(willing).never(aid.Approve), both)
	blocks := `SELECT count(*) FROM case_findings WHERE case_id = $1 AND code = 'similar_name' AND effect = 'block' AND gone_at IS NULL`
	require.Equal(t, 1, tn.number(blocks, first))
	require.Equal(t, 1, tn.number(blocks, second))

	_, err := tn.db.DifferPersons(t.Context(), tn.db.Staff(t, "verifier2"), "dec_different", first, second, "person_visited")
	require.NoError(t, err)
	returned := func() *move {
		return &move{actor: "approver1", action: aid.ActionReturn, reason: "documents_missing", data: `{"items": [{"kind": "request_form", "problem": "unreadable"}]}`}
	}
	tn.live(people(willing).at("commune", returned(), returned()))
	require.Equal(t, aid.Closed, tn.status(second))
	require.Zero(t, tn.number(blocks, second))
	require.Equal(t, aid.Closed, tn.status(first))
	tn.check()
}
