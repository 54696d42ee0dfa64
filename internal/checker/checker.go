// Package checker is the second opinion on the fund's money: it reads what is
// in PostgreSQL, what the rail wrote into its own books and what runs in
// Temporal, and reports every law that is broken. It shares no code with the
// program that keeps these laws, reads with a role that can change nothing and
// sees nothing personal, and repairs nothing.
package checker

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"go.temporal.io/sdk/client"
)

// Finding is one broken law at one place. It holds ids, codes and amounts, and
// nothing personal.
type Finding struct {
	Law     string `json:"law"`              // code of the law, see Laws
	Subject string `json:"subject"`          // id of what breaks it
	Detail  string `json:"detail,omitempty"` // amounts in minor units, states
}

// Report is the outcome of one check.
type Report struct {
	AsOf      time.Time      `json:"as_of"` // instant of the snapshot of PostgreSQL
	Looked    map[string]int `json:"looked"`
	Findings  []Finding      `json:"findings"`
	NotLooked []string       `json:"not_looked"` // parts that were not given: "rail", "workflows"
}

// Config says where to look. Rail and Temporal may be left out; the report
// says so.
type Config struct {
	Database string // URL; its login may become aidflow_check
	Rail     *Rail
	Temporal client.Client
	Grace    time.Duration // how long something may be under way before it counts as stuck; 0: an hour
}

// Law is something that always holds.
type Law struct {
	Code string // stable
	Says string // what always holds
	sql  string // gives subject and detail of each breach; $1 is the grace in seconds
}

// Laws lists everything that is checked, in the order of the report.
func Laws() []Law {
	return slices.Concat(ledgerLaws, paymentLaws, approvalLaws, caseLaws, railLaws, workflowLaws)
}

// Check looks once and changes nothing. PostgreSQL is read in one snapshot;
// what seems broken beside a rail or an engine that goes on meanwhile is looked
// at again in a new one before it is reported.
//
// Errors: PostgreSQL, the rail or Temporal does not answer, or the login may
// not become aidflow_check. An error is no verdict.
func Check(ctx context.Context, cfg Config) (*Report, error) {
	if cfg.Grace == 0 {
		cfg.Grace = time.Hour
	}
	db, err := open(cfg.Database)
	if err != nil {
		return nil, err
	}
	defer func() { _ = db.Close() }()
	out := &Report{Findings: []Finding{}, NotLooked: []string{}}
	state := &state{}
	err = db.snapshot(ctx, func(s *snapshot) error {
		if err := s.one(ctx, `SELECT now()`, &out.AsOf); err != nil {
			return err
		}
		if err := s.laws(ctx, cfg.Grace, out); err != nil {
			return err
		}
		return state.read(ctx, s, out)
	})
	if err != nil {
		return nil, err
	}
	return out, errors.Join(lookAtRail(ctx, cfg, db, state, out), lookAtWorkflows(ctx, cfg, db, state, out))
}

// Clean tells whether nothing is broken.
func (r *Report) Clean() bool { return len(r.Findings) == 0 }

// Laws gives the codes of the broken laws, each once, sorted.
func (r *Report) Laws() []string {
	var codes []string
	for _, f := range r.Findings {
		codes = append(codes, f.Law)
	}
	slices.Sort(codes)
	return slices.Compact(codes)
}

func (r *Report) found(law, subject string, detail ...string) {
	r.Findings = append(r.Findings, Finding{Law: law, Subject: subject, Detail: strings.Join(detail, " ")})
}
