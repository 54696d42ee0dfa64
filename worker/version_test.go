package worker_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/aid/programme"
	"github.com/aidflow/aidflow/internal/postgres"
	"github.com/aidflow/aidflow/workflows"
)

// revise publishes the next version of a programme as a fund does: admin1
// proposes it, admin2 publishes it.
func (tn *town) revise(code string, edit func(map[string]any)) {
	tn.t.Helper()
	ctx := tn.t.Context()
	row, err := tn.db.Programme(ctx, code)
	require.NoError(tn.t, err)
	raw, err := json.Marshal(row.Definition)
	require.NoError(tn.t, err)
	members := map[string]any{}
	require.NoError(tn.t, json.Unmarshal(raw, &members))
	members["version"] = row.Version + 1
	edit(members)
	raw, err = json.Marshal(members)
	require.NoError(tn.t, err)
	def, err := programme.Parse(raw)
	require.NoError(tn.t, err)
	id := postgres.NewID(aid.DraftID)
	require.NoError(tn.t, tn.db.Propose(ctx, tn.db.Staff(tn.t, "admin1"), id, def))
	require.NoError(tn.t, tn.db.PublishDraft(ctx, tn.db.Staff(tn.t, "admin2"), code, def.Version, id))
}

// asksForRooms gives a programme a question more, whose answer is required, and
// a document more.
func asksForRooms(members map[string]any) {
	form := members["form"].(map[string]any)
	form["properties"].(map[string]any)["rooms"] = map[string]any{"title": "Số phòng", "type": "integer", "minimum": 1, "maximum": 20}
	form["required"] = append(form["required"].([]any), "rooms")
	form["examples"].([]any)[0].(map[string]any)["rooms"] = 3
	request := members["example_request"].(map[string]any)
	request["answers"].(map[string]any)["rooms"] = 3
	request["documents"] = append(request["documents"].([]any), map[string]any{"kind": "plan", "dated": "2026-02-01", "location": "file 1"})
	members["documents"] = append(members["documents"].([]any), map[string]any{"kind": "plan", "required": true,
		"titles": map[string]any{"vi": "Bản vẽ", "en": "Plan of the house", "id": "Denah rumah"}})
	members["matrix"] = []any{map[string]any{"up_to": nil, "levels": []any{map[string]any{"name": "province", "mode": "any"}}}}
}

// moveVersion is a manager's wish to move a case, as the API brings it.
func (tn *town) moveVersion(id string, version int, actor, want string) *answer {
	tn.t.Helper()
	row := tn.row(id)
	move := aid.VersionMove{ID: postgres.NewID(aid.DecisionID), Version: version, Actor: actor, Reason: "better_for_household"}
	a := tn.update(row.WorkflowID, workflows.UpdateVersion, move.ID, move)
	a.want = want
	tn.answers = append(tn.answers, a)
	tn.pass(time.Hour)
	return a
}

// Whatever is published, a running case goes on under its own version, also
// when it is returned and answered.
func TestNoRunningCaseNoticesAPublication(t *testing.T) {
	t.Parallel()
	tn := newTown(t)
	c := tn.submit(example(t, "housing_new"))
	tn.once("publish", tn.open(c, aid.Approve), func() { tn.revise("housing_new", asksForRooms) })
	tn.liveUntil(people(willing).first(aid.VerifyDocuments, returning("verifier1")).at("province", by("approver2", aid.ActionApprove), returning("approver4")), tn.is(c, aid.FollowingUp))
	require.Equal(t, 1, tn.row(c).ProgrammeVersion)
	require.Equal(t, []string{"1"}, tn.texts(`SELECT DISTINCT data->>'programme_version' FROM events WHERE case_id = $1`, c))
	require.Equal(t, 3, tn.number(`SELECT count(*) FROM payments WHERE case_id = $1 AND state = 'settled'`, c), "by the tranches of version 1")
	newer := tn.submitted("housing_new", 3)
	require.Equal(t, 2, tn.row(newer).ProgrammeVersion)
	tn.check()
}

// submitted gives a case of the ith household under the version in force.
func (tn *town) submitted(code string, i int) string {
	tn.t.Helper()
	row, err := tn.db.Programme(tn.t.Context(), code)
	require.NoError(tn.t, err)
	content := another(example(tn.t, code), i)
	var request struct {
		Answers json.RawMessage `json:"answers"`
	}
	require.NoError(tn.t, json.Unmarshal(row.Definition.ExampleRequest, &request))
	content.Answers, content.ExternalID = request.Answers, ""
	return tn.submit(content)
}

