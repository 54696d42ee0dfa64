package api

import (
	"encoding/json"
	"errors"
	"log/slog"
	"maps"
	"net/http"
	"strconv"
	"time"

	"github.com/gin-gonic/gin"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/internal/postgres"
)

// problems is the one renderer of refusals: RFC 9457, in the caller's
// language, all faults at once, never the rejected value, and for a 5xx
// nothing about what broke.
type problems struct {
	texts *texts
	log   *slog.Logger
}

// statusOf is the one table from refusal to HTTP status: the kind decides, but
// for a few codes.
func statusOf(e *aid.Error) int {
	switch e.Code {
	case "malformed_json", "malformed_form", "upload_cut", "invalid_parameters", "idempotency_key_missing":
		return http.StatusBadRequest
	case "if_match_required":
		return http.StatusPreconditionRequired
	case "body_too_large", "import_too_large", "file_too_large", "statement_too_large":
		return http.StatusRequestEntityTooLarge
	case "unsupported_media_type", "import_media_type", "statement_media_type", "form_required", "unsupported_file_type":
		return http.StatusUnsupportedMediaType
	case "method_not_allowed":
		return http.StatusMethodNotAllowed
	}
	switch e.Kind {
	case aid.Invalid:
		return http.StatusUnprocessableEntity
	case aid.NotFound:
		return http.StatusNotFound
	case aid.Forbidden:
		return http.StatusForbidden
	case aid.Conflict:
		return http.StatusConflict
	case aid.Stale:
		return http.StatusPreconditionFailed
	case aid.Unauthorized:
		return http.StatusUnauthorized
	case aid.Unavailable, aid.Unknown:
		return http.StatusServiceUnavailable
	default:
		return http.StatusInternalServerError
	}
}

// write answers with the problem that an error stands for and ends the
// request. An error that is not an aid.Error is a fault of ours: 500.
func (p *problems) write(c *gin.Context, err error) {
	var e *aid.Error
	if !errors.As(err, &e) {
		e = &aid.Error{Code: "internal", Cause: err}
	}
	if e.Code == "invalid_cursor" { // as the store says it, which knows no parameters
		_ = errors.As(invalidParameters(parameterFault("cursor", e.Code)), &e)
	}
	e = namesFor(callerOf(c), e)
	status := statusOf(e)
	if status >= http.StatusInternalServerError {
		p.log.Error("request failed", "request_id", requestID(c), "operation", operationID(c), "code", e.Code, "error", err.Error())
	}
	p.headers(c, e, status)
	body, _ := json.Marshal(p.render(c, e, status)) // a struct of strings
	c.Abort()
	c.Data(status, "application/problem+json", body)
}

func (p *problems) headers(c *gin.Context, e *aid.Error, status int) {
	h := c.Writer.Header()
	h.Del("ETag")
	h.Set("Content-Language", p.texts.language(c.GetHeader("Accept-Language")))
	h.Add("Vary", "Accept-Language")
	switch {
	case status == http.StatusUnauthorized:
		h.Set("WWW-Authenticate", `Bearer realm="aidflow"`)
	case e.Params["retry_after"] != "":
		h.Set("Retry-After", e.Params["retry_after"])
	case status == http.StatusServiceUnavailable:
		h.Set("Retry-After", "2")
	}
}

func (p *problems) render(c *gin.Context, e *aid.Error, status int) Problem {
	lang := c.GetHeader("Accept-Language")
	out := Problem{
		Type:      "urn:aidflow:problem:" + e.Code,
		Title:     p.texts.say(lang, "title_"+strconv.Itoa(status), nil),
		Status:    status,
		Detail:    p.texts.say(lang, e.Code, e.Params),
		Code:      e.Code,
		RequestID: requestID(c),
	}
	if status == http.StatusConflict {
		out.Case = e.Params["case"]
	}
	out.Decided, out.Held = settled(e)
	for _, f := range e.Faults {
		out.Errors = append(out.Errors, p.fault(lang, f))
	}
	return out
}

// settled reads from a refusal who decided or has the task, what that person
// did, and when; nothing where the refusal names nobody.
func settled(e *aid.Error) (Decided, Held) {
	at, err := time.Parse(time.RFC3339, e.Params["at"])
	switch {
	case e.Params["by"] == "" || err != nil:
		return Decided{}, Held{}
	case e.Code == "task_claimed":
		return Decided{}, Held{By: e.Params["by"], Action: HeldAction(e.Params["action"]), At: at}
	}
	return Decided{By: e.Params["by"], Action: Action(e.Params["action"]), At: at}, Held{}
}

// namesFor leaves out of a refusal whom a partner is not to be told: it hears
// of itself and of no member of staff.
func namesFor(caller *postgres.Caller, e *aid.Error) *aid.Error {
	if caller == nil || !caller.Partner() || e.Params["by"] == "" || e.Params["by"] == caller.Actor() {
		return e
	}
	out := *e
	out.Params = maps.Clone(e.Params)
	for _, name := range []string{"by", "action", "at"} {
		delete(out.Params, name)
	}
	return &out
}

// fault renders one fault. A fault of a parameter or header carries its name
// as the param "parameter"; all others point into the body.
func (p *problems) fault(lang string, f aid.Fault) Fault {
	out := Fault{Code: f.Code, Message: p.texts.say(lang, f.Code, f.Params)}
	out.Line, _ = strconv.Atoi(f.Params["line"])
	if name, ok := f.Params["parameter"]; ok {
		out.Parameter = name
	} else {
		out.Pointer = f.Pointer
	}
	return out
}

func parameterFault(name, code string) aid.Fault {
	return aid.Fault{Code: code, Params: map[string]string{"parameter": name}}
}

func invalidParameters(faults ...aid.Fault) error {
	return &aid.Error{Kind: aid.Invalid, Code: "invalid_parameters", Faults: faults}
}
