package console

import (
	"net/http"
	"net/url"

	"github.com/gin-gonic/gin"
	"github.com/google/uuid"

	"github.com/aidflow/aidflow/api"
)

// bell is what tells a person that something happened.
type bell struct {
	api.NotificationPage
	Key string // of the form that says that all of them were read
}

// notifications lists what the person was told.
func (c *console) notifications(ctx *gin.Context) {
	var b bell
	query := url.Values{"limit": {"50"}}
	if cursor := ctx.Query("cursor"); cursor != "" {
		query.Set("cursor", cursor)
	}
	if _, err := c.get(ctx, "/v1/notifications", query, &b); err != nil {
		c.fail(ctx, err)
		return
	}
	b.Key = uuid.NewString()
	c.show(ctx, http.StatusOK, "notifications", page{Title: "notifications", Bell: &b})
}

// markRead says that the person has seen them all.
func (c *console) markRead(ctx *gin.Context) {
	_, err := c.call(ctx, request{method: http.MethodPost, path: "/v1/notifications/read", body: map[string]any{"up_to": ctx.PostForm("up_to")}, key: ctx.PostForm("key")}, nil)
	if err != nil {
		c.fail(ctx, err)
		return
	}
	ctx.Redirect(http.StatusSeeOther, "/notifications")
}
