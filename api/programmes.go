package api

import (
	"context"
	"encoding/json"
	"strconv"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/aid/programme"
	"github.com/aidflow/aidflow/internal/postgres"
)

// ListProgrammes gives every programme in its newest version.
func (h *handlers) ListProgrammes(ctx context.Context, _ ListProgrammesRequestObject) (ListProgrammesResponseObject, error) {
	rows, err := h.store.Programmes(ctx)
	if err != nil {
		return nil, err
	}
	return ListProgrammes200JSONResponse{Data: each(rows, programmeSummary)}, nil
}

func programmeSummary(r postgres.ProgrammeRow) ProgrammeSummary {
	d := r.Definition
	return ProgrammeSummary{Code: r.Code, Version: r.Version, Titles: Titles(d.Titles), Currency: d.Currency,
		Ceiling: Money{Amount: d.Ceiling, Currency: d.Currency}, Open: r.Open, EffectiveFrom: d.EffectiveFrom}
}

// GetProgramme gives one programme with its form, its rules, and how long its
// cases took so far.
func (h *handlers) GetProgramme(ctx context.Context, r GetProgrammeRequestObject) (GetProgrammeResponseObject, error) {
	row, err := h.store.Programme(ctx, r.Code)
	if err != nil {
		return nil, err
	}
	observed, err := h.store.ObservedDurations(ctx, r.Code)
	if err != nil {
		return nil, err
	}
	body, err := renderProgramme(row)
	if err != nil {
		return nil, err
	}
	body.Observed = each(observed, func(o postgres.Observed) Duration {
		return Duration{Stage: CaseStage(o.Stage), N: o.N, P50: isoDuration(o.CalendarP50), P85: isoDuration(o.CalendarP85),
			WorkingP50: isoDuration(o.WorkingP50), WorkingP85: isoDuration(o.WorkingP85)}
	})
	return GetProgramme200JSONResponse{Body: body, Headers: GetProgramme200ResponseHeaders{ETag: etag(row.Version)}}, nil
}

func renderProgramme(row postgres.ProgrammeRow) (Programme, error) {
	d, s := row.Definition, programmeSummary(row)
	out := Programme{Code: s.Code, Version: s.Version, Titles: s.Titles, Currency: s.Currency, Ceiling: s.Ceiling, Open: s.Open,
		EffectiveFrom: s.EffectiveFrom, Stages: stages(d), Payees: append([]string{}, d.Payees...), Deadlines: map[string]string{},
		Reasons: map[string][]ReasonCode{}, FollowUp: each(d.FollowUp, func(v programme.Visit) string { return v.After.String() }),
		Documents: each(d.Documents, func(p programme.Document) ProgrammeDocument {
			return ProgrammeDocument{Kind: p.Kind, Titles: Titles(p.Titles), Required: p.Required}
		}),
		Approval: each(d.Matrix, func(r programme.Range) ApprovalRange { return approvalRange(r, d.Currency) }),
	}
	for i, t := range d.Instalments {
		out.Tranches = append(out.Tranches, TranchePlan{N: i + 1, Share: share(t.Share), Milestone: t.Milestone, Titles: Titles(t.Titles)})
	}
	for kind, p := range d.Deadlines {
		out.Deadlines[kind] = p.String()
	}
	showClocks(&out, d)
	for action, reasons := range d.Reasons {
		out.Reasons[action] = each(reasons, func(r programme.Reason) ReasonCode { return ReasonCode{Code: r.Code, Titles: Titles(r.Titles)} })
	}
	if err := json.Unmarshal(d.Form, &out.Form); err != nil {
		return out, err
	}
	return out, json.Unmarshal(d.ExampleRequest, &out.ExampleRequest)
}

// showClocks shows the deadlines of stages and case, and what happens to work
// that is late.
func showClocks(out *Programme, d *programme.Definition) {
	out.Calendar, out.StageDeadlines = d.Calendar, map[string]string{}
	for stage, p := range d.StageDeadlines {
		out.StageDeadlines[stage] = p.String()
	}
	if !d.CaseDeadline.IsZero() {
		out.CaseDeadline = d.CaseDeadline.String()
	}
	out.Escalation = each(d.Ladder(), func(r programme.Rung) EscalationRung {
		rung := EscalationRung{At: r.At, Do: string(r.Do)}
		if r.After != nil {
			rung.After = r.After.String()
		}
		return rung
	})
}

func share(s programme.Share) string {
	if s.Remainder {
		return "remainder"
	}
	return strconv.Itoa(s.Percent)
}

func approvalRange(r programme.Range, currency string) ApprovalRange {
	out := ApprovalRange{AreaLevels: r.AreaLevels, Levels: each(r.Levels, func(l programme.Level) ApprovalLevel {
		level := ApprovalLevel{Level: l.Name, Mode: string(l.Mode), N: l.N, Quorum: l.Quorum, Chair: l.Chair, Decides: l.Decides, Tie: l.Tie,
			OneRejection: l.OneRejection, Parallel: l.Parallel, Skip: string(l.Skip)}
		if l.Limit > 0 {
			level.Limit = Money{Amount: l.Limit, Currency: currency}
		}
		return level
	})}
	if r.UpTo != nil {
		out.UpTo = Money{Amount: *r.UpTo, Currency: currency}
	}
	return out
}

// stages are those that every case passes; visits are the programme's choice.
func stages(d *programme.Definition) []CaseStage {
	out := []CaseStage{CaseStage(aid.Intake), CaseStage(aid.Verification), CaseStage(aid.Approval), CaseStage(aid.Disbursement)}
	if len(d.FollowUp) > 0 {
		out = append(out, CaseStage(aid.FollowUp))
	}
	return append(out, CaseStage(aid.Ended))
}
