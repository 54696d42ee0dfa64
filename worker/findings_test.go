package worker_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/aid/programme"
)

// publish adds the next version of a programme, with some members of its
// definition set anew. YAML is read as well as JSON.
func (tn *town) publish(code, changes string) {
	tn.t.Helper()
	row, err := tn.db.Programme(tn.t.Context(), code)
	require.NoError(tn.t, err)
	raw, err := json.Marshal(row.Definition)
	require.NoError(tn.t, err)
	var members, changed map[string]any
	require.NoError(tn.t, json.Unmarshal(raw, &members))
	require.NoError(tn.t, json.Unmarshal([]byte(changes), &changed))
	members["version"] = row.Version + 1
	for name, value := range changed {
		members[name] = value
	}
	raw, err = json.Marshal(members)
	require.NoError(tn.t, err)
	def, err := programme.Parse(raw)
	require.NoError(tn.t, err)
	raw, err = json.Marshal(def)
	require.NoError(tn.t, err)
	_, err = tn.conn.Exec(`INSERT INTO programmes (code, version, definition, published_at) VALUES ($1, $2, $3, now())`, code, row.Version+1, string(raw))
	require.NoError(tn.t, err)
}

// rule is one eligibility rule, as JSON.
func rule(require, effect string) string {
	return `{"eligibility": [{"code": "not_poor", "require": ` + quote(require) + `, "effect": "` + effect + `",
		"titles": {"vi": "Không phải hộ nghèo", "en": "Not a poor household", "id": "Bukan keluarga miskin"}}],
		"checks": [{"kind": "register", "final": false}, {"kind": "duplicate", "final": false}, {"kind": "eligibility", "final": false}]}`
}

func quote(text string) string {
	raw, _ := json.Marshal(text)
	return string(raw)
}

const overrule = `{"overrides": [{"finding": "eligibility/not_poor", "reason_code": "especially_difficult"}]}`

// A household that does not pass a rule is helped only by an approver who says
// why, and what it is called stays with the case.
func TestABlockingFindingNeedsAnOverride(t *testing.T) {
	t.Parallel()
	tn := newTown(t)
	tn.publish("medical", rule(`household.classification == "other"`, "block"))
	c := tn.submit(example(t, "medical"))
	silent := &move{actor: "approver1", action: aid.ActionApprove, refuse: "invalid_content"}
	wrong := &move{actor: "approver1", action: aid.ActionApprove, refuse: "invalid_content",
		data: `{"overrides": [{"finding": "eligibility/not_poor", "reason_code": "because"}]}`}
	spoken := &move{actor: "approver1", action: aid.ActionApprove, data: overrule}
	tn.live(people(willing).at("commune", silent, wrong, spoken))
	require.Equal(t, aid.Closed, tn.status(c))
	require.Equal(t, []string{"block approver1 especially_difficult"}, tn.texts(`SELECT effect || ' ' || overridden_by || ' ' || override_reason
		FROM case_findings WHERE case_id = $1 AND code = 'not_poor'`, c))
	require.Equal(t, 1, tn.number(`SELECT count(*) FROM audit WHERE object = $1 AND action = 'override' AND actor = 'approver1'`, c))
	tn.check()
}

// PostgreSQL alone lets no approval past a finding.
func TestTheDatabaseLetsNoApprovalPastAFinding(t *testing.T) {
	t.Parallel()
	tn := newTown(t)
	tn.publish("medical", rule(`household.classification == "other"`, "block"))
	c := tn.submit(example(t, "medical"))
	tn.liveUntil(people(willing).never(aid.Approve), tn.open(c, aid.Approve))
	task := tn.texts(`SELECT id FROM tasks WHERE case_id = $1 AND kind = 'approve'`, c)[0]
	_, err := tn.conn.Exec(`INSERT INTO decisions (id, task_id, case_id, actor, action, task_version, state, asked_at)
		VALUES ('dec_x', $1, $2, 'approver1', 'approve', 1, 'intent', now())`, task, c)
	require.NoError(t, err)
	_, err = tn.conn.Exec(`UPDATE decisions SET state = 'applied', decided_at = now() WHERE id = 'dec_x'`)
	require.ErrorContains(t, err, "a finding blocks the approval")
}

// A rule that the programme calls final rejects by itself, with its own code
// as the reason.
func TestAFinalRuleRejects(t *testing.T) {
	t.Parallel()
	tn := newTown(t)
	tn.publish("medical", rule(`household.classification == "other"`, "final"))
	c := tn.submit(example(t, "medical"))
	tn.now = tn.now.Add(time.Hour) // it ends in its first step, which must come after the request
	tn.live(willing)
	require.Equal(t, aid.Rejected, tn.status(c))
	require.Equal(t, "not_poor", tn.row(c).ReasonCode)
	require.Zero(t, tn.number(`SELECT count(*) FROM tasks WHERE case_id = $1`, c))
	tn.check()
}

