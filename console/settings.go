package console

import (
	"net/http"
	"net/url"

	"github.com/gin-gonic/gin"
)

const settingsPath = "/v1/me/notifications"

// settings is how a person is told: the form of the API, filled.
type settings struct {
	ETag   string
	Fields []field
	Said   *refusal // why the last try was refused
	Kept   bool     // it was just kept
}

// settings shows how the person is told.
func (c *console) settings(ctx *gin.Context) {
	var now map[string]any
	etag, err := c.get(ctx, settingsPath, nil, &now)
	if err != nil {
		c.fail(ctx, err)
		return
	}
	c.showSettings(ctx, http.StatusOK, settings{ETag: etag, Kept: ctx.Query("said") == "kept"}, flat(now))
}

func (c *console) showSettings(ctx *gin.Context, status int, s settings, typed url.Values) {
	s.Fields = withoutHelp(named(fieldsOf(c.server.Document().Body("setNotificationSettings"), "", typed, s.Said), "settings"))
	c.show(ctx, status, "settings", page{Title: "settings", Settings: &s})
}

// keepSettings keeps what the person has chosen.
func (c *console) keepSettings(ctx *gin.Context) {
	if err := ctx.Request.ParseForm(); err != nil {
		c.server.NotFound(ctx)
		return
	}
	typed := ctx.Request.PostForm
	body := valueOf(c.server.Document().Body("setNotificationSettings"), "", typed)
	if body == nil {
		body = map[string]any{}
	}
	_, err := c.call(ctx, request{method: http.MethodPut, path: settingsPath, body: body, etag: typed.Get("etag")}, nil)
	said, refused := asRefusal(err)
	switch {
	case err == nil:
		ctx.Redirect(http.StatusSeeOther, "/notifications/settings?said=kept")
	case !refused || said.Status == http.StatusUnauthorized:
		c.fail(ctx, err)
	default:
		c.showSettings(ctx, said.Status, settings{ETag: typed.Get("etag"), Said: said}, typed)
	}
}

// flat writes an answer as a form has it: texts by their JSON pointers.
func flat(object map[string]any) url.Values {
	out := url.Values{}
	var walk func(at string, v any)
	walk = func(at string, v any) {
		switch v := v.(type) {
		case map[string]any:
			for name, member := range v {
				walk(at+"/"+name, member)
			}
		case string:
			out.Set(at, v)
		}
	}
	walk("", object)
	return out
}

// withoutHelp leaves out what the document says about fields, where the page
// says it in the reader's language.
func withoutHelp(fields []field) []field {
	for i := range fields {
		fields[i].Help = ""
		withoutHelp(fields[i].Fields)
	}
	return fields
}
