package worker_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.temporal.io/sdk/interceptor"
	"go.temporal.io/sdk/testsuite"
	"go.temporal.io/sdk/worker"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/aid/programme"
	"github.com/aidflow/aidflow/internal/postgres"
)

// decides publishes a version of the programme of houses with another matrix,
// for a staff of three approvers in the commune and one more level between
// commune and province.
func (tn *town) decides(matrix string) {
	tn.t.Helper()
	tn.decidesOn("housing_new", matrix)
}

func (tn *town) decidesOn(code, matrix string) {
	tn.t.Helper()
	tn.change(`INSERT INTO staff (subject, name, created_at) VALUES ('approver6', 'Lý Thị Mai', now()), ('approver7', 'Cao Văn Sáu', now()), ('approver8', 'Kiều Thị Tám', now())`)
	tn.change(`INSERT INTO staff_roles (subject, role, area, level) VALUES ('approver6', 'approver', '51', 'commune'), ('approver7', 'approver', '51', 'commune'), ('approver8', 'approver', '51', 'district')`)
	tn.change(`INSERT INTO areas (code, name, level, parent) VALUES ('51D', 'Huyện', 'district', '51')`)
	tn.change(`UPDATE areas SET parent = '51D' WHERE parent = '51' AND level = 'commune'`)
	tn.manager = tn.db.Staff(tn.t, "manager1") // who looks, now over the new area too
	tn.revise(code, func(members map[string]any) { members["matrix"] = tn.rows(members, matrix) })
}

// rows reads a matrix as a definition has it, in place of the one of a
// programme.
func (tn *town) rows(members map[string]any, matrix string) any {
	tn.t.Helper()
	var text strings.Builder
	for name, value := range members {
		if name != "matrix" {
			raw, err := json.Marshal(value)
			require.NoError(tn.t, err)
			text.WriteString(name + ": " + string(raw) + "\n")
		}
	}
	def, err := programme.Parse([]byte(text.String() + "matrix:\n" + matrix))
	require.NoError(tn.t, err)
	raw, err := json.Marshal(def)
	require.NoError(tn.t, err)
	whole := map[string]any{}
	require.NoError(tn.t, json.Unmarshal(raw, &whole))
	return whole["matrix"]
}

// turn is what one person does on the approval of a level.
type turn struct {
	level string
	move  *move
}

// inTurn gives people who decide the approvals in this order and no other.
func inTurn(t *testing.T, turns ...turn) people {
	return people(willing).but(aid.Approve, func(task postgres.TaskRow, _ time.Duration) *move {
		if len(turns) == 0 || turns[0].level != task.Level {
			return nil
		}
		next := turns[0]
		turns = turns[1:]
		return next.move
	})
}

func at(level, actor string, action aid.Action) turn {
	m := by(actor, action)
	switch action {
	case aid.ActionReject:
		m = rejecting(actor)
	case aid.ActionReturn:
		m = returning(actor)
	}
	return turn{level, m}
}

// asked tells the approvals of a case: level, review, state and outcome.
func (tn *town) asked(id string) []string {
	return tn.texts(`SELECT concat_ws(' ', level, review, state, nullif(outcome, '')) FROM tasks WHERE case_id = $1 AND kind = 'approve' ORDER BY opened_at, id`, id)
}

