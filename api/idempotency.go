package api

import (
	"bytes"
	"context"
	"crypto/sha256"
	"net/http"
	"strings"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/internal/postgres"
)

const headerReplayed = "Idempotent-Replayed"

// idempotent gives copies of one request one effect and one answer. Answers
// of success are kept; a refusal frees the key, because the same request may
// succeed once the caller has put right what was wrong.
func (s *Server) idempotent(c *gin.Context) {
	op, key := operationOf(c), c.GetHeader(headerKey)
	if op == nil || !op.TakesKey || key == "" {
		return
	}
	scope := postgres.IdemScope{Caller: callerOf(c).Actor(), Route: op.ID, Key: key, Fingerprint: fingerprint(c)}
	fresh := strings.TrimPrefix(postgres.NewID(aid.RequestID), string(aid.RequestID))
	answer, err := s.store.BeginIdempotent(c.Request.Context(), scope, fresh)
	if err != nil {
		s.problems.write(c, err)
		return
	}
	if answer.Done {
		replay(c, answer)
		return
	}
	c.Set(ctxResource, answer.ResourceID)
	s.record(c, scope)
}

// record runs the rest of the request and keeps what it answers.
func (s *Server) record(c *gin.Context, scope postgres.IdemScope) {
	rec := &recorder{ResponseWriter: c.Writer}
	c.Writer = rec
	finished := false
	defer func() {
		// The caller may have gone: its key is settled all the same.
		ctx, cancel := context.WithTimeout(context.WithoutCancel(c.Request.Context()), 5*time.Second)
		defer cancel()
		if err := s.settle(ctx, scope, rec, finished); err != nil {
			s.log.Error("idempotency key not settled", "request_id", requestID(c), "error", err.Error())
		}
	}()
	c.Next()
	finished = true
}

// settle keeps an answer of success and frees the key of a refusal. After a
// fault of ours nobody knows what happened: the key stays taken, and the next
// copy after a minute takes over under the same resource id.
func (s *Server) settle(ctx context.Context, scope postgres.IdemScope, rec *recorder, finished bool) error {
	switch status := rec.Status(); {
	case !finished || status >= http.StatusInternalServerError:
		return nil
	case status < http.StatusMultipleChoices:
		return s.store.FinishIdempotent(ctx, scope, rec.answer())
	default:
		return s.store.AbandonIdempotent(ctx, scope)
	}
}

// fingerprint tells requests of one key apart: method, path and body.
func fingerprint(c *gin.Context) []byte {
	h := sha256.New()
	h.Write([]byte(c.Request.Method + "\n" + c.Request.URL.Path + "\n"))
	body, _ := c.Value(ctxBody).([]byte)
	h.Write(body)
	return h.Sum(nil)
}

// kept are the headers that belong to a stored answer.
var kept = [...]string{"Content-Type", "ETag", "Location"}

func replay(c *gin.Context, answer postgres.IdemAnswer) {
	c.Abort()
	for name, value := range answer.Header {
		c.Header(name, value)
	}
	c.Header(headerReplayed, "true")
	c.Status(answer.Status)
	_, _ = c.Writer.Write(answer.Body) // the caller has gone when this fails
}

// recorder keeps a copy of the body that goes out.
type recorder struct {
	gin.ResponseWriter
	body bytes.Buffer
}

// Write sends and keeps.
func (r *recorder) Write(b []byte) (int, error) {
	r.body.Write(b)
	return r.ResponseWriter.Write(b)
}

// WriteString sends and keeps.
func (r *recorder) WriteString(s string) (int, error) {
	r.body.WriteString(s)
	return r.ResponseWriter.WriteString(s)
}

func (r *recorder) answer() postgres.IdemAnswer {
	header := map[string]string{}
	for _, name := range kept {
		if v := r.Header().Get(name); v != "" {
			header[name] = v
		}
	}
	return postgres.IdemAnswer{Status: r.Status(), Header: header, Body: r.body.Bytes()}
}
