package api

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/hex"
	"encoding/json"
	"mime"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/internal/postgres"
	"github.com/aidflow/aidflow/internal/sheet"
)

// importLimit is the longest that a file may take to come: 100 MB over a line
// of 1 Mbit/s.
const importLimit = 15 * time.Minute

// receiveImport stores a file as it comes. Its hash stands in for the body, so
// that copies of the request are known. What no handler adopts is thrown away.
func (s *Server) receiveImport(c *gin.Context) {
	media, _, err := mime.ParseMediaType(c.GetHeader("Content-Type"))
	if err != nil || !slices.Contains(importTypes(), media) {
		s.problems.write(c, aid.Refuse(aid.Invalid, "import_media_type"))
		return
	}
	caller, what := callerOf(c), c.Query("what")
	year, _ := strconv.Atoi(c.Query("year")) // a number, by the document
	if err := mayImport(caller, what, year); err != nil {
		s.problems.write(c, err)
		return
	}
	control := http.NewResponseController(c.Writer) // a test's recorder has no deadlines
	_ = control.SetReadDeadline(time.Now().Add(importLimit))
	_ = control.SetWriteDeadline(time.Now().Add(importLimit + requestLimit))
	received, err := s.store.ReceiveImport(c.Request.Context(), caller,
		postgres.NewImport{ID: postgres.NewID(aid.ImportID), What: what, Year: year, Follows: c.Query("follows")}, c.Request.Body, sheet.Format)
	if err != nil {
		s.problems.write(c, err)
		return
	}
	adopted := false
	defer func() {
		if !adopted {
			s.store.DropImport(c.Request.Context(), received)
		}
	}()
	c.Set(ctxImport, &importBody{received, &adopted})
	summary, _ := json.Marshal([]string{c.Request.URL.RawQuery, hex.EncodeToString(received.Hash)}) // texts only
	c.Set(ctxBody, summary)
	c.Next() // within: what was not adopted is thrown away
}

// importBody is a file that has come, and whether a handler took it.
type importBody struct {
	*postgres.ImportUpload
	adopted *bool
}

func importTypes() []string {
	return []string{"application/octet-stream", "text/csv", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"}
}

// mayImport: areas are an administrator's, everything about households a
// manager's; a list of a review names its year.
func mayImport(caller *postgres.Caller, what string, year int) error {
	role := aid.RoleManager
	if what == postgres.ImportAreas {
		role = aid.RoleAdmin
	}
	if !caller.Has(role, "") {
		return aid.Refuse(aid.Forbidden, "wrong_role")
	}
	if reviewed := what == postgres.ImportRegister || what == postgres.ImportTotals; reviewed != (year != 0) {
		return invalidParameters(parameterFault("year", map[bool]string{true: "required", false: "not_allowed"}[reviewed]))
	}
	return nil
}

// CreateImport leaves a file to a worker.
func (h *handlers) CreateImport(ctx context.Context, _ CreateImportRequestObject) (CreateImportResponseObject, error) {
	body, ok := ctx.Value(ctxImport).(*importBody)
	if !ok {
		return nil, aid.Refuse(aid.Invalid, "body_required")
	}
	row, err := h.store.AdoptImport(ctx, callerOf(ctx), body.ImportUpload)
	if err != nil {
		return nil, err
	}
	*body.adopted = true
	return CreateImport201JSONResponse{Body: importOf(*row), Headers: CreateImport201ResponseHeaders{Location: location("imports", row.ID)}}, nil
}

// ListImports gives what the caller has brought in.
func (h *handlers) ListImports(ctx context.Context, r ListImportsRequestObject) (ListImportsResponseObject, error) {
	page, err := page("imports", r.Params.Limit, r.Params.Cursor)
	if err != nil {
		return nil, err
	}
	rows, err := h.store.Imports(ctx, callerOf(ctx), page)
	if err != nil {
		return nil, err
	}
	rows, next := cut("imports", page, rows)
	return ListImports200JSONResponse{Data: each(rows, importOf), HasMore: next != "", NextCursor: next}, nil
}

// GetImport tells how an import stands.
func (h *handlers) GetImport(ctx context.Context, r GetImportRequestObject) (GetImportResponseObject, error) {
	row, err := h.store.Import(ctx, callerOf(ctx), r.ID)
	if err != nil {
		return nil, err
	}
	return GetImport200JSONResponse(importOf(*row)), nil
}

// GetImportFaults writes what was wrong as CSV, with a mark by which
// spreadsheets know its encoding.
func (h *handlers) GetImportFaults(ctx context.Context, r GetImportFaultsRequestObject) (GetImportFaultsResponseObject, error) {
	var out bytes.Buffer
	out.WriteString("\ufeff")
	lines := csv.NewWriter(&out)
	_ = lines.Write([]string{"row", "column", "code", "severity", "message"}) // a buffer takes everything
	lang, at := accepts(ctx), postgres.ImportFault{Row: -1}
	for {
		faults, err := h.store.ImportFaults(ctx, callerOf(ctx), r.ID, at, 1000)
		if err != nil {
			return nil, err
		}
		for _, f := range faults {
			severity := "fault"
			if f.Warning {
				severity = "warning"
			}
			_ = lines.Write([]string{strconv.Itoa(f.Row), f.Column, f.Code, severity, h.problems.texts.say(lang, f.Code, f.Params)})
		}
		if len(faults) < 1000 {
			break
		}
		at = faults[len(faults)-1]
	}
	lines.Flush()
	return GetImportFaults200TextCsvResponse{Body: &out, ContentLength: int64(out.Len())}, nil
}

func importOf(r postgres.ImportRow) Import {
	out := Import{ID: r.ID, What: ImportKind(r.What), Format: r.Format, DryRun: r.DryRun, Follows: text(r.Follows), Size: r.Size, Status: r.State,
		ReasonCode: r.Reason, Rows: r.Position, Applied: r.Applied, Unchanged: r.Unchanged, Faulty: r.Faulty, Warned: r.Warned,
		CreatedAt: r.CreatedAt.UTC(), StartedAt: moment(r.StartedAt), FinishedAt: moment(r.FinishedAt)}
	if r.Year != nil {
		out.Year = *r.Year
	}
	if r.RowsTotal != nil {
		out.RowsExpected = *r.RowsTotal
	}
	return out
}
