package api

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"strconv"
	"time"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/internal/postgres"
	"github.com/aidflow/aidflow/rails"
)

// SetFundAccount says from which account a fund pays by files.
func (h *handlers) SetFundAccount(ctx context.Context, r SetFundAccountRequestObject) (SetFundAccountResponseObject, error) {
	b := r.Body
	account := postgres.FundAccount{Holder: b.Holder, BankBIN: b.BankBin, Number: b.Number, ResultDays: b.ResultDays}
	if account.ResultDays == 0 {
		account.ResultDays = defaultResultDays
	}
	row, err := h.store.SetFundAccount(ctx, callerOf(ctx), r.ID, ifMatch(r.Params.IfMatch, true), account)
	if err != nil {
		return nil, err
	}
	return SetFundAccount200JSONResponse{Body: fund(*row), Headers: SetFundAccount200ResponseHeaders{ETag: etag(row.Version)}}, nil
}

// defaultResultDays is in how many working days a bank answers a file, unless
// the fund says otherwise.
const defaultResultDays = 5

// PreviewPayRun tells what runs could be made of.
func (h *handlers) PreviewPayRun(ctx context.Context, r PreviewPayRunRequestObject) (PreviewPayRunResponseObject, error) {
	p := r.Params
	preview, err := h.store.PreviewPayRun(ctx, callerOf(ctx), runFilter(p.Fund, p.Programme, p.Area, p.DueUntil))
	if err != nil {
		return nil, err
	}
	out := PreviewPayRun200JSONResponse{Data: []PayRunTotal{}, LeftOut: []PayRunObstacle{}}
	for _, t := range preview.Totals {
		out.Data = append(out.Data, PayRunTotal{Fund: t.Fund, Rail: t.Rail, Lines: t.Lines, Amount: Money{Amount: t.Amount, Currency: t.Currency}})
	}
	for _, o := range preview.LeftOut {
		out.LeftOut = append(out.LeftOut, PayRunObstacle{Payment: o.Payment, Case: o.Case, Code: o.Code})
	}
	return out, nil
}

func runFilter(fund, programme, area string, until time.Time) postgres.RunFilter {
	f := postgres.RunFilter{Fund: fund, Programme: programme, Area: area}
	if !until.IsZero() {
		f.DueUntil = &until
	}
	return f
}

// CreatePayRun makes a draft.
func (h *handlers) CreatePayRun(ctx context.Context, r CreatePayRunRequestObject) (CreatePayRunResponseObject, error) {
	b := r.Body
	rail, err := h.fileRail(b.Rail, aid.Fault{Pointer: "/rail", Code: "unknown_rail"})
	if err != nil {
		return nil, err
	}
	row, err := h.store.CreatePayRun(ctx, callerOf(ctx), postgres.NewPayRun{ID: resourceID(ctx, aid.PayRunID), Rail: rail.Name(), ExecuteOn: b.ExecuteOn.Time,
		RunFilter: runFilter(b.Fund, b.Programme, b.Area, b.DueUntil), LeaveOut: b.LeaveOut})
	if err != nil {
		return nil, err
	}
	return CreatePayRun201JSONResponse{Body: payRun(*row), Headers: CreatePayRun201ResponseHeaders{ETag: etag(row.Version), Location: location("pay-runs", row.ID)}}, nil
}

// fileRail gives the rail of a name; the only one without a name.
//
// Errors: Invalid with the fault.
func (h *handlers) fileRail(name string, unknown aid.Fault) (rails.FileRail, error) {
	if name == "" && len(h.cfg.FileRails) == 1 {
		for _, rail := range h.cfg.FileRails {
			return rail, nil
		}
	}
	if rail, ok := h.cfg.FileRails[name]; ok {
		return rail, nil
	}
	return nil, aid.RefuseAll([]aid.Fault{unknown})
}

// ListPayRuns gives a page of runs.
func (h *handlers) ListPayRuns(ctx context.Context, r ListPayRunsRequestObject) (ListPayRunsResponseObject, error) {
	page, err := page("pay-runs", r.Params.Limit, r.Params.Cursor)
	if err != nil {
		return nil, err
	}
	rows, err := h.store.PayRuns(ctx, callerOf(ctx), string(r.Params.Status), r.Params.Fund, page)
	if err != nil {
		return nil, err
	}
	rows, next := cut("pay-runs", page, rows)
	return ListPayRuns200JSONResponse{Data: each(rows, payRun), HasMore: next != "", NextCursor: next}, nil
}