const (
	yes, no, abstains, back = aid.ActionApprove, aid.ActionReject, aid.ActionAbstain, aid.ActionReturn

	communeAny      = "- up_to: null\n  levels:\n    - {name: commune, mode: any}\n"
	unanimous       = communeAny + "    - {name: province, mode: committee, quorum: 2, chair: true, decides: unanimity}\n"
	vetoed          = communeAny + "    - {name: province, mode: committee, quorum: 3, one_rejection: veto}\n"
	tieRejects      = communeAny + "    - {name: province, mode: committee, quorum: 2, chair: true, tie: rejected}\n"
	tieOpen         = communeAny + "    - {name: province, mode: committee, quorum: 2, chair: true, tie: open}\n"
	twoAgree        = "- up_to: null\n  levels:\n    - {name: commune, mode: n_of_m, n: 2}\n"
	twoAgreeByVote  = "- up_to: null\n  levels:\n    - {name: commune, mode: n_of_m, n: 2, one_rejection: vote}\n"
	together        = communeAny + "    - {name: province, mode: committee, quorum: 2, chair: true, parallel: true}\n"
	togetherThenTop = communeAny + "    - {name: district, mode: any, parallel: true}\n    - {name: province, mode: committee, quorum: 2, chair: true}\n"
	skipsTheFirst   = "- up_to: null\n  levels:\n    - {name: commune, mode: any, skip: 'requested <= 57_000_000'}\n" +
		"    - {name: district, mode: any, parallel: true}\n    - {name: province, mode: committee, quorum: 2, chair: true, skip: 'requested < 57_000_000'}\n"
	skipsBySight = communeAny + "    - {name: province, mode: any, skip: 'has(visit.current_house) && visit.current_house == answers.current_house'}\n"
	byArea       = "- {up_to: 57_000_000, area_levels: [ward, commune], levels: [{name: district, mode: any}]}\n" +
		"- {up_to: 57_000_000, area_levels: [district], levels: [{name: province, mode: any}]}\n- {up_to: null, levels: [{name: province, mode: any}]}\n"
)

