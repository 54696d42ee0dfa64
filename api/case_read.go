package api

import (
	"context"
	"encoding/json"
	"slices"
	"time"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/internal/postgres"
)

// ListCases gives a page of cases, without personal data.
func (h *handlers) ListCases(ctx context.Context, r ListCasesRequestObject) (ListCasesResponseObject, error) {
	p := r.Params
	page, err := page("cases", p.Limit, p.Cursor)
	if err != nil {
		return nil, err
	}
	rows, err := h.store.Cases(ctx, callerOf(ctx), postgres.CaseFilter{Status: string(p.Status), Stage: string(p.Stage), Programme: p.Programme,
		Area: p.Area, Assignee: p.Assignee, SLA: string(p.SLA), ExternalID: p.ExternalID,
		CreatedAfter: instant(p.CreatedAfter), CreatedBefore: instant(p.CreatedBefore)}, page)
	if err != nil {
		return nil, err
	}
	rows, next := cut("cases", page, rows)
	return ListCases200JSONResponse{Data: each(rows, summary), HasMore: next != "", NextCursor: next}, nil
}

// SearchCases finds cases by names and numbers, through their keyed hashes.
func (h *handlers) SearchCases(ctx context.Context, r SearchCasesRequestObject) (SearchCasesResponseObject, error) {
	b := r.Body
	page, err := page("search", b.Limit, b.Cursor)
	if err != nil {
		return nil, cursorInBody(err)
	}
	rows, err := h.store.SearchCases(ctx, callerOf(ctx), postgres.CaseSearch{Name: b.Name, NationalID: b.NationalID, Phone: b.Phone,
		HouseholdCode: b.HouseholdCode, Reference: b.Reference}, page)
	if err != nil {
		return nil, cursorInBody(err)
	}
	rows, next := cut("search", page, rows)
	return SearchCases200JSONResponse{Data: each(rows, summary), HasMore: next != "", NextCursor: next}, nil
}

// cursorInBody points at the cursor of a search, which is no parameter.
func cursorInBody(err error) error {
	if code := aid.CodeOf(err); code != "invalid_parameters" && code != "invalid_cursor" {
		return err
	}
	return aid.RefuseAll([]aid.Fault{{Pointer: "/cursor", Code: "invalid_cursor"}})
}

// GetCase gives one case, with the personal data that the caller may see.
func (h *handlers) GetCase(ctx context.Context, r GetCaseRequestObject) (GetCaseResponseObject, error) {
	caller := callerOf(ctx)
	row, err := h.store.CaseByID(ctx, caller, r.ID)
	if err != nil {
		return nil, err
	}
	body, err := h.renderCase(ctx, caller, row)
	if err != nil {
		return nil, err
	}
	clocks, err := h.store.CaseClocks(ctx, row)
	body.Clocks = each(clocks, clock)
	return GetCase200JSONResponse{Body: body, Headers: GetCase200ResponseHeaders{ETag: etag(row.Version)}}, err
}

// seesPersons tells whether personal data of a case is shown to a caller: to
// its own partner and to those who work on it in its area; to an auditor it is
// shown masked (the store masks it), to others not at all.
func seesPersons(caller *postgres.Caller, row *postgres.CaseRow) bool {
	if caller.Partner() {
		return row.PartnerID == caller.ID
	}
	return caller.Reads(row.Area, row.Programme, aid.RoleIntake, aid.RoleVerifier, aid.RoleApprover, aid.RoleTreasurer, aid.RoleAuditor)
}