// GetPayRun gives one run.
func (h *handlers) GetPayRun(ctx context.Context, r GetPayRunRequestObject) (GetPayRunResponseObject, error) {
	row, err := h.store.PayRun(ctx, callerOf(ctx), r.ID)
	if err != nil {
		return nil, err
	}
	return GetPayRun200JSONResponse{Body: payRun(*row), Headers: GetPayRun200ResponseHeaders{ETag: etag(row.Version)}}, nil
}

// ListPayRunLines gives a page of a run's payments.
func (h *handlers) ListPayRunLines(ctx context.Context, r ListPayRunLinesRequestObject) (ListPayRunLinesResponseObject, error) {
	page, err := page("pay-run-lines", r.Params.Limit, r.Params.Cursor)
	if err != nil {
		return nil, err
	}
	run, err := h.store.PayRun(ctx, callerOf(ctx), r.ID)
	if err != nil {
		return nil, err
	}
	rows, err := h.store.PayRunLines(ctx, callerOf(ctx), r.ID, page)
	if err != nil {
		return nil, err
	}
	rows, next := cut("pay-run-lines", page, rows)
	line := func(l postgres.PayRunLine) PayRunLine {
		return PayRunLine{N: l.N, Payment: l.PaymentID, Case: l.CaseID, Amount: Money{Amount: l.Amount, Currency: run.Currency},
			Status: PaymentStatus(l.State), ReasonCode: l.Reason, LeftAt: moment(l.LeftAt), LeftBecause: l.Because}
	}
	return ListPayRunLines200JSONResponse{Data: each(rows, line), HasMore: next != "", NextCursor: next}, nil
}

// PreparePayRun says that a run is as it should be.
func (h *handlers) PreparePayRun(ctx context.Context, r PreparePayRunRequestObject) (PreparePayRunResponseObject, error) {
	row, err := h.store.PreparePayRun(ctx, callerOf(ctx), r.ID, ifMatch(r.Params.IfMatch, true))
	if err != nil {
		return nil, err
	}
	return PreparePayRun200JSONResponse{Body: payRun(*row), Headers: PreparePayRun200ResponseHeaders{ETag: etag(row.Version)}}, nil
}

// ReleasePayRun instructs the payments of a run and makes its file.
func (h *handlers) ReleasePayRun(ctx context.Context, r ReleasePayRunRequestObject) (ReleasePayRunResponseObject, error) {
	caller := callerOf(ctx)
	run, err := h.store.PayRun(ctx, caller, r.ID)
	if err != nil {
		return nil, err
	}
	rail, ok := h.cfg.FileRails[run.Rail]
	if !ok {
		return nil, aid.Refuse(aid.Conflict, "unknown_rail")
	}
	hash, _ := hex.DecodeString(r.Body.Hash) // its form is the document's
	row, err := h.store.ReleasePayRun(ctx, caller, run.ID, postgres.Release{Version: ifMatch(r.Params.IfMatch, true), Hash: hash},
		func(b postgres.RunBatch) (postgres.RunFile, error) { return written(rail, b) })
	if err != nil {
		return nil, h.tellRunRefusal(ctx, caller, run.ID, err)
	}
	return ReleasePayRun200JSONResponse{Body: payRun(*row), Headers: ReleasePayRun200ResponseHeaders{ETag: etag(row.Version)}}, nil
}

// tellRunRefusal records a refused release in the audit and gives the refusal.
func (h *handlers) tellRunRefusal(ctx context.Context, caller *postgres.Caller, id string, refusal error) error {
	if kind := aid.KindOf(refusal); kind != aid.Conflict && kind != aid.Forbidden {
		return refusal
	}
	if err := h.store.AuditRefusal(ctx, caller, "release_pay_run", id, aid.CodeOf(refusal)); err != nil {
		return err
	}
	return refusal
}