// Every mode and edge of the matrix, as real cases go through it.
func TestTheWaysThroughTheMatrix(t *testing.T) {
	tests := []struct {
		name, matrix string
		turns        []turn
		want         aid.Status
		asked        string
	}{
		{"any: one abstains, another approves", communeAny, []turn{at("commune", "approver1", abstains), at("commune", "approver6", yes)},
			aid.Approved, "commune 1 done approved"},
		{"any: one rejects", communeAny, []turn{at("commune", "approver6", no)},
			aid.Rejected, "commune 1 done rejected"},
		{"unanimity: all who vote agree", unanimous, []turn{at("commune", "approver1", yes), at("province", "approver2", abstains), at("province", "approver4", yes)},
			aid.Approved, "commune 1 done approved, province 1 done approved"},
		{"unanimity: one is against", unanimous, []turn{at("commune", "approver1", yes), at("province", "approver2", no), at("province", "approver4", yes)},
			aid.Rejected, "commune 1 done approved, province 1 done rejected"},
		{"a veto in a committee ends it before the quorum", vetoed, []turn{at("commune", "approver1", yes), at("province", "approver3", no)},
			aid.Rejected, "commune 1 done approved, province 1 done rejected"},
		{"a committee without a veto", vetoed, []turn{at("commune", "approver1", yes), at("province", "approver3", yes), at("province", "approver2", yes), at("province", "approver4", abstains)},
			aid.Approved, "commune 1 done approved, province 1 done approved"},
		{"a tie rejects, whatever the chair says", tieRejects, []turn{at("commune", "approver1", yes), at("province", "approver2", no), at("province", "approver4", yes)},
			aid.Rejected, "commune 1 done approved, province 1 done rejected"},
		{"a tie waits for one more", tieOpen, []turn{at("commune", "approver1", yes), at("province", "approver2", no), at("province", "approver4", yes), at("province", "approver3", yes)},
			aid.Approved, "commune 1 done approved, province 1 done approved"},
		{"two of three agree, one abstains", twoAgree, []turn{at("commune", "approver1", yes), at("commune", "approver6", abstains), at("commune", "approver7", yes)},
			aid.Approved, "commune 1 done approved"},
		{"two of three: a rejection is a veto", twoAgree, []turn{at("commune", "approver1", yes), at("commune", "approver6", no)},
			aid.Rejected, "commune 1 done rejected"},
		{"two of three: a rejection is one vote", twoAgreeByVote, []turn{at("commune", "approver1", no), at("commune", "approver6", yes), at("commune", "approver7", yes)},
			aid.Approved, "commune 1 done approved"},
		{"two of three reject", twoAgreeByVote, []turn{at("commune", "approver1", no), at("commune", "approver6", yes), at("commune", "approver7", no)},
			aid.Rejected, "commune 1 done rejected"},
		{"in parallel, the lower one first", together, []turn{at("commune", "approver1", yes), at("province", "approver2", yes), at("province", "approver4", yes)},
			aid.Approved, "commune 1 done approved, province 1 done approved"},
		{"in parallel, one between the others", together, []turn{at("province", "approver2", yes), at("commune", "approver1", yes), at("province", "approver4", yes)},
			aid.Approved, "commune 1 done approved, province 1 done approved"},
		{"in parallel, the higher one first", together, []turn{at("province", "approver2", yes), at("province", "approver4", yes), at("commune", "approver1", yes)},
			aid.Approved, "commune 1 done approved, province 1 done approved"},
		{"in parallel, then one more", togetherThenTop, []turn{at("district", "approver8", yes), at("commune", "approver1", yes), at("province", "approver2", yes), at("province", "approver4", yes)},
			aid.Approved, "commune 1 done approved, district 1 done approved, province 1 done approved"},
		{"in parallel, one rejects first", together, []turn{at("province", "approver2", yes), at("commune", "approver1", no)},
			aid.Rejected, "commune 1 done rejected, province 1 void"},
		{"in parallel, one rejects last", together, []turn{at("commune", "approver1", yes), at("province", "approver2", no), at("province", "approver4", no)},
			aid.Rejected, "commune 1 done approved, province 1 done rejected"},
		{"in parallel, one returns: what the other approved stands", together, []turn{at("commune", "approver1", yes), at("province", "approver2", back), at("province", "approver3", yes), at("province", "approver4", yes)},
			aid.Approved, "commune 1 done approved, province 1 done returned, province 2 done approved"},
		{"in parallel, one returns first: both are asked again", together, []turn{at("province", "approver2", yes), at("commune", "approver1", back), at("province", "approver2", yes), at("province", "approver4", yes), at("commune", "approver1", yes)},
			aid.Approved, "commune 1 done returned, province 1 replaced, commune 2 done approved, province 2 done approved"},
		{"the first is skipped, and nobody is parallel to nobody", skipsTheFirst, []turn{at("district", "approver8", yes), at("province", "approver2", yes), at("province", "approver4", yes)},
			aid.Approved, "district 1 done approved, province 1 done approved"},
		{"skipped for what the visit saw", skipsBySight, []turn{at("commune", "approver1", yes)},
			aid.Approved, "commune 1 done approved"},
		{"the row of the area's level", byArea, []turn{at("district", "approver8", yes)},
			aid.Approved, "district 1 done approved"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tn := newTown(t)
			tn.decides(tt.matrix)
			c := tn.submit(example(t, "housing_new"))
			who := inTurn(t, tt.turns...)
			tn.liveUntil(who, tn.is(c, tt.want))
			require.Equal(t, tt.asked, strings.Join(tn.asked(c), ", "))
			if tt.want == aid.Approved {
				require.Equal(t, 57_000_000, tn.fund().reserved)
				tn.liveUntil(who, tn.is(c, aid.FollowingUp)) // the paying side finds the same levels
				require.Equal(t, spentOn(57_000_000), tn.fund())
			}
			tn.check()
		})
	}
}