func (h *handlers) renderCase(ctx context.Context, caller *postgres.Caller, row *postgres.CaseRow) (Case, error) {
	out := wide(summary(*row))
	if !seesPersons(caller, row) {
		return out, nil
	}
	p, err := h.store.CasePersonal(ctx, caller, row.ID)
	if err != nil {
		return Case{}, err
	}
	out.SubmittedBy = row.SubmittedBy
	out.Masked = p.Masked
	out.Applicant = Person{FullName: p.Applicant.FullName, NationalID: p.Applicant.NationalID, BirthDate: p.Applicant.BirthDate,
		Sex: p.Applicant.Sex, Phone: p.Applicant.Phone, Address: p.Applicant.Address}
	out.Household = HouseholdView{Code: p.Household.Code}
	for _, m := range p.Household.Members {
		out.Household.Members = append(out.Household.Members, Person{FullName: m.FullName, NationalID: m.NationalID, BirthDate: m.BirthDate, Sex: m.Sex, Relation: m.Relation})
	}
	if p.Payee != nil {
		out.Payee = PayeeView{Kind: p.Payee.Kind, Method: p.Payee.Method, BankBin: p.Payee.BankBIN, AccountNumber: p.Payee.AccountNumber, AccountName: p.Payee.AccountName}
	}
	if len(p.Answers) > 0 {
		if err := json.Unmarshal(p.Answers, &out.Answers); err != nil {
			return Case{}, err
		}
	}
	if p.Consent.GivenAt != nil {
		out.Consent = Consent{GivenAt: *p.Consent.GivenAt, Method: ConsentMethod(p.Consent.Method)}
		for _, purpose := range p.Consent.Purposes {
			out.Consent.Purposes = append(out.Consent.Purposes, ConsentPurposes(purpose))
		}
	}
	for _, d := range p.Documents {
		out.Documents = append(out.Documents, PaperView{ID: d.ID, Kind: d.Kind, Dated: d.Dated, Location: d.Location, Title: d.Title, State: d.State, ReasonCode: d.Reason})
	}
	return out, nil
}

// wide puts a summary into the shape of a whole case.
func wide(s CaseSummary) Case {
	return Case{ID: s.ID, Reference: s.Reference, ExternalID: s.ExternalID, Partner: s.Partner, Programme: s.Programme,
		ProgrammeVersion: s.ProgrammeVersion, Area: s.Area, Status: s.Status, Stage: s.Stage, Round: s.Round, Review: s.Review,
		Urgent: s.Urgent, Parked: s.Parked, Requested: s.Requested, Approved: s.Approved, SLA: s.SLA, DueAt: s.DueAt,
		NextAction: s.NextAction, ReasonCode: s.ReasonCode, CreatedAt: s.CreatedAt, SubmittedAt: s.SubmittedAt,
		UpdatedAt: s.UpdatedAt, ClosedAt: s.ClosedAt}
}

func summary(row postgres.CaseRow) CaseSummary {
	out := CaseSummary{ID: row.ID, Reference: text(row.Reference), ExternalID: row.ExternalID, Partner: row.PartnerID, Programme: row.Programme,
		ProgrammeVersion: row.ProgrammeVersion, Area: row.Area, Status: CaseStatus(row.Status), Stage: CaseStage(row.Stage), Round: row.Round,
		Review: row.Review, Urgent: row.Urgent, Parked: row.Parked,
		SLA: SLA(row.SLA), DueAt: moment(row.DueAt), NextAction: nextAction(row.NextAction()), ReasonCode: row.ReasonCode,
		CreatedAt: row.CreatedAt.UTC(), SubmittedAt: moment(row.SubmittedAt), UpdatedAt: row.UpdatedAt.UTC(), ClosedAt: moment(row.ClosedAt)}
	if row.RequestedAmount > 0 {
		out.Requested = Money{Amount: row.RequestedAmount, Currency: row.Currency}
	}
	if row.Amount != nil {
		out.Approved = Money{Amount: *row.Amount, Currency: row.Currency}
	}
	return out
}

// nextAction says who acts next: a role of the office, or whoever else is
// awaited.
func nextAction(n *postgres.NextAction) NextAction {
	if n == nil {
		return NextAction{Who: "nobody", What: "nothing"}
	}
	who := string(n.Who)
	if n.Who == aid.OwnerOffice && n.Role != "" {
		who = string(n.Role)
	}
	return NextAction{Who: who, What: n.What, Level: n.Level, Task: n.TaskID, By: moment(n.By)}
}

