// Package programme holds the rules of a kind of support as data: who may ask
// for what, who decides, in which instalments it is paid, and when somebody
// visits. A definition is versioned and pinned to the case that it governs.
package programme

import (
	"encoding/json"
	"time"

	"github.com/aidflow/aidflow/aid"
	"github.com/santhosh-tekuri/jsonschema/v6"
)

// Definition is one version of a programme. It is made by Parse only (also
// behind json.Unmarshal), never changes and may be used by several goroutines.
type Definition struct {
	Code          string `json:"code"`
	Version       int    `json:"version"`                // from 1
	EffectiveFrom string `json:"effective_from"`         // local date, 2026-01-01
	EffectiveTo   string `json:"effective_to,omitempty"` // local date, exclusive; "": without end
	Titles        Titles `json:"titles"`
	Currency      string `json:"currency"`  // ISO 4217
	TimeZone      string `json:"time_zone"` // IANA; of business dates and visits
	Calendar      string `json:"calendar"`  // code of the working calendar
	Ceiling       int64  `json:"ceiling"`   // minor units; the most that may be asked for

	// Form is the JSON Schema (2020-12) of a request's answers; its
	// examples[0] is complete and valid.
	Form json.RawMessage `json:"form"`
	// ExampleRequest is a complete body of POST /v1/cases without external_id
	// and area, which depend on the caller.
	ExampleRequest json.RawMessage `json:"example_request"`

	MeansTest   string            `json:"means_test,omitempty"` // code of a means test; "": none
	Eligibility []EligibilityRule `json:"eligibility,omitempty"`
	Hits        map[string]Effect `json:"hits,omitempty"` // by kind of hit; see HitEffect
	Repeat      []RepeatRule      `json:"repeat,omitempty"`
	Visit       *VisitRule        `json:"visit,omitempty"`   // nil: a visit without a form
	Award       *AwardRule        `json:"award,omitempty"`   // nil: what was requested, up to the ceiling
	Posting     *Posting          `json:"posting,omitempty"` // nil: no public posting

	Documents   []Document  `json:"documents"`
	Checks      []Check     `json:"checks"`
	Payees      []string    `json:"payees"`
	Matrix      []Range     `json:"matrix"`
	Instalments []Tranche   `json:"tranches"`
	Milestones  []Milestone `json:"milestones"`
	FollowUp    []Visit     `json:"follow_up"`

	Deadlines map[string]Period `json:"deadlines"` // working days by kind of task, and "default"
	Stalled   Stalled           `json:"stalled"`

	// Deadlines of stages and of the case are working days of the office: they
	// stand still while the household, the partner, a register or a fund is
	// awaited.
	StageDeadlines map[string]Period `json:"stage_deadlines,omitempty"` // by stage; none: no limit
	CaseDeadline   Period            `json:"case_deadline,omitzero"`    // from the submit to the last payment
	Escalation     []Rung            `json:"escalation,omitempty"`      // what happens to late work; empty: see Ladder

	MaxReturns  int                 `json:"max_returns"`
	StartWithin Period              `json:"start_within"`         // calendar time from award to first evidence; zero: no limit
	Reasons     map[string][]Reason `json:"reasons"`              // by action
	Conditions  []Reason            `json:"conditions,omitempty"` // what an approval may make the money wait for
	BulkUpTo    *int64              `json:"bulk_up_to,omitempty"` // minor units; above it nothing is approved in a batch. nil: no limit but the batch's
	Funds       []string            `json:"funds"`                // in order; empty: the fund of the area
	Papers      []Paper             `json:"papers,omitempty"`

	loc         *time.Location
	schema      *jsonschema.Schema
	visitSchema *jsonschema.Schema
	rules       compiled
	text        string // what it was parsed from
	hints       []aid.Fault
}

// Titles are the names of a thing for people, by language: vi, en, id.
type Titles map[string]string

// In gives the title in a language, in English when there is none.
func (t Titles) In(lang string) string {
	if title, ok := t[lang]; ok {
		return title
	}
	return t["en"]
}

// Document is a paper that a request lists.
type Document struct {
	Kind     string `json:"kind"`
	Titles   Titles `json:"titles"`
	Required bool   `json:"required"`
}

// CheckKind names an automated check.
type CheckKind string

// The automated checks.
const (
	CheckRegister  CheckKind = "register"  // is the household on the register of the poor
	CheckIdentity  CheckKind = "identity"  // does the id number fit birth date and sex
	CheckDuplicate CheckKind = "duplicate" // same person or household in another case
	CheckDocuments CheckKind = "documents" // are the required papers listed

	CheckEligibility CheckKind = "eligibility" // do the facts pass the programme's rules
	CheckConsistency CheckKind = "consistency" // do birth date, sex, phone and household fit each other
	CheckExternal    CheckKind = "external"    // what another office's register says
)

// Check is an automated check that the programme wants. A failing check
// informs a person; only a final one rejects by itself.
type Check struct {
	Kind     CheckKind `json:"kind"`
	Register string    `json:"register,omitempty"` // kind external: the register's configured name
	Final    bool      `json:"final"`
}

// Mode says how a level decides.
type Mode string

// The modes of a level.
const (
	ModeAny       Mode = "any"       // one approver of the level
	ModeNOfM      Mode = "n_of_m"    // N approvers of the level agree
	ModeCommittee Mode = "committee" // majority of the votes cast, with a quorum
)

// Level is one step of the approval. Name is the name of an area level
// ("commune", "province"), never a depth.
type Level struct {
	Name         string     `json:"name"`
	Mode         Mode       `json:"mode"`
	N            int        `json:"n,omitempty"`             // mode n_of_m: how many must agree
	Quorum       int        `json:"quorum,omitempty"`        // mode committee: how many must take part
	Chair        bool       `json:"chair,omitempty"`         // mode committee: the chair must take part
	Decides      string     `json:"decides,omitempty"`       // mode committee: majority (default), unanimity
	Tie          string     `json:"tie,omitempty"`           // mode committee by majority: chair (default), rejected, open
	OneRejection string     `json:"one_rejection,omitempty"` // veto, vote; n_of_m: veto, committee: vote when left out
	Limit        int64      `json:"limit,omitempty"`         // minor units; the most that the level may approve, 0: no limit
	Parallel     bool       `json:"parallel,omitempty"`      // asked together with the level before it
	Skip         Expression `json:"skip,omitempty"`          // bool over the facts; true: the level is not asked
}

// Range is a row of the approval matrix: it holds for amounts up to and
// including UpTo, in cases whose area has one of AreaLevels. The first row that
// fits decides. The last row has no UpTo, or the ceiling.
type Range struct {
	UpTo       *int64   `json:"up_to"`
	AreaLevels []string `json:"area_levels,omitempty"` // of the case's own area; empty: every level
	Levels     []Level  `json:"levels"`
}

// Tranche is one instalment of every award of the programme.
type Tranche struct {
	Share     Share  `json:"share"`
	Milestone string `json:"milestone,omitempty"` // "": due at once
	Titles    Titles `json:"titles"`
}

// Milestone is what must be seen before a tranche is paid.
type Milestone struct {
	Code   string `json:"code"`
	Titles Titles `json:"titles"`
}

// Visit is a visit after the last payment.
type Visit struct {
	After Period `json:"after"`
}

// Stalled says when a partner who owes an answer is reminded, and when a
// person decides what becomes of the case. Calendar time from the return.
type Stalled struct {
	Remind []Period `json:"remind"`
	Decide Period   `json:"decide"`
}

// Reason is a coded reason of a decision.
type Reason struct {
	Code   string `json:"code"`
	Titles Titles `json:"titles"`
}