// written makes the file of a run.
//
// Errors: Conflict run_lines_refused with what the rail or its format cannot
// carry, by line.
func written(rail rails.FileRail, b postgres.RunBatch) (postgres.RunFile, error) {
	batch := rails.Batch{ID: b.ID, CreatedAt: b.CreatedAt, ExecuteOn: b.ExecuteOn, Currency: b.Currency,
		Debtor: rails.Account{Name: b.Account.Holder, BankBIN: b.Account.BankBIN, Number: b.Account.Number}}
	var faults []aid.Fault
	can := rail.Capabilities()
	for _, l := range b.Lines {
		if !can.Takes(b.Currency, l.Payee.Method) || (can.MaxAmount > 0 && l.Amount > can.MaxAmount) {
			faults = append(faults, runFault(l.N, "", "rail_cannot_pay"))
		}
		batch.Lines = append(batch.Lines, rails.BatchLine{Instruction: rails.Instruction{Key: l.Key, Amount: l.Amount, Currency: b.Currency, Purpose: l.Purpose,
			Payee: rails.Payee{Method: l.Payee.Method, BankBIN: l.Payee.BankBIN, AccountNumber: l.Payee.AccountNumber, AccountName: l.Payee.AccountName}}})
	}
	if len(faults) > 0 {
		return postgres.RunFile{}, refusedLines(faults)
	}
	file, err := rail.Write(batch)
	var unwritable *rails.Unwritable
	if errors.As(err, &unwritable) {
		for _, f := range unwritable.Faults {
			n := 0
			if f.Line > 0 && f.Line <= len(b.Lines) {
				n = b.Lines[f.Line-1].N
			}
			faults = append(faults, runFault(n, f.Field, fileFault(f.Code)))
		}
		return postgres.RunFile{}, refusedLines(faults)
	}
	return postgres.RunFile{Name: file.Name, Type: file.Type, Bytes: file.Bytes}, err
}

func refusedLines(faults []aid.Fault) error {
	return &aid.Error{Kind: aid.Conflict, Code: "run_lines_refused", Faults: faults}
}

// runFault points at a line of a run, or with 0 at the run itself.
func runFault(n int, field, code string) aid.Fault {
	f := aid.Fault{Pointer: "/", Code: code, Params: map[string]string{}}
	if n > 0 {
		f.Pointer, f.Params["line"] = fmt.Sprintf("/lines/%d", n), strconv.Itoa(n)
	}
	if field != "" {
		f.Pointer += "/" + field
	}
	return f
}

// fileFault names what a format cannot carry in the words of the API.
func fileFault(code string) string {
	switch code {
	case "required", "too_long", "too_many_lines":
		return code
	}
	return "not_in_format"
}

// CancelPayRun gives a run up.
func (h *handlers) CancelPayRun(ctx context.Context, r CancelPayRunRequestObject) (CancelPayRunResponseObject, error) {
	row, err := h.store.CancelPayRun(ctx, callerOf(ctx), r.ID, ifMatch(r.Params.IfMatch, true))
	if err != nil {
		return nil, err
	}
	return CancelPayRun200JSONResponse{Body: payRun(*row), Headers: CancelPayRun200ResponseHeaders{ETag: etag(row.Version)}}, nil
}

// GetPayRunFile gives the file for the bank.
func (h *handlers) GetPayRunFile(ctx context.Context, r GetPayRunFileRequestObject) (GetPayRunFileResponseObject, error) {
	file, again, err := h.store.ExportPayRun(ctx, callerOf(ctx), r.ID)
	return runFile{file, again}, err
}

// runFile is the answer that carries the file of a run.
type runFile struct {
	postgres.RunFile
	again bool
}

// VisitGetPayRunFileResponse sends it, with a warning when it was taken before.
func (f runFile) VisitGetPayRunFileResponse(w http.ResponseWriter) error {
	h := w.Header()
	h.Set("Content-Type", f.Type)
	h.Set("Content-Length", strconv.Itoa(len(f.Bytes)))
	h.Set("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": f.Name}))
	h.Set("Cache-Control", "no-store, private")
	if f.again {
		h.Set("Download-Warning", "downloaded_before")
	}
	w.WriteHeader(http.StatusOK)
	_, err := w.Write(f.Bytes)
	return err
}

func payRun(r postgres.PayRunRow) PayRun {
	out := PayRun{ID: r.ID, Fund: r.FundID, Rail: r.Rail, Programme: r.Programme, Area: r.Area, DueUntil: moment(r.DueUntil), Status: PayRunStatus(r.State),
		Hash: hex.EncodeToString(r.Hash), MessageID: r.MessageID, Lines: r.Lines, Left: r.Left, Settled: r.Settled, Failed: r.Failed,
		Amount: Money{Amount: r.Amount, Currency: r.Currency}, Downloads: r.Downloads, CreatedBy: r.CreatedBy, CreatedAt: r.CreatedAt.UTC(),
		PreparedBy: text(r.PreparedBy), PreparedAt: moment(r.PreparedAt), ReleasedBy: text(r.ReleasedBy), ReleasedAt: moment(r.ReleasedAt),
		ExportedAt: moment(r.ExportedAt), EndedAt: moment(r.EndedAt)}
	out.ExecuteOn.Time = r.ExecuteOn
	return out
}
