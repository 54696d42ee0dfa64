package api

import (
	"context"
	"encoding/json"
	"net/url"
	"time"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/internal/postgres"
)

// handlers is the strict server behind the document: one method for each
// operation, one file for each noun.
type handlers struct{ *Server }

// CreateCase stores a request and lets it start. 201 does not wait for the
// engine: what is not started now, the sweep starts.
func (h *handlers) CreateCase(ctx context.Context, r CreateCaseRequestObject) (CreateCaseResponseObject, error) {
	caller := callerOf(ctx)
	content := contentOf(*r.Body)
	def, faults, err := h.contentFaults(ctx, caller, content, r.Body.Draft)
	if err != nil {
		return nil, err
	}
	if err := refuseRequest(joinFaults(faultsOf(ctx), faults)); err != nil {
		return nil, err
	}
	content.ProgrammeVersion = def.Version
	created, err := h.store.CreateCase(ctx, caller, resourceID(ctx, aid.CaseID), content, r.Body.Draft)
	if overtaken(err) {
		return h.CreateCase(ctx, r)
	}
	if err != nil {
		return nil, err
	}
	h.start(ctx, &created.CaseRow)
	body := wide(summary(created.CaseRow))
	body.TrackingToken = created.TrackingToken
	return CreateCase201JSONResponse{Body: body, Headers: CreateCase201ResponseHeaders{ETag: etag(created.Version),
		Location: location("cases", created.ID)}}, nil
}

// start asks the engine for the workflow of a case, for a moment: an engine
// that is away delays no request.
func (h *handlers) start(ctx context.Context, c *postgres.CaseRow) {
	if c.WorkflowID == "" {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	input, err := json.Marshal(aid.CaseInput{Case: c.ID, Round: c.Round, Version: c.ProgrammeVersion})
	if err == nil {
		err = h.process.Start(ctx, c.WorkflowID, postgres.CaseWorkflow, input)
	}
	if err == nil {
		err = h.store.MarkStarted(ctx, c.WorkflowID)
	}
	if err != nil {
		h.log.Warn("workflow not started; the sweep will", "workflow", c.WorkflowID, "error", err.Error())
	}
}

// ValidateCase tells everything that CreateCase would refuse, and more.
// Nothing is stored.
func (h *handlers) ValidateCase(ctx context.Context, r ValidateCaseRequestObject) (ValidateCaseResponseObject, error) {
	caller := callerOf(ctx)
	content := contentOf(*r.Body)
	def, faults, err := h.contentFaults(ctx, caller, content, r.Body.Draft)
	if err != nil {
		return nil, err
	}
	out := ValidateCase200JSONResponse{Errors: []Fault{}, MissingDocuments: []string{}, Hints: []Hint{}}
	lang := accepts(ctx)
	for _, f := range joinFaults(faultsOf(ctx), faults) {
		out.Errors = append(out.Errors, h.problems.fault(lang, f))
	}
	out.Valid = len(out.Errors) == 0
	if def != nil {
		out.MissingDocuments = append(out.MissingDocuments, def.MissingDocuments(documentKinds(content.Documents))...)
	}
	hints, err := h.store.DuplicateHints(ctx, caller, content.Applicant.NationalID, content.Household.Code)
	if err != nil {
		return nil, err
	}
	for _, hint := range hints {
		out.Hints = append(out.Hints, Hint{Code: hint.Code, Message: h.problems.texts.say(lang, hint.Code, nil), Case: hint.CaseID})
	}
	return out, nil
}

func documentKinds(documents []postgres.NewDocument) []string {
	var kinds []string
	for _, d := range documents {
		kinds = append(kinds, d.Kind)
	}
	return kinds
}

// stored reads the content of a case as it was given. A draft without an
// amount is stored with the programme's currency and zero, which nobody can
// ask for.
func (h *handlers) stored(ctx context.Context, caller *postgres.Caller, id string) (*postgres.CaseContent, *postgres.CaseRow, error) {
	content, row, err := h.store.CaseContent(ctx, caller, id)
	if err == nil && content.RequestedAmount == 0 {
		content.Currency = ""
	}
	return content, row, err
}

// ChangeCase replaces members of a draft.
func (h *handlers) ChangeCase(ctx context.Context, r ChangeCaseRequestObject) (ChangeCaseResponseObject, error) {
	caller := callerOf(ctx)
	content, row, err := h.stored(ctx, caller, r.ID)
	if err != nil {
		return nil, err
	}
	changed := *content
	merge(&changed, *r.Body)
	def, faults, err := h.contentFaults(ctx, caller, changed, true)
	if err == nil {
		err = refuseRequest(unique(faults))
	}
	if err != nil {
		return nil, err
	}
	changed.ProgrammeVersion = def.Version
	version := ifMatch(r.Params.IfMatch, false)
	if version == 0 {
		version = row.Version // the merge holds for what was read here
	}
	row, err = h.store.PatchCase(ctx, caller, row.ID, version, changed)
	if overtaken(err) {
		return h.ChangeCase(ctx, r)
	}
	if err != nil {
		return nil, err
	}
	return ChangeCase200JSONResponse{Body: wide(summary(*row)), Headers: ChangeCase200ResponseHeaders{ETag: etag(row.Version)}}, nil
}

// SubmitCase submits a draft once its content is complete.
func (h *handlers) SubmitCase(ctx context.Context, r SubmitCaseRequestObject) (SubmitCaseResponseObject, error) {
	caller := callerOf(ctx)
	content, row, err := h.stored(ctx, caller, r.ID)
	if err != nil {
		return nil, err
	}
	if row.Status != aid.Draft {
		return nil, aid.Refuse(aid.Conflict, "wrong_state", "status", string(row.Status))
	}
	if r.Body != nil && r.Body.SubmittedBy != "" {
		content.SubmittedBy = r.Body.SubmittedBy
	}
	def, faults, err := h.contentFaults(ctx, caller, *content, false)
	if err == nil {
		err = refuseRequest(unique(faults))
	}
	if err != nil {
		return nil, err
	}
	version := ifMatch(r.Params.IfMatch, false)
	if version == 0 {
		version = row.Version // what was checked here is what is submitted
	}
	row, err = h.store.SubmitCase(ctx, caller, row.ID, version, content.SubmittedBy, def.Version)
	if overtaken(err) {
		return h.SubmitCase(ctx, r)
	}
	if err != nil {
		return nil, err
	}
	h.start(ctx, row)
	return SubmitCase200JSONResponse{Body: wide(summary(*row)), Headers: SubmitCase200ResponseHeaders{ETag: etag(row.Version)}}, nil
}

func location(collection, id string) string { return "/v1/" + collection + "/" + url.PathEscape(id) }