// GetCaseTimeline tells who did what, oldest first.
func (h *handlers) GetCaseTimeline(ctx context.Context, r GetCaseTimelineRequestObject) (GetCaseTimelineResponseObject, error) {
	page, err := page("timeline", r.Params.Limit, r.Params.Cursor)
	if err != nil {
		return nil, err
	}
	caller := callerOf(ctx)
	row, err := h.store.CaseByID(ctx, caller, r.ID)
	if err != nil {
		return nil, err
	}
	rows, err := h.store.Timeline(ctx, caller, row.ID, page)
	if err != nil {
		return nil, err
	}
	rows, next := cut("timeline", page, rows)
	return GetCaseTimeline200JSONResponse{Data: each(rows, func(e postgres.TimelineRow) TimelineEntry { return entry(row.ID, e) }), HasMore: next != "", NextCursor: next}, nil
}

func entry(caseID string, e postgres.TimelineRow) TimelineEntry {
	out := TimelineEntry{ID: e.ID, At: e.At.UTC(), Type: e.Kind, Actor: e.Actor, ActorKind: e.ActorKind, OnBehalfOf: e.Behalf, Case: caseID, Task: text(e.TaskID),
		TaskKind: text(e.TaskKind), RuleVersion: e.RuleVersion, Version: e.Version, Data: map[string]any{}}
	if len(e.Data) > 0 {
		_ = json.Unmarshal(e.Data, &out.Data) // the store writes objects only
	}
	return out
}

// GetCaseChecklist tells which documents are there.
func (h *handlers) GetCaseChecklist(ctx context.Context, r GetCaseChecklistRequestObject) (GetCaseChecklistResponseObject, error) {
	caller := callerOf(ctx)
	row, err := h.store.CaseByID(ctx, caller, r.ID)
	if err != nil {
		return nil, err
	}
	rows, err := h.store.Checklist(ctx, caller, row.ID)
	if err != nil {
		return nil, err
	}
	def, err := h.store.Definition(ctx, row.Programme, row.ProgrammeVersion)
	if err != nil {
		return nil, err
	}
	out := GetCaseChecklist200JSONResponse{Complete: true, Documents: []ChecklistItem{}}
	for _, d := range rows {
		item := ChecklistItem{Kind: d.Kind, Required: d.Required, State: d.State, Document: d.DocumentID, Sent: d.Sent, Dated: d.Dated, ReasonCode: d.Reason}
		for _, known := range def.Documents {
			if known.Kind == d.Kind {
				item.Titles = Titles(known.Titles)
			}
		}
		if d.Required && (d.State == "missing" || d.State == "rejected") {
			out.Complete = false
		}
		out.Documents = append(out.Documents, item)
	}
	return out, nil
}

// GetCaseStatus tells what happens now and where the time went.
func (h *handlers) GetCaseStatus(ctx context.Context, r GetCaseStatusRequestObject) (GetCaseStatusResponseObject, error) {
	caller := callerOf(ctx)
	row, err := h.store.CaseByID(ctx, caller, r.ID)
	if err != nil {
		return nil, err
	}
	waits, err := h.store.Waits(ctx, caller, row.ID)
	if err != nil {
		return nil, err
	}
	s := summary(*row)
	return GetCaseStatus200JSONResponse{Headers: GetCaseStatus200ResponseHeaders{ETag: etag(row.Version)}, Body: CaseState{ID: s.ID, Reference: s.Reference,
		Status: s.Status, Stage: s.Stage, Parked: s.Parked, SLA: s.SLA, DueAt: s.DueAt, NextAction: s.NextAction, ReasonCode: s.ReasonCode,
		Now: row.Now.UTC(), Waits: each(waits, wait)}}, nil
}

func wait(w postgres.WaitRow) Wait {
	return Wait{Stage: CaseStage(w.Stage), Owner: WaitOwner(w.Owner), Task: text(w.TaskID), Kind: text(w.TaskKind), Level: w.Level, Claimed: w.Claimed,
		Paused: w.Paused, From: w.From.UTC(), To: moment(w.To), Working: isoDuration(w.Working), Calendar: isoDuration(w.Calendar)}
}

// each renders rows; an empty list is [] and not null.
func each[A, B any](rows []A, render func(A) B) []B {
	out := make([]B, 0, len(rows))
	for _, r := range rows {
		out = append(out, render(r))
	}
	return slices.Clip(out)
}

func text[S ~string](s *S) string {
	if s == nil {
		return ""
	}
	return string(*s)
}

func moment(t *time.Time) time.Time {
	if t == nil {
		return time.Time{}
	}
	return t.UTC()
}

func instant(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}
