// Package console is the face: pages rendered on the server, for people. It is
// a client of the api, in process, and needs no JavaScript.
package console

import (
	"bytes"
	"embed"
	"html/template"
	"net/http"
	"net/url"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/aidflow/aidflow/api"
)

//go:embed templates/*.html style.css locales/*.yaml
var files embed.FS

// console holds what its pages show.
type console struct {
	server   *api.Server
	pages    *template.Template
	texts    map[string]map[string]string // language, key
	sections []api.Section
	style    []byte
	guard    *http.CrossOriginProtection
}

// page is what every template gets.
type page struct {
	Lang      string
	Languages []string
	Path      string // of this page, for the links to its other languages
	Title     string
	Test      bool // nothing here is real
	Version   string
	Intro     string
	Sections  []api.Section
	Section   *api.Section
	Who       *api.Caller // who is signed in; nil for nobody
	Unread    int         // of the bell
	Inbox     *inbox
	Task      *taskPage
	Bell      *bell
	Refusal   *refusal

	Settings    *settings
	Unsubscribe *unsubscribe
}

// Mount adds the console's pages to the router: /, /docs, and for who has
// signed in the inbox, tasks, notifications and their settings; and the page to which
// the unsubscribe link of a mail leads. It is made to be given to
// api.New.
//
// It panics when the embedded templates or texts are broken: a fault of the
// build, which the tests find.
func Mount(s *api.Server, r gin.IRouter) {
	c, err := load(s)
	if err != nil {
		panic(err)
	}
	r.GET("/", c.home)
	r.GET("/docs", c.docs)
	r.GET("/docs/:section", c.section)
	r.GET("/sign-in", c.signIn)
	r.GET(signedInPath, c.signedIn)
	r.GET("/inbox", c.inbox)
	r.GET("/next", c.next)
	r.GET("/tasks/:id", c.task)
	r.GET("/notifications", c.notifications)
	r.GET("/notifications/settings", c.settings)
	r.GET("/unsubscribe/:token", c.askUnsubscribe)
	r.POST("/unsubscribe/:token", c.unsubscribe) // from anywhere: the token is the permission
	r.POST("/sign-out", c.sameSite, c.signOut)
	r.POST("/tasks/:id/decisions", c.sameSite, c.decide)
	r.POST("/tasks/:id/claim", c.sameSite, c.claim)
	r.POST("/tasks/:id/release", c.sameSite, c.release)
	r.POST("/notifications/read", c.sameSite, c.markRead)
	r.POST("/notifications/settings", c.sameSite, c.keepSettings)
	r.GET("/console.css", func(ctx *gin.Context) {
		ctx.Header("Cache-Control", "public, max-age=3600")
		ctx.Data(http.StatusOK, "text/css; charset=utf-8", c.style)
	})
}

func load(s *api.Server) (*console, error) {
	texts, err := loadTexts()
	if err != nil {
		return nil, err
	}
	c := &console{server: s, texts: texts, sections: s.Document().Sections(), guard: http.NewCrossOriginProtection()}
	c.pages, err = template.New("").Funcs(template.FuncMap{"t": c.say, "word": c.word, "sentence": s.Sentence, "prose": prose, "inline": inline,
		"money": amount, "moment": moment, "shown": shown, "pair": pair}).ParseFS(files, "templates/*.html")
	if err != nil {
		return nil, err
	}
	c.style, err = files.ReadFile("style.css")
	return c, err
}

// home says what this is and where to go.
func (c *console) home(ctx *gin.Context) { c.render(ctx, "home", page{}) }

// docs lists every operation.
func (c *console) docs(ctx *gin.Context) { c.render(ctx, "docs", page{Sections: c.sections}) }

// section shows the operations of one part in full.
func (c *console) section(ctx *gin.Context) {
	for i := range c.sections {
		if c.sections[i].Tag == ctx.Param("section") {
			c.render(ctx, "section", page{Sections: c.sections, Section: &c.sections[i], Title: c.sections[i].Tag})
			return
		}
	}
	c.server.NotFound(ctx)
}

func (c *console) render(ctx *gin.Context, name string, p page) { c.write(ctx, http.StatusOK, name, p) }

// show renders a page for who is signed in, with the name and the bell.
func (c *console) show(ctx *gin.Context, status int, name string, p page) {
	var who api.Caller
	if _, err := c.get(ctx, "/v1/whoami", nil, &who); err == nil {
		p.Who = &who
		var b api.NotificationPage
		if _, err := c.get(ctx, "/v1/notifications", url.Values{"limit": {"1"}}, &b); err == nil {
			p.Unread = b.Unread
		}
	}
	ctx.Header("Cache-Control", "no-store")
	c.write(ctx, status, name, p)
}

func (c *console) write(ctx *gin.Context, status int, name string, p page) {
	p.Lang, p.Languages, p.Path, p.Test = c.language(ctx), languages, ctx.Request.URL.Path, c.server.Mode() == "test"
	title, version, intro := c.server.Document().Introduction()
	p.Version, p.Intro = version, intro
	if p.Title == "" {
		p.Title = title
	}
	var out bytes.Buffer
	if err := c.pages.ExecuteTemplate(&out, name, p); err != nil {
		c.server.Fail(ctx, err)
		return
	}
	h := ctx.Writer.Header()
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'")
	h.Set("Content-Language", p.Lang)
	h.Set("Vary", "Accept-Language, Cookie")
	if ctx.Query("lang") == p.Lang {
		c.setCookie(ctx, languageCookie, p.Lang, 365*24*time.Hour)
	}
	ctx.Data(status, "text/html; charset=utf-8", out.Bytes())
}
