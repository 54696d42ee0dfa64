package api

import (
	"bufio"
	"context"
	"encoding/hex"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strconv"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/internal/archive"
	"github.com/aidflow/aidflow/internal/files"
	"github.com/aidflow/aidflow/internal/postgres"
)

// UploadDocument makes a file that has come a document of its case, and looks
// at it: 201 when it is clean, or waits for the scanner.
func (h *handlers) UploadDocument(ctx context.Context, _ UploadDocumentRequestObject) (UploadDocumentResponseObject, error) {
	caller := callerOf(ctx)
	u, _ := ctx.Value(ctxUpload).(*upload)
	id := resourceID(ctx, aid.DocumentID)
	file, err := h.admit(ctx, caller, u, id)
	if err != nil {
		return nil, err
	}
	err = h.files.Look(ctx, file)
	if code := aid.CodeOf(err); aid.KindOf(err) == aid.Invalid {
		return nil, fileRefusal(code)
	}
	if err != nil {
		return nil, err
	}
	row, err := h.store.Document(ctx, caller, id)
	if err != nil {
		return nil, err
	}
	return UploadDocument201JSONResponse{Body: caseDocument(*row), Headers: UploadDocument201ResponseHeaders{Location: location("documents", id)}}, nil
}

// admit tells all that is wrong with a form, or makes its file a document.
func (h *handlers) admit(ctx context.Context, caller *postgres.Caller, u *upload, id string) (*postgres.File, error) {
	in := postgres.NewFile{DocumentID: id, Case: u.fields["case"], Kind: u.fields["kind"], Task: u.fields["task"], Milestone: u.fields["milestone"],
		Dated: u.fields["dated"], VisitedOn: u.fields["visited_on"], Name: u.name, Faults: u.faults}
	if in.Case == "" {
		return nil, u.refusal(aid.RefuseAll(u.faults))
	}
	if u.file != nil {
		in.ID, in.Type, in.Image = u.file.ID, string(u.file.Type), u.file.Type.Image()
		in.Size, in.Chunks, in.Hash = u.file.Size, u.file.Chunks, u.file.Hash
	}
	file, err := h.store.AdmitFile(ctx, caller, in, archive.Lease)
	if err != nil {
		return nil, u.refusal(err)
	}
	u.adopted = file.ID == in.ID // else a copy of the request was first
	return file, nil
}

// refusal gives the faults of a form the status of the one that has its own.
func (u *upload) refusal(err error) error {
	var e *aid.Error
	if u.code != "" && errors.As(err, &e) && e.Code == "invalid_content" {
		e.Code = u.code
	}
	return err
}

// GetDocument tells what is known of a document.
func (h *handlers) GetDocument(ctx context.Context, r GetDocumentRequestObject) (GetDocumentResponseObject, error) {
	row, err := h.store.Document(ctx, callerOf(ctx), r.ID)
	if err != nil {
		return nil, err
	}
	return GetDocument200JSONResponse(caseDocument(*row)), nil
}

// ListCaseDocuments lists what was sent for a case.
func (h *handlers) ListCaseDocuments(ctx context.Context, r ListCaseDocumentsRequestObject) (ListCaseDocumentsResponseObject, error) {
	rows, err := h.store.CaseDocuments(ctx, callerOf(ctx), r.ID)
	if err != nil {
		return nil, err
	}
	return ListCaseDocuments200JSONResponse{Data: each(rows, caseDocument)}, nil
}

// GetDocumentContent gives the bytes of a document, once the look is in the
// audit. What cannot be read at all is told before the first byte goes out.
func (h *handlers) GetDocumentContent(ctx context.Context, r GetDocumentContentRequestObject) (GetDocumentContentResponseObject, error) {
	row, err := h.store.ReadDocument(ctx, callerOf(ctx), r.ID, string(r.Params.Why))
	if err != nil {
		return nil, err
	}
	content := bufio.NewReader(h.files.Content(ctx, row.File))
	if _, err := content.Peek(1); err != nil {
		return nil, err
	}
	return servedFile{row: row, content: content, inline: r.Params.Inline, log: h.log}, nil
}

// servedFile is the answer that carries a file. A browser is told to run
// nothing of it and to keep nothing.
type servedFile struct {
	row     *postgres.FileRow
	content io.Reader
	inline  bool
	log     *slog.Logger
}

// VisitGetDocumentContentResponse sends the file. When it cannot be read to
// its end the answer is shorter than it said, and the connection is closed.
func (f servedFile) VisitGetDocumentContentResponse(w http.ResponseWriter) error {
	t := files.Type(f.row.Type)
	h := w.Header()
	h.Set("Content-Type", string(t))
	h.Set("Content-Length", strconv.FormatInt(f.row.Size, 10))
	h.Set("Content-Disposition", disposition(f.inline, f.row.Name, t))
	h.Set("Content-Security-Policy", "default-src 'none'; sandbox")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cache-Control", "no-store, private")
	h.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(http.StatusOK)
	if n, err := io.Copy(w, f.content); err != nil {
		f.log.Warn("document not sent to its end", "document", *f.row.DocumentID, "bytes", n, "error", err.Error())
	}
	return nil
}

func caseDocument(d postgres.FileRow) CaseDocument {
	out := CaseDocument{ID: *d.DocumentID, Case: *d.CaseID, Kind: d.Kind, State: d.State, ReasonCode: d.Reason, Review: d.Review, ReviewReasonCode: d.ReviewCode,
		Type: d.Type, Size: d.Size, Sha256: hex.EncodeToString(d.Hash), Sent: SentFile{Type: d.SentType, Size: d.SentSize, Sha256: hex.EncodeToString(d.SentHash)},
		Task: text(d.TaskID), Milestone: d.Milestone, Dated: text(d.Dated), VisitedOn: text(d.VisitedOn), Name: d.Name, TakenAt: moment(d.TakenAt),
		Flags: append([]string{}, d.Flags...), UploadedAt: d.AddedAt.UTC(), UploadedBy: d.Uploader, Masked: d.Masked}
	if d.Place != nil {
		out.Place = CaseDocumentPlace{Latitude: d.Place[0], Longitude: d.Place[1]}
	}
	return out
}
