package console

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"

	"github.com/gin-gonic/gin"
	"github.com/google/uuid"

	"github.com/aidflow/aidflow/aid/money"
	"github.com/aidflow/aidflow/api"
)

// taskPage is a task with what its reader may do.
type taskPage struct {
	api.Task
	ETag    string
	Case    api.Case
	Actions []actionForm
	Said    *refusal // why the last try was refused
	Tried   string   // the action of that try
}

// actionForm is the form of one decision.
type actionForm struct {
	Action api.Action
	Key    string // of idempotency: sending the form twice decides once
	Fields []field
	Open   bool // it was tried, or it is the only one

	Reasons        []reason
	ReasonRequired bool
	Note           string
}

// reason is a coded reason with its words.
type reason struct {
	Code, Title string
	Chosen      bool
}

// task shows a task.
func (c *console) task(ctx *gin.Context) { c.showTask(ctx, http.StatusOK, nil, "", nil) }

// showTask shows a task, with what was typed and why it was refused.
func (c *console) showTask(ctx *gin.Context, status int, said *refusal, tried string, typed url.Values) {
	p := taskPage{Said: said, Tried: tried}
	var err error
	if p.ETag, err = c.get(ctx, "/v1/tasks/"+url.PathEscape(ctx.Param("id")), nil, &p.Task); err != nil {
		c.fail(ctx, err)
		return
	}
	if _, err = c.get(ctx, "/v1/cases/"+p.Task.Case.ID, nil, &p.Case); err != nil {
		p.Case = api.Case{} // an administrator repairs what it does not read
	}
	programme := c.programme(ctx, p.Programme)
	titles := reasonTitles(programme, c.language(ctx))
	for _, action := range p.AllowedActions {
		one := actionForm{Action: action, Key: uuid.NewString(), Open: tried == string(action) || len(p.AllowedActions) == 1}
		if tried == string(action) {
			one.fill(p.Forms[string(action)], titles, typed, said)
		} else {
			one.fill(p.Forms[string(action)], titles, url.Values{}, nil)
		}
		one.Fields = overriding(one.Fields, p.Findings, programme.Reasons["override"])
		p.Actions = append(p.Actions, one)
	}
	c.show(ctx, status, "task", page{Title: p.Task.Case.Reference, Task: &p})
}

// fill takes over the form of the API, with what was typed.
func (a *actionForm) fill(form api.ActionForm, titles map[string]string, typed url.Values, said *refusal) {
	a.Fields = named(fieldsOf(form.Schema, "/data", typed, said), string(a.Action))
	a.ReasonRequired, a.Note = form.ReasonRequired, typed.Get("note")
	for _, code := range form.ReasonCodes {
		title := titles[code]
		if title == "" {
			title = code
		}
		a.Reasons = append(a.Reasons, reason{Code: code, Title: title, Chosen: typed.Get("reason_code") == code})
	}
}

// programme gives the programme of a task; an empty one when it cannot be read:
// its codes do.
func (c *console) programme(ctx *gin.Context, code string) (p api.Programme) {
	_, _ = c.get(ctx, "/v1/programmes/"+url.PathEscape(code), nil, &p)
	return p
}

// reasonTitles gives the words of a programme's reasons, by code.
func reasonTitles(p api.Programme, lang string) map[string]string {
	titles := map[string]string{}
	for _, reasons := range p.Reasons {
		for _, r := range reasons {
			titles[r.Code] = r.Titles[lang]
		}
	}
	return titles
}

// overriding asks for a reason beside every finding that blocks, in place of
// rows in which a person would have to copy its name.
func overriding(fields []field, findings []api.Finding, reasons []api.ReasonCode) []field {
	i := slices.IndexFunc(fields, func(f field) bool { return f.Name == overridesAt })
	if i < 0 {
		return fields
	}
	var rows []field
	for n, f := range findings {
		if f.Effect != "block" || f.Override.By != "" || n >= rowsShown {
			continue
		}
		at := fmt.Sprintf("%s/%d", overridesAt, len(rows))
		choice := field{ID: "approve" + at, Name: at + "/reason_code", Kind: "choice", Label: f.Title, Hidden: f.Finding, HiddenName: at + "/finding"}
		for _, r := range reasons {
			choice.Choices = append(choice.Choices, r.Code)
		}
		rows = append(rows, choice)
	}
	if len(rows) == 0 {
		return slices.Delete(fields, i, i+1)
	}
	fields[i].Kind, fields[i].Fields, fields[i].Required = "group", rows, true
	return fields
}

const overridesAt = "/data/overrides"

// decide sends a decision and goes on: to the next task, or back to the inbox.
func (c *console) decide(ctx *gin.Context) {
	if err := ctx.Request.ParseForm(); err != nil {
		c.server.NotFound(ctx)
		return
	}
	typed := ctx.Request.PostForm
	id, action := ctx.Param("id"), typed.Get("action")
	var t api.Task
	if _, err := c.get(ctx, "/v1/tasks/"+url.PathEscape(id), nil, &t); err != nil {
		c.fail(ctx, err)
		return
	}
	body := map[string]any{"action": action}
	for name, value := range map[string]string{"reason_code": typed.Get("reason_code"), "note": typed.Get("note")} {
		if value != "" {
			body[name] = value
		}
	}
	if amount := typed.Get("amount"); amount != "" && amount != typed.Get("amount_shown") {
		body["amount"] = map[string]any{"amount": number(amount), "currency": t.Amount.Currency}
	}
	if data := valueOf(t.Forms[action].Schema, "/data", typed); data != nil {
		body["data"] = data
	}
	_, err := c.call(ctx, request{method: http.MethodPost, path: "/v1/tasks/" + t.ID + "/decisions", body: body, etag: typed.Get("etag"), key: typed.Get("key")}, nil)
	c.after(ctx, err, action, typed)
}

// after goes on when a change was made, and shows the task again when it was
// refused.
func (c *console) after(ctx *gin.Context, err error, action string, typed url.Values) {
	said, refused := asRefusal(err)
	switch {
	case err == nil && typed.Get("then") == "next":
		ctx.Redirect(http.StatusSeeOther, "/next")
	case err == nil:
		ctx.Redirect(http.StatusSeeOther, "/inbox?said=decided")
	case !refused || said.Status == http.StatusUnauthorized:
		c.fail(ctx, err)
	default:
		c.showTask(ctx, said.Status, said, action, typed)
	}
}

// claim and release take a task and give it back.
func (c *console) claim(ctx *gin.Context)   { c.changeClaim(ctx, "claim") }
func (c *console) release(ctx *gin.Context) { c.changeClaim(ctx, "release") }

func (c *console) changeClaim(ctx *gin.Context, what string) {
	path := "/v1/tasks/" + url.PathEscape(ctx.Param("id")) + "/" + what
	_, err := c.call(ctx, request{method: http.MethodPost, path: path, etag: ctx.PostForm("etag"), key: ctx.PostForm("key")}, nil)
	if said, refused := asRefusal(err); refused && said.Status != http.StatusUnauthorized {
		c.showTask(ctx, said.Status, said, "", nil)
		return
	}
	if err != nil {
		c.fail(ctx, err)
		return
	}
	ctx.Redirect(http.StatusSeeOther, "/tasks/"+url.PathEscape(ctx.Param("id")))
}

// amount writes an amount for people.
func amount(m api.Money, lang string) string { return money.Of(m.Amount, m.Currency).Format(lang) }
