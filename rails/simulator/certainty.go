package simulator

import (
	"errors"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/aidflow/aidflow/rails"
)

// callError judges a call without an answer. The URL is taken off the error.
// Go resends a POST by itself only when nothing of it was written, so a failed
// dial proves that the rail saw nothing.
func callError(err error, connected bool) error {
	var u *url.Error
	if errors.As(err, &u) {
		err = u.Err
	}
	var op *net.OpError
	if !connected || (errors.As(err, &op) && op.Op == "dial") {
		return &rails.Error{Certainty: rails.NotExecuted, Code: rails.CodeUnreachable, Cause: err}
	}
	return &rails.Error{Certainty: rails.Unknown, Code: rails.CodeNoAnswer, Cause: err}
}

// refusal is the switch from an answer that is not a status to a certainty. A
// refusal counts only in the rail's own form, with the HTTP status that belongs
// to its code: a proxy's 409 or 429 proves nothing about the rail.
func refusal(res *http.Response, body []byte) error {
	if c := res.StatusCode; c == http.StatusOK || c == http.StatusCreated || c == http.StatusNoContent {
		return nil
	}
	var p problem
	if decodeStrict(body, &p) != nil || p.Status != res.StatusCode {
		if res.StatusCode == http.StatusNotFound {
			return nil // an answer about a key, or no answer at all: statusOf reads it
		}
		return byStatus(res.StatusCode)
	}
	e := &rails.Error{Code: p.Code, Field: p.Field}
	switch {
	case p.Code == rails.CodeKeyConflict && p.Status == http.StatusConflict,
		p.Code == rails.CodeInvalidInstruction && p.Status == http.StatusUnprocessableEntity:
		e.Certainty = rails.Never
	case p.Code == rails.CodeUnauthorized && p.Status == http.StatusUnauthorized,
		p.Code == rails.CodeRateLimited && p.Status == http.StatusTooManyRequests:
		e.Certainty = rails.NotExecuted
		e.RetryAfter = retryAfter(res.Header)
	default:
		return byStatus(res.StatusCode)
	}
	return e
}

func byStatus(status int) error {
	code := rails.CodeNotUnderstood
	if status >= 500 {
		code = rails.CodeRailFault
	}
	return &rails.Error{Certainty: rails.Unknown, Code: code, Field: "http_" + strconv.Itoa(status)}
}

func retryAfter(h http.Header) time.Duration {
	n, err := strconv.Atoi(h.Get("Retry-After"))
	if err != nil || n < 0 || n > 3600 {
		return 0
	}
	return time.Duration(n) * time.Second
}

// statusOf reads a status from an answer with one of the HTTP codes that may
// carry one.
func statusOf(code int, body []byte, allowed ...int) (rails.Status, error) {
	for _, a := range allowed {
		if a != code {
			continue
		}
		var s rails.Status
		if decodeStrict(body, &s) != nil {
			return rails.Status{}, malformedAnswer()
		}
		return s, nil
	}
	return rails.Status{}, byStatus(code)
}

func malformedAnswer() error {
	return &rails.Error{Certainty: rails.Unknown, Code: rails.CodeMalformedAnswer}
}