// An approver who had claimed a level and loses it to somebody else leaves
// nothing behind: the votes of who did decide are counted, and no open share of
// one who is gone keeps the level open.
func TestAReassignmentLeavesNoLevelOpen(t *testing.T) {
	t.Parallel()
	tn := newTown(t)
	tn.decides(twoAgree)
	c := tn.submit(example(t, "housing_new"))
	tn.liveUntil(inTurn(t, at("commune", "approver1", yes)), func() bool {
		return tn.number(`SELECT count(*) FROM decisions WHERE case_id = $1 AND actor = 'approver1' AND state = 'applied'`, c) == 1
	})
	id := tn.texts(`SELECT id FROM tasks WHERE case_id = $1 AND kind = 'approve'`, c)[0]
	for _, who := range []string{"approver6", "approver7"} {
		_, err := tn.db.AssignTask(t.Context(), tn.db.Staff(t, "manager1"), id, who, 0)
		require.NoError(t, err)
	}
	tn.change(`DELETE FROM staff_roles WHERE subject = 'approver6'`)
	tn.liveUntil(inTurn(t, at("commune", "approver7", yes)), tn.is(c, aid.Approved))
	require.Equal(t, []string{"commune 1 done approved"}, tn.asked(c))
	require.Zero(t, tn.number(`SELECT count(*) FROM tasks WHERE kind = 'approve' AND closed_at IS NULL`))
	tn.check()
}

// What was skipped is on record, with the rule and its version, and stays
// skipped: what the facts are when money is paid does not matter.
func TestSkippedStaysSkipped(t *testing.T) {
	t.Parallel()
	tn := newTown(t)
	tn.decides(communeAny + "    - {name: province, mode: any, skip: 'household.registered'}\n")
	c := tn.submit(another(example(t, "housing_new"), 3))
	tn.liveUntil(inTurn(t, at("commune", "approver1", yes)), tn.is(c, aid.Approved))
	require.Equal(t, []string{"province housing_new 2 /matrix/0/levels/1/skip"}, tn.texts(`SELECT concat_ws(' ', data->>'level', data->>'programme',
		data->>'programme_version', data->>'rule') FROM events WHERE case_id = $1 AND kind = 'level.skipped'`, c))
	require.Equal(t, []string{`[{"row": 1, "name": "province", "place": 2, "version": 2}]`},
		tn.texts(`SELECT outcome->>'skipped' FROM transitions WHERE workflow_id = 'case/' || $1 || '/1' AND outcome ? 'skipped'`, c))
	tn.change(`UPDATE households SET registered = false`)
	tn.liveUntil(willing, tn.is(c, aid.FollowingUp))
	require.Equal(t, spentOn(57_000_000), tn.fund())
	tn.check()
}

// An answer that changes what a level is skipped for, and nothing that the
// others had approved, asks that level and no other.
func TestAnAnswerThatUnskips(t *testing.T) {
	t.Parallel()
	tn := newTown(t)
	tn.decides("- up_to: null\n  levels:\n    - {name: commune, mode: any, skip: 'answers.planned_area_m2 < 100'}\n" +
		"    - {name: district, mode: any}\n    - {name: province, mode: any}\n")
	c := tn.submit(example(t, "housing_new"))
	var answers map[string]any
	require.NoError(t, json.Unmarshal(example(t, "housing_new").Answers, &answers))
	answers["planned_area_m2"] = 110
	raw, err := json.Marshal(map[string]any{"answers": answers})
	require.NoError(t, err)
	tn.liveUntil(inTurn(t, at("district", "approver8", yes), at("province", "approver5", back), at("commune", "approver1", yes), at("province", "approver5", yes)).
		first(aid.ProvideInformation, providing(string(raw))), tn.is(c, aid.Approved))
	require.Equal(t, "district 1 done approved, province 1 done returned, commune 2 done approved, province 2 done approved", strings.Join(tn.asked(c), ", "))
	tn.liveUntil(willing, tn.is(c, aid.FollowingUp))
	tn.check()
}

