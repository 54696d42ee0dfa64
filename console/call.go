package console

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"

	"github.com/gin-gonic/gin"

	"github.com/aidflow/aidflow/api"
)

// refusal is what the API answered in place of what was asked for.
type refusal struct{ api.Problem }

// Error gives the sentence for people.
func (r *refusal) Error() string { return r.Detail }

// request is one call of the API in the name of whoever is signed in.
type request struct {
	method, path string
	query        url.Values
	body         any
	etag, key    string // If-Match and Idempotency-Key
}

// call makes a call of the API, in process: the pages have no rules of their
// own. It gives the ETag of the answer.
//
// Errors: *refusal for every answer from 400 on.
func (c *console) call(ctx *gin.Context, r request, out any) (etag string, err error) {
	var body bytes.Buffer
	if r.body != nil {
		if err := json.NewEncoder(&body).Encode(r.body); err != nil {
			return "", err
		}
	}
	address := url.URL{Path: r.path, RawQuery: r.query.Encode()}
	req, err := http.NewRequestWithContext(ctx.Request.Context(), r.method, address.String(), &body)
	if err != nil {
		return "", err
	}
	req.RemoteAddr = ctx.Request.RemoteAddr
	token, _ := ctx.Cookie(sessionCookie)
	req.Header.Set("Authorization", "Bearer "+token)
	req.Header.Set("Accept-Language", c.language(ctx))
	for name, value := range map[string]string{"If-Match": r.etag, "Idempotency-Key": r.key} {
		if value != "" {
			req.Header.Set(name, value)
		}
	}
	if r.body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	w := answer{header: http.Header{}, status: http.StatusOK}
	c.server.ServeHTTP(&w, req)
	if w.status >= http.StatusBadRequest {
		said := &refusal{}
		if err := json.Unmarshal(w.body.Bytes(), &said.Problem); err != nil {
			return "", errors.New("an answer that is no problem document")
		}
		return "", said
	}
	if out != nil && w.body.Len() > 0 {
		err = json.Unmarshal(w.body.Bytes(), out)
	}
	return w.header.Get("ETag"), err
}

// answer keeps what the API writes.
type answer struct {
	header http.Header
	status int
	body   bytes.Buffer
}

// Header, WriteHeader and Write make it an http.ResponseWriter.
func (a *answer) Header() http.Header         { return a.header }
func (a *answer) WriteHeader(status int)      { a.status = status }
func (a *answer) Write(b []byte) (int, error) { return a.body.Write(b) }

// get reads a resource.
func (c *console) get(ctx *gin.Context, path string, query url.Values, out any) (etag string, err error) {
	return c.call(ctx, request{method: http.MethodGet, path: path, query: query}, out)
}

// fail shows why a page cannot be shown; who is not signed in is sent to sign
// in, and comes back to it.
func (c *console) fail(ctx *gin.Context, err error) {
	var said *refusal
	if !errors.As(err, &said) {
		c.server.Fail(ctx, err)
		return
	}
	if said.Status == http.StatusUnauthorized {
		to := "/inbox"
		if ctx.Request.Method == http.MethodGet {
			to = ctx.Request.URL.RequestURI()
		}
		ctx.Redirect(http.StatusSeeOther, "/sign-in?to="+url.QueryEscape(to))
		return
	}
	c.show(ctx, said.Status, "refused", page{Title: said.Title, Refusal: said})
}
