package console

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/aidflow/aidflow/api"
)

// The cookies of the console. The session's holds the person's own token of
// the sign-in service, and nothing else: what the person may do is looked up
// for every request, as for every other caller.
const (
	sessionCookie = "aidflow_session"
	signInCookie  = "aidflow_sign_in"
	signInLimit   = 10 * time.Minute
	signedInPath  = "/signed-in"
)

// signingIn is what the browser keeps while its person is at the sign-in
// service.
type signingIn struct {
	api.SignIn
	To string // the page that was asked for
}

// signIn sends the browser to the sign-in service.
func (c *console) signIn(ctx *gin.Context) {
	in := signingIn{SignIn: api.NewSignIn(), To: ownPath(ctx.Query("to"))}
	address, err := c.server.SignInURL(ctx, c.origin(ctx)+signedInPath, in.SignIn)
	if err != nil {
		c.server.Fail(ctx, err)
		return
	}
	raw, _ := json.Marshal(in) // texts only
	c.setCookie(ctx, signInCookie, url.QueryEscape(string(raw)), signInLimit)
	ctx.Redirect(http.StatusSeeOther, address)
}

// signedIn takes the browser back from the sign-in service.
func (c *console) signedIn(ctx *gin.Context) {
	var in signingIn
	raw, _ := ctx.Cookie(signInCookie)
	if json.Unmarshal([]byte(raw), &in) != nil || in.State == "" || ctx.Query("state") != in.State {
		ctx.Redirect(http.StatusSeeOther, "/sign-in") // too late, or another browser: once more
		return
	}
	token, until, err := c.server.SignedIn(ctx, c.origin(ctx)+signedInPath, ctx.Query("code"), in.SignIn)
	c.setCookie(ctx, signInCookie, "", -1)
	if err != nil {
		c.server.Fail(ctx, err)
		return
	}
	c.setCookie(ctx, sessionCookie, token, time.Until(until))
	ctx.Redirect(http.StatusSeeOther, ownPath(in.To))
}

// signOut forgets who the browser's person is.
func (c *console) signOut(ctx *gin.Context) {
	c.setCookie(ctx, sessionCookie, "", -1)
	ctx.Redirect(http.StatusSeeOther, "/")
}

// setCookie sets a cookie that no script reads and no other site sends along
// with a change; a negative life takes it away.
func (c *console) setCookie(ctx *gin.Context, name, value string, life time.Duration) {
	http.SetCookie(ctx.Writer, &http.Cookie{Name: name, Value: value, Path: "/", MaxAge: int(life.Seconds()), HttpOnly: true,
		SameSite: http.SameSiteLaxMode, Secure: c.server.Secure(ctx.Request)})
}

// origin is the console's own address as the browser knows it.
func (c *console) origin(ctx *gin.Context) string {
	if c.server.Secure(ctx.Request) {
		return "https://" + ctx.Request.Host
	}
	return "http://" + ctx.Request.Host
}

// ownPath gives a path of the console to go to; nobody is sent elsewhere.
func ownPath(to string) string {
	if strings.HasPrefix(to, "/") && !strings.HasPrefix(to, "//") && !strings.ContainsAny(to, "\\\r\n") {
		return to
	}
	return "/inbox"
}

// sameSite refuses changes that another site's page asks for in the name of
// whoever is signed in.
func (c *console) sameSite(ctx *gin.Context) {
	if c.guard.Check(ctx.Request) != nil {
		ctx.AbortWithStatus(http.StatusForbidden)
	}
}