// An answer that changes the payee voids the approval of the level that stood
// beside the one that asked.
func TestAnotherPayeeAsksParallelLevelsAgain(t *testing.T) {
	t.Parallel()
	tn := newTown(t)
	tn.decides(together)
	c := tn.submit(example(t, "housing_new"))
	payee := providing(`{"payee": {"kind": "household", "method": "bank", "bank_bin": "970416", "account_number": "0051000777", "account_name": "PHAM VAN TINH"}}`)
	tn.liveUntil(inTurn(t, at("commune", "approver1", yes), at("province", "approver2", back), at("commune", "approver1", yes), at("province", "approver2", yes), at("province", "approver4", yes)).
		first(aid.ProvideInformation, payee), tn.is(c, aid.Approved))
	require.Equal(t, "commune 1 done approved, province 1 done returned, commune 2 done approved, province 2 done approved", strings.Join(tn.asked(c), ", "))
	tn.check()
}

// A withdrawal between two parallel approvals ends both.
func TestWithdrawnBetweenParallelLevels(t *testing.T) {
	t.Parallel()
	tn := newTown(t)
	tn.decides(together)
	c := tn.submit(example(t, "housing_new"))
	tn.once("withdraw", func() bool {
		return tn.number(`SELECT count(*) FROM tasks WHERE case_id = $1 AND kind = 'approve' AND outcome = 'approved'`, c) == 1
	},
		func() { tn.withdraw(c) })
	tn.live(inTurn(t, at("commune", "approver1", yes)))
	require.Equal(t, aid.Withdrawn, tn.status(c))
	require.Equal(t, "commune 1 done approved, province 1 void", strings.Join(tn.asked(c), ", "))
	require.Equal(t, untouched(), tn.fund())
	tn.check()
}

// An amount that one level has lowered is what the parallel one sees; who looked
// at the old one looks again.
func TestLoweredBesideAnotherLevel(t *testing.T) {
	t.Parallel()
	tn := newTown(t)
	tn.decides(together)
	c := tn.submit(example(t, "housing_new"))
	lower := &move{actor: "approver1", action: yes, amount: 50_000_000, reason: "partly_needed"}
	before := 0
	who := inTurn(t, at("province", "approver2", yes), turn{"commune", lower}, at("province", "approver4", yes))
	tn.once("a look", func() bool {
		return tn.number(`SELECT count(*) FROM decisions WHERE case_id = $1 AND actor = 'approver2' AND state = 'applied'`, c) == 1
	},
		func() { before = tn.number(`SELECT version FROM tasks WHERE case_id = $1 AND level = 'province'`, c) })
	tn.liveUntil(who, tn.is(c, aid.Approved))
	require.NotZero(t, before)
	require.Equal(t, []string{"57000000", "50000000"},
		tn.texts(`SELECT d.amount::text FROM decisions d JOIN tasks t ON t.id = d.task_id WHERE t.case_id = $1 AND t.level = 'province' ORDER BY d.decided_at`, c))
	require.Equal(t, before+2, tn.number(`SELECT version FROM tasks WHERE case_id = $1 AND level = 'province'`, c), "lowered beside it, closed")
	require.Equal(t, 50_000_000, tn.fund().reserved)
	tn.liveUntil(willing, tn.is(c, aid.FollowingUp))
	tn.check()
}

// A level approves no more than its limit: it lowers, or leaves it.
func TestTheLimitOfALevel(t *testing.T) {
	t.Parallel()
	tn := newTown(t)
	tn.decides("- up_to: null\n  levels:\n    - {name: commune, mode: any, limit: 50_000_000}\n    - {name: province, mode: any}\n")
	c := tn.submit(example(t, "housing_new"))
	refused := func(amount int64) turn {
		return turn{"commune", &move{actor: "approver1", action: yes, amount: amount, reason: "partly_needed", refuse: "invalid_content"}}
	}
	plain := turn{"commune", &move{actor: "approver1", action: yes, refuse: "invalid_content"}}
	lower := turn{"commune", &move{actor: "approver1", action: yes, amount: 50_000_000, reason: "partly_needed"}}
	tn.liveUntil(inTurn(t, plain, refused(50_000_001), lower, at("province", "approver5", yes)), tn.is(c, aid.Approved))
	require.Equal(t, 50_000_000, tn.fund().reserved)
	tn.liveUntil(willing, tn.is(c, aid.FollowingUp))
	tn.check()
}

