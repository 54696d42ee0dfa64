package console

import (
	"net/http"

	"github.com/gin-gonic/gin"

	"github.com/aidflow/aidflow/aid"
)

// unsubscribe is what the link of a mail ends.
type unsubscribe struct {
	Token   string
	Topics  []aid.Topic
	Ended   bool // nothing of this comes by mail any more
	Unknown bool // no mail of ours, or one that is forgotten
}

// askUnsubscribe says what the link of a mail would end, and has a button for
// it. It changes nothing: programs that look at mails follow links.
func (c *console) askUnsubscribe(ctx *gin.Context) {
	token := ctx.Param("token")
	topics, ended, err := c.server.MailTopics(ctx, token)
	c.showUnsubscribe(ctx, unsubscribe{Token: token, Topics: topics, Ended: ended}, err)
}

// unsubscribe ends mails of what that mail was about, for whoever has it: by
// the button, or by the one click of a mail program (RFC 8058), which comes
// from another place and without a sign-in.
func (c *console) unsubscribe(ctx *gin.Context) {
	token := ctx.Param("token")
	topics, err := c.server.StopMails(ctx, token)
	c.showUnsubscribe(ctx, unsubscribe{Token: token, Topics: topics, Ended: true}, err)
}

func (c *console) showUnsubscribe(ctx *gin.Context, u unsubscribe, err error) {
	status := http.StatusOK
	switch {
	case aid.CodeOf(err) == "unknown_mail_token":
		status, u = http.StatusNotFound, unsubscribe{Unknown: true}
	case err != nil:
		c.server.Fail(ctx, err)
		return
	}
	ctx.Header("Cache-Control", "no-store")
	ctx.Header("Referrer-Policy", "no-referrer")
	c.write(ctx, status, "unsubscribe", page{Title: "unsubscribe", Unsubscribe: &u})
}
