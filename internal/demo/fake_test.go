package demo

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"
)

// fakeAPI answers by "METHOD /path" with what a handler gives.
func fakeAPI(t *testing.T, handlers map[string]http.HandlerFunc) *client {
	t.Helper()
	mux := http.NewServeMux()
	for pattern, h := range handlers {
		mux.HandleFunc(pattern, h)
	}
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	return newClient(server.URL+"/", "en")
}

func answers(v any) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("ETag", `"7"`)
		_ = json.NewEncoder(w).Encode(v)
	}
}

func callerOf(c *client, name string) *caller {
	return &caller{client: c, name: name, bearer: "secret"}
}

// told is a teller whose words can be read.
func told(t *testing.T, lang string) (*teller, *bytes.Buffer) {
	t.Helper()
	var out bytes.Buffer
	teller, err := newTeller(Options{Lang: lang, Out: &out})
	if err != nil {
		t.Fatal(err)
	}
	return teller, &out
}