// Parallel levels of which one has no area: the other is asked at once, and the
// case goes on only when both have approved.
func TestAParallelLevelWithoutAnArea(t *testing.T) {
	t.Parallel()
	tn := newTown(t)
	tn.decides(togetherThenTop)
	c := tn.submit(example(t, "housing_new"))
	tn.once("no district", tn.open(c, aid.VerifyDocuments), func() { tn.change(`UPDATE areas SET level = 'other' WHERE code = '51D'`) })
	who := inTurn(t, at("commune", "approver1", yes), at("district", "approver8", yes), at("province", "approver2", yes), at("province", "approver4", yes))
	parked := func() bool {
		return tn.row(c).Parked && tn.number(`SELECT count(*) FROM tasks WHERE case_id = $1 AND kind = 'approve' AND outcome = 'approved'`, c) == 1
	}
	tn.liveUntil(who, parked)
	require.Equal(t, "commune 1 done approved", strings.Join(tn.asked(c), ", "))
	require.Equal(t, "not_repaired", tn.repaired(c))
	tn.change(`UPDATE areas SET level = 'district' WHERE code = '51D'`)
	require.Empty(t, tn.repaired(c))
	tn.liveUntil(who, tn.is(c, aid.Approved))
	require.Equal(t, "commune 1 done approved, district 1 done approved, province 1 done approved", strings.Join(tn.asked(c), ", "))
	tn.check()
}

// Money is short, and what was approved is void when it comes: every level of
// the group whose approval no longer holds is asked again, and then paid.
func TestWaitingForFundsAfterParallelLevels(t *testing.T) {
	t.Parallel()
	tn := newTown(t)
	tn.decides(together)
	tn.poorFund(56_999_999)
	c := tn.submit(example(t, "housing_new"))
	who := inTurn(t, at("province", "approver2", yes), at("commune", "approver1", yes), at("province", "approver4", yes),
		at("commune", "approver1", yes), at("province", "approver2", yes), at("province", "approver4", yes))
	tn.liveUntil(who, tn.waiting(c))
	tn.change(`UPDATE payee_accounts SET account_hash = '\x00' WHERE id = (SELECT payee_account_id FROM cases WHERE id = $1)`, c)
	tn.give(1)
	tn.liveUntil(who, tn.is(c, aid.Approved))
	require.Equal(t, "commune 1 done approved, province 1 done approved, commune 2 done approved, province 2 done approved", strings.Join(tn.asked(c), ", "))
	tn.liveUntil(willing, tn.is(c, aid.FollowingUp))
	tn.check()
}

// Parallel levels with a return, every step made twice: one effect each.
func TestParallelLevelsTwice(t *testing.T) {
	for name, atOnce := range map[string]bool{"one after the other": false, "both at once": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tn := newTown(t)
			tn.decides(togetherThenTop)
			twice := &repeater{t: t, doing: tn.doing, atOnce: atOnce, times: map[string]int{}}
			tn.prepare = func(env *testsuite.TestWorkflowEnvironment) {
				env.SetWorkerOptions(worker.Options{Interceptors: []interceptor.WorkerInterceptor{twice}})
			}
			c := tn.submit(example(t, "housing_new"))
			who := inTurn(t, at("district", "approver8", yes), at("commune", "approver1", back), at("commune", "approver1", yes), at("province", "approver2", yes), at("province", "approver4", yes))
			tn.liveUntil(who, tn.is(c, aid.FollowingUp))
			require.NotZero(t, twice.times["DecideApproval"], "nothing was done twice")
			require.Equal(t, "commune 1 done returned, district 1 done approved, commune 2 done approved, province 2 done approved", strings.Join(tn.asked(c), ", "))
			require.Equal(t, spentOn(57_000_000), tn.fund())
			tn.check()
		})
	}
}