// A returned case that a manager moves is verified again and paid by approvals
// under the new version only; the partner is told what is missing, and an answer
// that lacks it is refused.
func TestAReturnedCaseMovesToTheNewVersion(t *testing.T) {
	t.Parallel()
	tn := newTown(t)
	c := tn.submit(example(t, "housing_new"))
	before := people(willing).at("province", by("approver2", aid.ActionApprove), returning("approver4")).never(aid.ProvideInformation)
	tn.liveUntil(before, tn.is(c, aid.ActionNeeded))
	tn.revise("housing_new", asksForRooms)
	tasks, err := tn.db.Tasks(t.Context(), tn.manager, postgres.TaskFilter{Case: c, Kind: string(aid.ProvideInformation)}, postgres.Page{})
	require.NoError(t, err)
	early, err := tn.db.RecordIntent(t.Context(), postgres.Intent{ID: postgres.NewID(aid.DecisionID), Task: tasks[0].ID, Actor: tasks[0].PartnerID, Partner: true,
		TaskVersion: tasks[0].Version, Action: aid.ActionComplete})
	require.NoError(t, err)

	tn.moveVersion(c, 2, "verifier1", "wrong_role")
	tn.moveVersion(c, 1, "manager1", "version_not_newer")
	tn.moveVersion(c, 3, "manager1", "version_not_found")
	tn.moveVersion(c, 2, "manager1", "")
	require.Equal(t, aid.Place{Status: aid.ActionNeeded, Stage: aid.Verification}, aid.Place{Status: tn.row(c).Status, Stage: tn.row(c).Stage})
	require.Equal(t, 2, tn.row(c).ProgrammeVersion)
	tn.moveVersion(c, 2, "manager1", "version_not_newer")
	require.Equal(t, []string{"land_use_confirmation missing", "rooms required", "plan missing"}, tn.texts(`SELECT i->>'kind' || ' ' || (i->>'problem')
		FROM tasks, jsonb_array_elements(rule->'items') i WHERE kind = 'provide_information' AND closed_at IS NULL`))
	a := tn.update(early.Workflow, workflows.UpdateDecide, early.Decision.ID, early.Decision) // an answer to the old question comes late
	a.want = "task_closed"
	tn.answers = append(tn.answers, a)

	answers := providing(`{"answers": ` + string(tn.answersOf("housing_new")) + `, "documents": [{"kind": "plan", "location": "file 2"}]}`)
	missing := &move{action: aid.ActionComplete, data: `{"documents": [{"kind": "plan", "location": "file 2"}]}`, refuse: "invalid_content"}
	tn.liveUntil(people(willing).first(aid.ProvideInformation, missing, answers), tn.is(c, aid.Paying))
	require.Equal(t, []string{"verify_documents  1 done", "field_visit  1 done", "approve commune 1 done", "approve province 1 done",
		"provide_information  1 replaced", "provide_information  2 done",
		"verify_documents  3 done", "field_visit  3 done", "approve province 3 done"}, tn.reviews(c))
	require.Equal(t, 1, tn.events(c, "case.version_moved"))
	require.Equal(t, []string{"1 2 manager1 better_for_household"}, tn.texts(`SELECT from_version || ' ' || version || ' ' || actor || ' ' || reason_code FROM case_versions`))
	require.Equal(t, []string{"1", "2"}, tn.texts(`SELECT DISTINCT programme_version::text FROM case_facts WHERE case_id = $1 ORDER BY 1`, c))
	tn.live(willing)
	require.Equal(t, aid.Closed, tn.status(c))
	tn.check()
}

// answersOf gives the answers of the example of the version in force.
func (tn *town) answersOf(code string) json.RawMessage {
	tn.t.Helper()
	row, err := tn.db.Programme(tn.t.Context(), code)
	require.NoError(tn.t, err)
	var request struct {
		Answers json.RawMessage `json:"answers"`
	}
	require.NoError(tn.t, json.Unmarshal(row.Definition.ExampleRequest, &request))
	return request.Answers
}

// What was approved before the move pays nothing.
func TestApprovalsOfTheOldVersionPayNothing(t *testing.T) {
	t.Parallel()
	tn := newTown(t)
	c := tn.submit(example(t, "medical"))
	tn.liveUntil(people(willing).first(aid.VerifyDocuments, returning("verifier1")).never(aid.ProvideInformation), tn.is(c, aid.ActionNeeded))
	tn.revise("medical", func(m map[string]any) { m["ceiling"] = 21_000_000 })
	tn.moveVersion(c, 2, "manager1", "")
	tn.liveUntil(people(willing).never(aid.PreparePayment), tn.open(c, aid.PreparePayment))
	approved := func() string {
		return aid.CodeOf(tn.db.Write(t.Context(), func(tx *postgres.Tx) error {
			row, err := tx.LockCase(c)
			require.NoError(t, err)
			award, err := tx.AwardOf(row)
			require.NoError(t, err)
			return tx.CheckApprovals(row, award)
		}))
	}
	require.Empty(t, approved())
	tn.change(`UPDATE case_versions SET review = 3`) // as if it had been moved after the approvals
	require.Equal(t, "not_approved", approved())
	tn.change(`UPDATE case_versions SET review = 1`)
	tn.live(willing)
	tn.check()
}

// Only a returned case moves, only by this act, and only to the version in
// force: the database says so alone.
func TestNothingElseMovesTheVersion(t *testing.T) {
	t.Parallel()
	tn := newTown(t)
	c := tn.submit(example(t, "medical"))
	tn.liveUntil(people(willing).never(aid.VerifyDocuments), tn.open(c, aid.VerifyDocuments))
	tn.revise("medical", func(m map[string]any) { m["effective_from"] = "2029-01-01" })
	tn.moveVersion(c, 2, "manager1", "wrong_state")
	byHand := func() string {
		return aid.CodeOf(tn.db.Write(t.Context(), func(tx *postgres.Tx) error {
			_, err := tx.Exec(`UPDATE cases SET programme_version = 2 WHERE id = $1`, c)
			return err
		}))
	}
	require.Equal(t, "wrong_state", byHand())
	tn.liveUntil(people(willing).first(aid.VerifyDocuments, returning("verifier1")).never(aid.ProvideInformation), tn.is(c, aid.ActionNeeded))
	require.Equal(t, "wrong_state", byHand(), "without the record of a move")
	tn.moveVersion(c, 2, "manager1", "version_not_in_force")
	tn.revise("medical", func(m map[string]any) {
		m["checks"] = append(m["checks"].([]any), map[string]any{"kind": "external", "register": "population", "final": false})
		m["version"] = 3
	})
	tn.moveVersion(c, 3, "manager1", "registers_to_ask")
	require.Equal(t, 1, tn.row(c).ProgrammeVersion)
	tn.live(willing)
	tn.check()
}
