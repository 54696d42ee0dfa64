package api

import (
	"context"
	"encoding/json"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/aid/programme"
	"github.com/aidflow/aidflow/internal/postgres"
)

// GetCaseFindings tells what was found against a case, and on which facts its
// rules were judged.
func (h *handlers) GetCaseFindings(ctx context.Context, r GetCaseFindingsRequestObject) (GetCaseFindingsResponseObject, error) {
	caller := callerOf(ctx)
	row, err := h.store.CaseByID(ctx, caller, r.ID)
	if err != nil {
		return nil, err
	}
	def, err := h.store.Definition(ctx, row.Programme, row.ProgrammeVersion)
	if err != nil {
		return nil, err
	}
	found, err := h.store.Findings(ctx, caller, row.ID)
	if err != nil {
		return nil, err
	}
	judged, err := h.store.Judgements(ctx, caller, row.ID)
	if err != nil {
		return nil, err
	}
	out := GetCaseFindings200JSONResponse{Findings: []Finding{}, Judgements: []Judgement{}}
	for _, f := range found {
		out.Findings = append(out.Findings, h.finding(ctx, f, def))
	}
	for _, j := range judged {
		out.Judgements = append(out.Judgements, judgement(j, row.Currency))
	}
	return out, nil
}

func (h *handlers) finding(ctx context.Context, f postgres.FindingRow, def *programme.Definition) Finding {
	out := Finding{Finding: f.Key, Check: f.Check, Code: f.Code, Effect: f.Effect, About: f.About, Round: f.Round, Review: f.Review,
		FoundAt: f.FoundAt.UTC(), GoneAt: moment(f.GoneAt), Title: h.findingTitle(f, def, accepts(ctx))}
	_ = json.Unmarshal(f.Detail, &out.Detail) // the store writes objects only
	if f.Overridden != nil {
		out.Override = Override{By: *f.Overridden, OnBehalfOf: f.Behalf, ReasonCode: *f.Reason, At: f.At.UTC()}
	}
	return out
}

// findingTitle says in words what was found: the programme's own words for its
// rules, else those of the house.
func (h *handlers) findingTitle(f postgres.FindingRow, def *programme.Definition, accept string) string {
	for _, rule := range def.Eligibility {
		if f.Check == string(programme.CheckEligibility) && rule.Code == f.Code {
			return rule.Titles.In(h.problems.texts.language(accept))
		}
	}
	return h.problems.texts.say(accept, f.Code, nil)
}

func judgement(j postgres.Judgement, currency string) Judgement {
	out := Judgement{Round: j.Round, Review: j.Review, Phase: j.Phase, ProgrammeVersion: j.Version, At: j.At.UTC(), Failed: append([]string{}, j.Failed...),
		Proposal: Proposal{Amount: Money{Amount: j.Proposed, Currency: currency}, Because: j.Because}}
	if j.Facts != nil {
		raw, _ := json.Marshal(j.Facts) // plain data
		_ = json.Unmarshal(raw, &out.Facts)
	}
	return out
}

// judged adds to a task what the person who decides it has to know: what was
// found, what the rules propose, and what was seen.
func (h *handlers) judged(ctx context.Context, t *postgres.TaskRow, def *programme.Definition, out *Task) error {
	found, err := h.store.Findings(ctx, callerOf(ctx), t.CaseID)
	if err != nil {
		return err
	}
	for _, f := range found {
		if f.Round == t.Round && f.GoneAt == nil {
			out.Findings = append(out.Findings, h.finding(ctx, f, def))
		}
	}
	out.Forms = withOverrides(out.Forms, found, t.Round, def)
	if t.AboutChange() {
		out.Change, out.Forms = t.Subject, ofChange(out.Forms)
	}
	if t.Kind == aid.FieldVisit {
		out.PhotosNeeded, err = h.store.PhotosNeeded(ctx, t.ID, def)
	}
	if t.Kind != aid.Approve || err != nil {
		return err
	}
	proposal, err := h.store.Proposal(ctx, t.CaseID, t.Round)
	if err != nil {
		return err
	}
	if proposal != nil {
		out.Proposal = Proposal{Amount: Money{Amount: proposal.Amount, Currency: t.Currency}, Because: proposal.Because}
	}
	reports, err := h.store.VisitReports(ctx, callerOf(ctx), t.CaseID)
	for _, v := range reports {
		out.Visits = append(out.Visits, visitReport(v))
	}
	return err
}

func visitReport(v postgres.VisitReport) VisitReport {
	out := VisitReport{By: v.By, At: v.At.UTC(), Review: v.Review}
	_ = json.Unmarshal(v.Seen, &out.Seen) // checked when it was reported
	for _, photo := range v.Photos {
		out.Photos = append(out.Photos, VisitPhoto{Document: photo.DocumentID, Flags: photo.Flags})
	}
	for _, d := range v.Differences {
		out.Differences = append(out.Differences, Difference{Field: d.Field, Declared: anyOf(d.Declared), Seen: anyOf(d.Seen)})
	}
	return out
}

func anyOf(raw json.RawMessage) any {
	var v any
	_ = json.Unmarshal(raw, &v)
	return v
}

// withOverrides makes the example of an approval one that would be taken: with
// an override of everything that blocks.
func withOverrides(all map[string]ActionForm, found []postgres.FindingRow, round int, def *programme.Definition) map[string]ActionForm {
	form, ok := all[string(aid.ActionApprove)]
	reasons := def.Reasons["override"]
	if !ok || len(reasons) == 0 {
		return all
	}
	var overrides []any
	for _, f := range found {
		if f.Round == round && f.Blocks() {
			overrides = append(overrides, object{"finding": f.Key, "reason_code": reasons[0].Code})
		}
	}
	if len(overrides) > 0 {
		form.Example["data"] = object{"overrides": overrides}
	}
	return all
}
