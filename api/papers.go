package api

import (
	"bytes"
	"context"
	"io"

	"github.com/aidflow/aidflow/internal/postgres"
	"github.com/aidflow/aidflow/papers"
	paperpage "github.com/aidflow/aidflow/papers/page"
	"github.com/aidflow/aidflow/papers/pdf"
)

// press makes papers and draws them.
type press struct {
	*papers.Printer
	pages *paperpage.Renderer
}

func newPress() (*press, error) {
	printer, err := papers.NewPrinter()
	if err != nil {
		return nil, err
	}
	pages, err := paperpage.New()
	return &press{printer, pages}, err
}

// drawn is a paper as it is answered.
type drawn struct {
	body io.Reader
	size int64
	name string // Content-Disposition; names nobody
	html bool
}

// draw draws a paper; subject is an id or reference for the file's name.
func (p *press) draw(paper papers.Paper, format, subject string) (drawn, error) {
	render, extension := pdf.Render, "pdf"
	if format == "html" {
		render, extension = p.pages.Render, "html"
	}
	raw, err := render(paper)
	name := string(paper.Kind) + "-" + subject + "." + paper.Lang + "." + extension
	return drawn{body: bytes.NewReader(raw), size: int64(len(raw)), name: `inline; filename="` + name + `"`, html: format == "html"}, err
}

// paperLanguage gives the language of a paper: the one asked for, else that of
// the caller.
func (h *handlers) paperLanguage(ctx context.Context, asked string) string {
	if asked != "" {
		return asked
	}
	return h.problems.texts.language(accepts(ctx))
}

// ListCasePapers tells which papers of a case can be printed.
func (h *handlers) ListCasePapers(ctx context.Context, r ListCasePapersRequestObject) (ListCasePapersResponseObject, error) {
	caller := callerOf(ctx)
	row, err := h.store.CaseByID(ctx, caller, r.ID)
	if err != nil {
		return nil, err
	}
	def, err := h.store.Definition(ctx, row.Programme, row.ProgrammeVersion)
	if err != nil {
		return nil, err
	}
	rows, err := h.store.Papers(ctx, caller, row.ID)
	if err != nil {
		return nil, err
	}
	lang := h.paperLanguage(ctx, string(r.Params.Lang))
	return ListCasePapers200JSONResponse{Data: each(rows, func(p postgres.PaperRow) PrintablePaper {
		out := PrintablePaper{Kind: string(p.Kind), Title: h.press.Title(p.Kind, lang, def), Payment: p.Payment, Ready: p.Why == "", Code: p.Why}
		if p.Why != "" {
			out.Reason = h.problems.texts.say(lang, p.Why, nil)
		}
		return out
	})}, nil
}

// GetCasePaper prints a paper of a case.
func (h *handlers) GetCasePaper(ctx context.Context, r GetCasePaperRequestObject) (GetCasePaperResponseObject, error) {
	facts, row, err := h.store.PaperFacts(ctx, callerOf(ctx), r.ID, papers.Kind(r.Kind), r.Params.Payment)
	if err != nil {
		return nil, err
	}
	def, err := h.store.Definition(ctx, row.Programme, row.ProgrammeVersion)
	if err != nil {
		return nil, err
	}
	paper, err := h.press.Case(papers.Kind(r.Kind), h.paperLanguage(ctx, string(r.Params.Lang)), def, facts)
	if err != nil {
		return nil, err
	}
	subject := row.ID
	if facts.Reference != "" {
		subject = facts.Reference
	}
	d, err := h.press.draw(paper, string(r.Params.Format), subject)
	headers := GetCasePaper200ResponseHeaders{ContentDisposition: d.name, ContentSecurityPolicy: paperpage.Policy}
	if d.html {
		return GetCasePaper200TextHTMLResponse{Body: d.body, ContentLength: d.size, Headers: headers}, err
	}
	return GetCasePaper200ApplicationPdfResponse{Body: d.body, ContentLength: d.size, Headers: headers}, err
}

// GetReceipt prints the receipt of a contribution.
func (h *handlers) GetReceipt(ctx context.Context, r GetReceiptRequestObject) (GetReceiptResponseObject, error) {
	facts, err := h.store.ReceiptFacts(ctx, callerOf(ctx), r.ID, r.Contribution)
	if err != nil {
		return nil, err
	}
	paper, err := h.press.Receipt(h.paperLanguage(ctx, string(r.Params.Lang)), facts)
	if err != nil {
		return nil, err
	}
	d, err := h.press.draw(paper, string(r.Params.Format), facts.ID)
	headers := GetReceipt200ResponseHeaders{ContentDisposition: d.name, ContentSecurityPolicy: paperpage.Policy}
	if d.html {
		return GetReceipt200TextHTMLResponse{Body: d.body, ContentLength: d.size, Headers: headers}, err
	}
	return GetReceipt200ApplicationPdfResponse{Body: d.body, ContentLength: d.size, Headers: headers}, err
}

// GetPostingList prints the list that hangs in the village.
func (h *handlers) GetPostingList(ctx context.Context, r GetPostingListRequestObject) (GetPostingListResponseObject, error) {
	lang := h.paperLanguage(ctx, string(r.Params.Lang))
	paper, err := h.posting(ctx, r.Code, r.Params.Programme, lang)
	if err != nil {
		return nil, err
	}
	d, err := h.press.draw(paper, string(r.Params.Format), r.Code)
	headers := GetPostingList200ResponseHeaders{ContentDisposition: d.name, ContentSecurityPolicy: paperpage.Policy}
	if d.html {
		return GetPostingList200TextHTMLResponse{Body: d.body, ContentLength: d.size, Headers: headers}, err
	}
	return GetPostingList200ApplicationPdfResponse{Body: d.body, ContentLength: d.size, Headers: headers}, err
}

// posting makes the list of an area, in the words of its programme when it is
// of one.
func (h *handlers) posting(ctx context.Context, area, programme, lang string) (papers.Paper, error) {
	list, err := h.store.PostingFacts(ctx, callerOf(ctx), area, programme)
	if err != nil {
		return papers.Paper{}, err
	}
	titles := map[string]string{}
	known, err := h.store.Programmes(ctx)
	if err != nil {
		return papers.Paper{}, err
	}
	for _, p := range known {
		titles[p.Code] = p.Definition.Titles.In(lang)
		if p.Code == programme {
			return h.press.Posting(lang, p.Definition, list)
		}
	}
	for i, row := range list.Rows {
		list.Rows[i].Programme = titles[row.Programme]
	}
	return h.press.Posting(lang, nil, list)
}
