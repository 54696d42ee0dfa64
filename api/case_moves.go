package api

import (
	"cmp"
	"context"
	"encoding/json"
	"slices"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/aid/money"
	"github.com/aidflow/aidflow/internal/postgres"
)

// WithdrawCase ends a case on the partner's wish, which is stored before the
// engine hears of it. While a payment is on its way, or the engine does not
// answer, it is recorded only: 202.
func (h *handlers) WithdrawCase(ctx context.Context, r WithdrawCaseRequestObject) (WithdrawCaseResponseObject, error) {
	caller := callerOf(ctx)
	row, err := h.caseToMove(ctx, caller, r.ID, r.Params.IfMatch)
	if err != nil {
		return nil, err
	}
	if !row.Status.Open() {
		return nil, aid.Refuse(aid.Conflict, "wrong_state", "status", string(row.Status))
	}
	wish := postgres.Wish{Reason: "applicant_request"}
	if r.Body != nil {
		wish = postgres.Wish{Reason: cmp.Or(r.Body.ReasonCode, wish.Reason), By: r.Body.SubmittedBy}
	}
	if err := h.checkReason(ctx, row, wish.Reason); err != nil {
		return nil, err
	}
	done, err := h.withdraw(ctx, caller, row, wish)
	if err != nil {
		return nil, err
	}
	if row, err = h.store.CaseByID(ctx, caller, row.ID); err != nil {
		return nil, err
	}
	body := wide(summary(*row))
	if !done {
		return WithdrawCase202JSONResponse{Body: body, Headers: WithdrawCase202ResponseHeaders{ETag: etag(row.Version), Location: location("cases", row.ID)}}, nil
	}
	return WithdrawCase200JSONResponse{Body: body, Headers: WithdrawCase200ResponseHeaders{ETag: etag(row.Version)}}, nil
}

func (h *handlers) checkReason(ctx context.Context, row *postgres.CaseRow, reason string) error {
	def, err := h.store.Definition(ctx, row.Programme, row.ProgrammeVersion)
	if err == nil && !def.ReasonKnown("withdraw", reason) {
		err = aid.RefuseAll([]aid.Fault{{Pointer: "/reason_code", Code: "unknown_reason"}})
	}
	return err
}

// withdraw tells whether the case has ended. A draft has no workflow yet. What
// the engine says matters only when it has ended the case: the wish is stored,
// nothing new is instructed, and it is sent again until the engine takes it.
func (h *handlers) withdraw(ctx context.Context, caller *postgres.Caller, row *postgres.CaseRow, wish postgres.Wish) (bool, error) {
	if row.Status == aid.Draft {
		return true, h.store.WithdrawDraft(ctx, caller, row.ID, wish)
	}
	asked, err := h.store.AskWithdrawal(ctx, caller, row.ID, wish)
	if err != nil {
		return false, err
	}
	out, err := h.process.Withdraw(ctx, asked.Workflow, asked.Withdrawal)
	if err != nil {
		h.log.Warn("withdrawal not taken yet", "case", row.ID, "code", aid.CodeOf(err))
		return false, nil
	}
	return out.Result != "recorded", nil
}

// caseToMove reads a case of the caller and compares its version.
func (h *handlers) caseToMove(ctx context.Context, caller *postgres.Caller, id, header string) (*postgres.CaseRow, error) {
	row, err := h.store.CaseByID(ctx, caller, id)
	if err != nil {
		return nil, err
	}
	if v := ifMatch(header, false); v != 0 && v != row.Version {
		return nil, aid.Refuse(aid.Stale, "stale")
	}
	return row, nil
}

// ProvideInformation decides the partner's own task: the case goes on.
func (h *handlers) ProvideInformation(ctx context.Context, r ProvideInformationRequestObject) (ProvideInformationResponseObject, error) {
	caller := callerOf(ctx)
	row, err := h.caseToMove(ctx, caller, r.ID, r.Params.IfMatch)
	if err != nil {
		return nil, err
	}
	task, err := h.openQuestion(ctx, caller, row)
	if err != nil {
		return nil, err
	}
	body := Information{}
	if r.Body != nil {
		body = *r.Body
	}
	data, err := h.information(ctx, caller, row, body)
	if err != nil {
		return nil, err
	}
	decision, err := h.decide(ctx, postgres.Intent{ID: resourceID(ctx, aid.DecisionID), Task: task.ID, Actor: caller.Actor(), Partner: true,
		TaskVersion: task.Version, Action: aid.ActionComplete, Note: body.Note, Data: data})
	if err != nil {
		return nil, err
	}
	if row, err = h.store.CaseByID(ctx, caller, row.ID); err != nil {
		return nil, err
	}
	out := wide(summary(*row))
	if decision.pending {
		return ProvideInformation202JSONResponse{Body: out, Headers: ProvideInformation202ResponseHeaders{Location: location("decisions", decision.id)}}, nil
	}
	return ProvideInformation200JSONResponse{Body: out, Headers: ProvideInformation200ResponseHeaders{ETag: etag(row.Version)}}, nil
}

// openQuestion finds the task by which the case waits for its partner.
func (h *handlers) openQuestion(ctx context.Context, caller *postgres.Caller, row *postgres.CaseRow) (*postgres.TaskRow, error) {
	tasks, err := h.store.Tasks(ctx, caller, postgres.TaskFilter{Case: row.ID, Kind: string(aid.ProvideInformation)}, postgres.Page{Limit: 50})
	if err != nil {
		return nil, err
	}
	for _, t := range tasks {
		if t.State == "open" || t.State == "claimed" {
			return &t, nil
		}
	}
	return nil, aid.Refuse(aid.Conflict, "nothing_asked", "status", string(row.Status))
}

// provided is what is kept, sealed, of a partner's answer: the content, and the
// person at the partner who gave it.
type provided struct {
	postgres.Information
	SubmittedBy string `json:"submitted_by,omitempty"`
}

// information checks what a partner brings by the case's own programme version
// and makes it the data of the decision.
func (h *handlers) information(ctx context.Context, caller *postgres.Caller, row *postgres.CaseRow, in Information) (json.RawMessage, error) {
	def, err := h.store.Definition(ctx, row.Programme, row.ProgrammeVersion)
	if err != nil {
		return nil, err
	}
	content := postgres.CaseContent{}
	merge(&content, CaseChange{Payee: in.Payee, Requested: in.Requested, Answers: in.Answers, Documents: in.Documents})
	faults, err := h.areaFaults(ctx, caller, postgres.CaseContent{Area: row.Area, Payee: content.Payee}, def.Funds)
	if err != nil {
		return nil, err
	}
	faults = slices.DeleteFunc(faults, func(f aid.Fault) bool { return f.Pointer == "/area" }) // it is not in question here
	faults = slices.Concat(faults, h.personFaults(content), ruleFaults(def, content, false))
	if in.Requested.Currency != "" && in.Requested.Currency != row.Currency {
		faults = append(faults, aid.Fault{Pointer: "/requested/currency", Code: "currency_not_accepted"})
	}
	if err := aid.RefuseAll(unique(faults)); err != nil {
		return nil, err
	}
	out := provided{SubmittedBy: in.SubmittedBy, Information: postgres.Information{Documents: content.Documents, Answers: content.Answers, Payee: content.Payee}}
	if content.Currency != "" {
		asked := money.Of(content.RequestedAmount, content.Currency)
		out.Requested = &asked
	}
	return json.Marshal(out)
}
