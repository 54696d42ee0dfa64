package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"github.com/gin-gonic/gin"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/internal/archive"
	"github.com/aidflow/aidflow/internal/notify/words"
	"github.com/aidflow/aidflow/internal/postgres"
	"github.com/aidflow/aidflow/rails"
)

// Config is what the door needs to know about this deployment.
type Config struct {
	Mode            string // test or live
	Sandbox         bool   // offer /v1/sandbox
	Version         string
	Revision        string
	Issuer          string // OpenID Connect issuer of staff; "" accepts no staff
	Audience        string
	ClientSecret    string                    // of the console at the issuer; "" for a public client
	TrustedProxies  []string                  // addresses or CIDRs whose X-Forwarded-For is believed
	FileRails       map[string]rails.FileRail // ways to pay by files, by name
	SimulatorSecret string                    // of the simulator's callbacks; "" accepts none
	Files           *archive.Archive          // nil: in the store, and unscanned in a test deployment
	Log             *slog.Logger
	Metrics         *prometheus.Registry // nil: a registry of its own
}

// requestLimit is the longest that one request may take.
const requestLimit = 30 * time.Second

// fileLimit is the longest that a file may take to come or go: 20 MB over a
// line of 300 kbit/s.
const fileLimit = 10 * time.Minute

// Server answers the requests of openapi.yaml.
type Server struct {
	cfg      Config
	mode     string
	store    *postgres.Store
	process  Process
	staff    *staffTokens
	files    *archive.Archive
	doc      *Document
	problems *problems
	press    *press
	words    *words.Catalogue // of what people are told
	log      *slog.Logger
	metrics  *prometheus.Registry
	seconds  *prometheus.HistogramVec
	engine   *gin.Engine
}

// New makes the server. Pages adds what is not part of the document, such as
// the console; it may be nil.
//
// Errors: a document or message catalogue that is broken, trusted proxies that
// are no addresses.
func New(cfg Config, store *postgres.Store, process Process, pages func(*Server, gin.IRouter)) (*Server, error) {
	doc, err := LoadDocument()
	if err != nil {
		return nil, err
	}
	texts, err := loadTexts()
	if err != nil {
		return nil, err
	}
	press, err := newPress()
	if err != nil {
		return nil, err
	}
	told, err := words.New()
	if err != nil {
		return nil, err
	}
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.Metrics == nil {
		cfg.Metrics = prometheus.NewRegistry()
	}
	s := &Server{cfg: cfg, mode: cfg.Mode, store: store, process: process, staff: newStaffTokens(cfg.Issuer, cfg.Audience),
		files: cfg.Files, doc: doc, problems: &problems{texts: texts, log: cfg.Log}, press: press, words: told, log: cfg.Log, metrics: cfg.Metrics}
	if s.files == nil {
		if s.files, err = archive.New(context.Background(), store, archive.Config{Unscanned: cfg.Mode == "test", Log: cfg.Log}); err != nil {
			return nil, err
		}
	}
	s.seconds = prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "aidflow_http_request_seconds",
		Help: "Time to answer, by operation and status.", Buckets: prometheus.DefBuckets}, []string{"operation", "status"})
	if err := cfg.Metrics.Register(s.seconds); err != nil {
		return nil, fmt.Errorf("metrics: %w", err)
	}
	return s, s.route(pages)
}

// Document gives the document that the server answers by.
func (s *Server) Document() *Document { return s.doc }

// Mode gives test or live.
func (s *Server) Mode() string { return s.mode }

// ServeHTTP answers one request. What can be had by GET can be asked for by
// HEAD: net/http sends the answer without its body.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodHead {
		asked := *r
		asked.Method = http.MethodGet
		r = &asked
	}
	s.engine.ServeHTTP(w, r)
}

// Serve answers on a listener until ctx ends, then finishes what runs.
//
// Errors: of the listener.
func (s *Server) Serve(ctx context.Context, l net.Listener) error {
	srv := &http.Server{Handler: s, ReadHeaderTimeout: 10 * time.Second, ReadTimeout: requestLimit, WriteTimeout: 2 * requestLimit,
		IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 64 << 10, ErrorLog: slog.NewLogLogger(s.log.Handler(), slog.LevelDebug)}
	done := make(chan error, 1)
	go func() { done <- srv.Serve(l) }()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
	}
	stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), requestLimit)
	defer cancel()
	return srv.Shutdown(stop)
}

