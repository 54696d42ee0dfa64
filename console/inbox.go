package console

import (
	"net/http"
	"net/url"
	"slices"

	"github.com/gin-gonic/gin"

	"github.com/aidflow/aidflow/api"
)

// views are the parts of an inbox, as the API names them.
func views() []string { return []string{"group", "mine", "unclaimed", "overdue"} }

// inbox is a page of it.
type inbox struct {
	View   string
	Views  []string
	Counts map[string]int
	Tasks  []api.TaskSummary
	Next   string // address of the next page; "" on the last
	Said   string // what was just done
}

// inbox lists the tasks that wait for the person.
func (c *console) inbox(ctx *gin.Context) {
	view := ctx.Query("view")
	if !slices.Contains(views(), view) {
		view = views()[0]
	}
	var list api.TaskPage
	query := url.Values{"view": {view}, "limit": {"50"}}
	if cursor := ctx.Query("cursor"); cursor != "" {
		query.Set("cursor", cursor)
	}
	if _, err := c.get(ctx, "/v1/tasks", query, &list); err != nil {
		c.fail(ctx, err)
		return
	}
	in := inbox{View: view, Views: views(), Tasks: list.Data, Said: ctx.Query("said")}
	var counts struct{ Views map[string]int }
	if _, err := c.get(ctx, "/v1/tasks/counts", nil, &counts); err == nil {
		in.Counts = counts.Views
	}
	if list.NextCursor != "" {
		in.Next = "/inbox?" + url.Values{"view": {view}, "cursor": {list.NextCursor}}.Encode()
	}
	c.show(ctx, http.StatusOK, "inbox", page{Title: "inbox", Inbox: &in})
}

// next opens the most urgent task that the person may decide now.
func (c *console) next(ctx *gin.Context) {
	var t api.Task
	if _, err := c.get(ctx, "/v1/tasks/next", nil, &t); err != nil {
		c.fail(ctx, err)
		return
	}
	if t.ID == "" {
		ctx.Redirect(http.StatusSeeOther, "/inbox?said=nothing_left")
		return
	}
	ctx.Redirect(http.StatusSeeOther, "/tasks/"+t.ID)
}
