package api

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"slices"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/internal/postgres"
	"github.com/aidflow/aidflow/rails"
)

// mostStatement is how large a file of a bank may be, in bytes.
const mostStatement = 100 << 20

// receiveStatement reads a bank's file as it comes. Its hash stands in for the
// body, so that copies of the request are known; what it says is believed by
// the handler.
func (s *Server) receiveStatement(c *gin.Context) {
	media, _, err := mime.ParseMediaType(c.GetHeader("Content-Type"))
	if err != nil || !slices.Contains([]string{"application/octet-stream", "application/xml", "text/csv"}, media) {
		s.problems.write(c, aid.Refuse(aid.Invalid, "statement_media_type"))
		return
	}
	in, rail, err := s.statementFor(c)
	if err != nil {
		s.problems.write(c, err)
		return
	}
	control := http.NewResponseController(c.Writer) // a test's recorder has no deadlines
	_ = control.SetReadDeadline(time.Now().Add(importLimit))
	_ = control.SetWriteDeadline(time.Now().Add(importLimit + requestLimit))
	if err := readStatement(in, rail, http.MaxBytesReader(c.Writer, c.Request.Body, mostStatement)); err != nil {
		s.problems.write(c, err)
		return
	}
	c.Set(ctxStatement, in)
	summary, _ := json.Marshal([]string{c.Request.URL.RawQuery, hex.EncodeToString(in.Hash)}) // texts only
	c.Set(ctxBody, summary)
	c.Next()
}

// statementFor finds for which fund a file comes, and who reads it.
func (s *Server) statementFor(c *gin.Context) (*postgres.NewStatement, rails.FileRail, error) {
	rail, err := (&handlers{Server: s}).fileRail(c.Query("rail"), parameterFault("rail", "unknown_rail"))
	if err != nil {
		return nil, nil, err
	}
	fund, err := s.store.StatementFund(c.Request.Context(), callerOf(c), c.Query("fund"))
	if err != nil {
		return nil, nil, err
	}
	return &postgres.NewStatement{Fund: fund.ID, Rail: rail.Name()}, rail, nil
}

// readStatement reads a file to its end. What cannot be believed is told in
// Reason.
//
// Errors: Invalid upload_cut, statement_too_large: the file has not come.
func readStatement(in *postgres.NewStatement, rail rails.FileRail, body io.Reader) error {
	sum := sha256.New()
	came := &arriving{from: io.TeeReader(body, sum)}
	report, err := rail.Read(came)
	_, _ = io.Copy(io.Discard, came) // its error is kept
	var large *http.MaxBytesError
	switch {
	case errors.As(came.err, &large):
		return aid.Refuse(aid.Invalid, "statement_too_large")
	case came.err != nil:
		return aid.Refuse(aid.Invalid, "upload_cut")
	}
	in.Hash = sum.Sum(nil)
	if err != nil {
		in.Reason = unreadable(err)
		return nil
	}
	in.Report = bankReport(report)
	return nil
}

// arriving keeps why a body did not come to its end.
type arriving struct {
	from io.Reader
	err  error
}

// Read reads on and keeps an error that is not the end.
func (a *arriving) Read(p []byte) (int, error) {
	n, err := a.from.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		a.err = err
	}
	return n, err
}

// unreadable names why a file is not believed.
func unreadable(err error) string {
	var e *rails.Unreadable
	if errors.As(err, &e) {
		switch e.Code {
		case "truncated", "control_sum", "unknown_format", "two_currencies", "duplicate_line", "two_accounts", "several_statements", "too_large":
			return "statement_" + e.Code
		}
	}
	return "statement_malformed"
}