// What the award rule comes to is what is approved, by the levels of that
// amount, and paid.
func TestTheAwardRuleProposes(t *testing.T) {
	t.Parallel()
	tn := newTown(t)
	tn.publish("medical", `{"award": {"amount": "answers.cost / 4", "round_to": 100000}}`) // 18,500,000 / 4
	c := tn.submit(example(t, "medical"))
	above := &move{actor: "approver1", action: aid.ActionApprove, amount: 6_000_000, refuse: "invalid_content"}
	tn.live(people(willing).at("commune", above))
	require.Equal(t, aid.Closed, tn.status(c))
	require.EqualValues(t, 4_600_000, *tn.row(c).Amount)
	require.Equal(t, fund{budget: 500_000_000, raised: 500_000_000, available: 495_400_000, spent: 4_600_000}, tn.fund())
	require.Equal(t, []string{"request {rule,rounding} 4600000", "visit {rule,rounding} 4600000"},
		tn.texts(`SELECT phase || ' ' || because::text || ' ' || proposed FROM case_facts WHERE case_id = $1 ORDER BY phase`, c))
	tn.check()
}

// An amount of nothing is nothing that an approver grants in silence.
func TestNothingToGrantBlocks(t *testing.T) {
	t.Parallel()
	tn := newTown(t)
	tn.publish("medical", `{"award": {"amount": "household.size > 50 ? 1000000 : 0"}}`)
	c := tn.submit(example(t, "medical"))
	silent := &move{actor: "approver1", action: aid.ActionApprove, refuse: "invalid_content"}
	spoken := &move{actor: "approver1", action: aid.ActionApprove, amount: 2_000_000, reason: "partly_needed",
		data: `{"overrides": [{"finding": "award/nothing_to_grant", "reason_code": "especially_difficult"}]}`}
	tn.live(people(willing).at("commune", silent, spoken))
	require.Equal(t, aid.Closed, tn.status(c))
	require.EqualValues(t, 2_000_000, *tn.row(c).Amount)
	tn.check()
}

const visitForm = `"visit": {"verifiers": 2, "form": {"type": "object", "additionalProperties": false, "required": ["cost"],
	"properties": {"cost": {"type": "integer", "minimum": 0, "maximum": 100000000}}, "examples": [{"cost": 18500000}]}}`

// Two verifiers are two persons; what they saw decides the amount and stands
// beside what was declared.
func TestTwoVerifiersSeeTheHousehold(t *testing.T) {
	t.Parallel()
	tn := newTown(t)
	tn.publish("medical", `{"follow_up": [], `+visitForm+`, "award": {"amount": "has(visit.cost) ? visit.cost / 2 : answers.cost / 2"}}`)
	c := tn.submit(example(t, "medical"))
	saw := func(actor, cost, refuse string) *move {
		return &move{actor: actor, action: aid.ActionComplete, data: `{"seen": {"cost": ` + cost + `}}`, refuse: refuse}
	}
	tn.live(people(willing).first(aid.FieldVisit, saw("verifier1", `"much"`, "invalid_content"), saw("verifier1", "9000000", ""),
		saw("verifier1", "8000000", "second_verifier"), saw("verifier2", "8000000", "")))
	require.Equal(t, aid.Closed, tn.status(c))
	require.EqualValues(t, 4_000_000, *tn.row(c).Amount)
	reports, err := tn.db.VisitReports(t.Context(), tn.db.Staff(t, "verifier1"), c)
	require.NoError(t, err)
	require.Len(t, reports, 2)
	require.Equal(t, []programme.Difference{{Field: "cost", Declared: json.RawMessage("18500000"), Seen: json.RawMessage("9000000")}}, reports[0].Differences)
	masked, err := tn.db.VisitReports(t.Context(), tn.db.Staff(t, "auditor1"), c)
	require.NoError(t, err)
	require.Nil(t, masked[0].Seen)
	tn.check()
}

// Answers that change what the rules say change the findings: what is gone is
// gone, and who had overridden it stays on the record.
func TestAnAnswerIsJudgedAgain(t *testing.T) {
	t.Parallel()
	tn := newTown(t)
	tn.publish("medical", rule(`answers.cost < 10000000`, "block"))
	content := example(t, "medical")
	c := tn.submit(content)
	var answers map[string]any
	require.NoError(t, json.Unmarshal(content.Answers, &answers))
	answers["cost"], answers["insurance_pays"] = 9_000_000, 0
	raw, err := json.Marshal(map[string]any{"answers": answers})
	require.NoError(t, err)
	back := &move{actor: "approver1", action: aid.ActionReturn, reason: "information_wrong", note: "How much?"}
	tn.live(people(willing).at("commune", back).first(aid.ProvideInformation, &move{action: aid.ActionComplete, data: string(raw)}))
	require.Equal(t, aid.Closed, tn.status(c))
	require.Equal(t, 1, tn.number(`SELECT count(*) FROM case_findings WHERE case_id = $1 AND code = 'not_poor' AND gone_at IS NOT NULL AND overridden_at IS NULL`, c))
	tn.check()
}