// route sets the router up: the chain of middlewares, the operations of the
// document, pages, and problems for everything else.
func (s *Server) route(pages func(*Server, gin.IRouter)) error {
	gin.SetMode(gin.ReleaseMode)
	e := gin.New()
	e.HandleMethodNotAllowed = true
	e.RedirectTrailingSlash = false
	e.ContextWithFallback = true // handlers are cancelled with the request
	if err := e.SetTrustedProxies(s.cfg.TrustedProxies); err != nil {
		return fmt.Errorf("trusted proxies: %w", err)
	}
	e.Use(s.observe, s.prepare, s.authorise, s.requireHeaders, s.validate, s.idempotent)
	e.NoRoute(func(c *gin.Context) { s.problems.write(c, aid.Refuse(aid.NotFound, "no_such_path")) })
	e.NoMethod(func(c *gin.Context) { s.problems.write(c, aid.Refuse(aid.Invalid, "method_not_allowed")) })
	strict := NewStrictHandlerWithOptions(&handlers{Server: s}, []StrictMiddlewareFunc{ownContext}, StrictGinServerOptions{
		RequestErrorHandlerFunc:  func(c *gin.Context, err error) { s.problems.write(c, undecodable(err)) },
		HandlerErrorFunc:         s.problems.write,
		ResponseErrorHandlerFunc: s.problems.write,
	})
	RegisterHandlersWithOptions(e, strict, GinServerOptions{ErrorHandler: func(c *gin.Context, _ error, _ int) {
		s.problems.write(c, invalidParameters())
	}})
	s.routeMeta(e)
	if pages != nil {
		pages(s, e)
	}
	s.engine = e
	return nil
}

// ownContext gives a handler a context of its own. The router uses its contexts
// again for other requests, while what a handler has begun may still look at
// the one that it was given: database/sql does after the rows are closed.
func ownContext(next StrictHandlerFunc, _ string) StrictHandlerFunc {
	return func(c *gin.Context, request any) (any, error) { return next(c.Copy(), request) }
}

// undecodable tells where a body that passed the document's check does not fit
// its type: a number with a fraction or beyond 64 bits.
func undecodable(err error) error {
	var te *json.UnmarshalTypeError
	if !errors.As(err, &te) {
		return malformed("not_json")
	}
	at := "/" + strings.ReplaceAll(te.Field, ".", "/")
	return &aid.Error{Kind: aid.Invalid, Code: "invalid_content", Faults: []aid.Fault{{Pointer: at, Code: "wrong_type"}}}
}

// prepare names the request and its operation, and refuses addresses that
// cannot be anything of ours.
func (s *Server) prepare(c *gin.Context) {
	h := c.Writer.Header()
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", "no-store")
	op := s.doc.operation(c.Request.Method, c.FullPath())
	if op == nil {
		return
	}
	c.Set(ctxOperation, op)
	for _, p := range c.Params {
		if !plain(p.Value) {
			s.problems.write(c, aid.Refuse(aid.NotFound, "not_found"))
			return
		}
	}
}

// plain tells whether a part of an address can be an id, a reference or a code.
func plain(s string) bool {
	return len(s) <= 80 && strings.IndexFunc(s, func(r rune) bool { return r <= ' ' || r > '~' }) < 0
}

// observe gives every request an id, an end, a line in the log and a
// measurement. Query strings, bodies and addresses with their ids stay out of
// the log: the route says enough.
func (s *Server) observe(c *gin.Context) {
	begin := time.Now()
	id := postgres.NewID(aid.RequestID)
	c.Set(ctxRequestID, id)
	c.Header("X-Request-Id", id)
	ctx, cancel := context.WithTimeout(c.Request.Context(), s.doc.operation(c.Request.Method, c.FullPath()).limit())
	defer cancel()
	c.Request = c.Request.WithContext(ctx)
	defer func() {
		if v := recover(); v != nil {
			s.recovered(c, v)
		}
		s.logRequest(c, time.Since(begin))
	}()
	c.Next()
}

// recovered turns a panic into a 500. The value itself may hold anything and
// is not logged, unless the runtime made it.
func (s *Server) recovered(c *gin.Context, v any) {
	what := fmt.Sprintf("%T", v)
	if e, ok := v.(interface{ RuntimeError() }); ok {
		what = fmt.Sprint(e)
	}
	s.log.Error("panic", "request_id", requestID(c), "operation", operationID(c), "what", what, "stack", string(debug.Stack()))
	c.Abort()
	if !c.Writer.Written() {
		s.problems.write(c, errors.New("panic"))
	}
}

func (s *Server) logRequest(c *gin.Context, took time.Duration) {
	status := c.Writer.Status()
	op := operationID(c)
	s.seconds.WithLabelValues(op, strconv.Itoa(status)).Observe(took.Seconds())
	level := slog.LevelInfo
	if o := operationOf(c); o != nil && o.Tag == "meta" {
		level = slog.LevelDebug
	}
	attrs := []any{"request_id", requestID(c), "method", method(c.Request.Method), "route", c.FullPath(), "operation", op, "status", status,
		"ms", float64(took.Microseconds()) / 1000, "bytes", max(c.Writer.Size(), 0)}
	if caller := callerOf(c); caller != nil {
		attrs = append(attrs, "caller", caller.Actor())
	}
	s.log.Log(c.Request.Context(), level, "request", attrs...)
}

// method keeps invented methods out of the log.
func method(m string) string {
	switch m {
	case http.MethodGet, http.MethodPost, http.MethodPatch, http.MethodPut, http.MethodDelete, http.MethodHead, http.MethodOptions:
		return m
	}
	return "other"
}