func bankReport(r *rails.Report) postgres.BankReport {
	out := postgres.BankReport{Format: r.Format, BankID: r.ID, Account: r.Account, Batch: r.Batch, Currency: r.Currency, Full: r.Full, From: r.From, To: r.To,
		Rest: string(r.Rest), RestReason: r.RestReason}
	for _, l := range r.Lines {
		key, ours := rails.KeyOf(l.EndToEnd)
		if !ours {
			key = ""
		}
		out.Lines = append(out.Lines, postgres.BankLine{N: l.N, Key: key, Said: string(l.State), Returned: l.Returned, Credit: l.Credit, Amount: l.Amount,
			Currency: l.Currency, BookedOn: l.BookedOn, Code: l.Code,
			Details: postgres.BankDetails{EndToEnd: l.EndToEnd, Reference: l.Reference, Name: l.Name, Account: l.Account, Text: l.Text}})
	}
	return out
}

// CreateStatement takes in what a bank says.
func (h *handlers) CreateStatement(ctx context.Context, _ CreateStatementRequestObject) (CreateStatementResponseObject, error) {
	in, ok := ctx.Value(ctxStatement).(*postgres.NewStatement)
	if !ok {
		return nil, aid.Refuse(aid.Invalid, "body_required")
	}
	in.ID = resourceID(ctx, aid.StatementID)
	row, err := h.store.ReceiveStatement(ctx, callerOf(ctx), *in)
	if err != nil {
		return nil, err
	}
	return CreateStatement201JSONResponse{Body: statement(*row), Headers: CreateStatement201ResponseHeaders{Location: location("statements", row.ID)}}, nil
}

// ListStatements gives a page of the files that came in.
func (h *handlers) ListStatements(ctx context.Context, r ListStatementsRequestObject) (ListStatementsResponseObject, error) {
	page, err := page("statements", r.Params.Limit, r.Params.Cursor)
	if err != nil {
		return nil, err
	}
	rows, err := h.store.BankStatements(ctx, callerOf(ctx), r.Params.Fund, page)
	if err != nil {
		return nil, err
	}
	rows, next := cut("statements", page, rows)
	return ListStatements200JSONResponse{Data: each(rows, statement), HasMore: next != "", NextCursor: next}, nil
}

// GetStatement gives one file.
func (h *handlers) GetStatement(ctx context.Context, r GetStatementRequestObject) (GetStatementResponseObject, error) {
	row, err := h.store.Statement(ctx, callerOf(ctx), r.ID)
	if err != nil {
		return nil, err
	}
	return GetStatement200JSONResponse(statement(*row)), nil
}

// ListUnmatched gives a page of the lines that moved no payment.
func (h *handlers) ListUnmatched(ctx context.Context, r ListUnmatchedRequestObject) (ListUnmatchedResponseObject, error) {
	page, err := page("unmatched", r.Params.Limit, r.Params.Cursor)
	if err != nil {
		return nil, err
	}
	rows, err := h.store.Unmatched(ctx, callerOf(ctx), r.ID, page)
	if err != nil {
		return nil, err
	}
	rows, next := cut("unmatched", page, rows)
	return ListUnmatched200JSONResponse{Data: each(rows, bankLine), HasMore: next != "", NextCursor: next}, nil
}

func statement(r postgres.StatementRow) Statement {
	out := Statement{ID: r.ID, Fund: r.FundID, Rail: r.Rail, Format: r.Format, BankID: r.BankID, PayRun: text(r.RunID), Full: r.Full, Status: StatementStatus(r.State),
		ReasonCode: r.Reason, Lines: r.Lines, Applied: r.Applied, Unmatched: r.Unmatched, CreatedBy: r.CreatedBy, CreatedAt: r.CreatedAt.UTC(), AppliedAt: moment(r.AppliedAt)}
	out.From.Time, out.To.Time = moment(r.From), moment(r.To)
	return out
}

func bankLine(l postgres.BankLineRow) BankLine {
	out := BankLine{N: l.N, Code: l.Because, Said: l.Said, Returned: l.Returned, Credit: l.Credit, Amount: Money{Amount: l.Amount, Currency: l.Currency}, BankCode: l.Code,
		Payment: text(l.PaymentID), EndToEnd: l.Details.EndToEnd, Reference: l.Details.Reference, Name: l.Details.Name, Text: l.Details.Text}
	out.BookedOn.Time = moment(l.BookedOn)
	return out
}
