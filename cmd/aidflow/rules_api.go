package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/internal/postgres"
	"github.com/aidflow/aidflow/internal/stack"
)

// apiFlags say which API a command of an administrator speaks to, and as whom.
type apiFlags struct {
	dir, url, as *string
}

func newAPIFlags(cmd *cobra.Command, as string) apiFlags {
	return apiFlags{dir: dataDirFlag(cmd), url: cmd.Flags().String("api", "", "URL of the API; the running development stack when left out"),
		as: cmd.Flags().String("as", as, "user of the development stack; elsewhere a token comes from AIDFLOW_TOKEN")}
}

// call posts a body as JSON and reads the answer into out. A refusal becomes an
// error with a line for each fault.
func (f apiFlags) call(ctx context.Context, lang, path string, body, out any) error {
	base, token := *f.url, os.Getenv("AIDFLOW_TOKEN")
	if base == "" {
		state, err := stack.ReadState(*f.dir)
		if err != nil {
			return errors.New("no development stack runs here (make dev): name the API with --api")
		}
		base = state.API
	}
	if token == "" {
		var err error
		if token, err = stack.Token(*f.dir, *f.as, time.Now(), time.Hour); err != nil {
			return fmt.Errorf("no token in AIDFLOW_TOKEN: %w", err)
		}
	}
	raw, err := json.Marshal(body)
	if err != nil {
		return err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, strings.TrimSuffix(base, "/")+path, bytes.NewReader(raw))
	if err != nil {
		return err
	}
	r.Header.Set("Authorization", "Bearer "+token)
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Accept-Language", lang)
	r.Header.Set("Idempotency-Key", postgres.NewID(aid.RequestID))
	answer, err := (&http.Client{Timeout: time.Minute}).Do(r)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	raw, err = io.ReadAll(io.LimitReader(answer.Body, 32<<20))
	if err != nil {
		return err
	}
	if answer.StatusCode >= http.StatusMultipleChoices {
		return refusedBy(answer.StatusCode, raw)
	}
	return json.Unmarshal(raw, out)
}

// refusedBy reads a problem of the API.
func refusedBy(status int, raw []byte) error {
	var problem struct {
		Detail string `json:"detail"`
		Code   string `json:"code"`
		Errors []struct {
			Pointer   string `json:"pointer"`
			Parameter string `json:"parameter"`
			Line      int    `json:"line"`
			Message   string `json:"message"`
			Code      string `json:"code"`
		} `json:"errors"`
	}
	if json.Unmarshal(raw, &problem) != nil || problem.Code == "" {
		return fmt.Errorf("the API answers %d", status)
	}
	lines := []string{problem.Detail + " [" + problem.Code + "]"}
	for _, e := range problem.Errors {
		lines = append(lines, fmt.Sprintf("%d: %s: %s [%s]", e.Line, cmp.Or(e.Pointer, e.Parameter), e.Message, e.Code))
	}
	return errors.New(strings.Join(lines, "\n"))
}
