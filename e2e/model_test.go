package e2e

import (
	"encoding/json"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aidflow/aidflow/internal/postgres"
)

// What the tests read of the resources of api/openapi.yaml.

type money struct {
	Amount   int64  `json:"amount"`
	Currency string `json:"currency"`
}

func vnd(amount int64) money { return money{amount, "VND"} }

type caseView struct {
	ID         string `json:"id"`
	Reference  string `json:"reference"`
	ExternalID string `json:"external_id"`
	Programme  string `json:"programme"`
	Area       string `json:"area"`
	Status     string `json:"status"`
	Stage      string `json:"stage"`
	Approved   money  `json:"approved"`
	Requested  money  `json:"requested"`
	NextAction struct {
		Who  string `json:"who"`
		What string `json:"what"`
		Task string `json:"task"`
	} `json:"next_action"`
	Parked bool `json:"parked"`
}

type task struct {
	ID      string `json:"id"`
	Kind    string `json:"kind"`
	Status  string `json:"status"`
	Level   string `json:"level"`
	Outcome string `json:"outcome"`
	Blocked string `json:"blocked"`

	Assignee string `json:"assignee"`

	Case struct {
		ID string `json:"id"`
	} `json:"case"`
	AllowedActions []string `json:"allowed_actions"`
	Forms          map[string]struct {
		Example map[string]any `json:"example"`
	} `json:"forms"`
}

// answer is a decision with what its form asks for besides the action.
func (t task) answer(action string) map[string]any {
	body := map[string]any{"action": action}
	if data, ok := t.Forms[action].Example["data"]; ok && action != "return" {
		body["data"] = data
	}
	return body
}

func (t task) open() bool { return t.Status == "open" || t.Status == "claimed" }

type decision struct {
	ID          string `json:"id"`
	Status      string `json:"status"`
	Result      string `json:"result"`
	RefusalCode string `json:"refusal_code"`
	DecidedBy   string `json:"decided_by"`

	Action    string    `json:"action"`
	AppliedAt time.Time `json:"applied_at"`
}

type payment struct {
	ID       string `json:"id"`
	Case     string `json:"case"`
	Award    string `json:"award"`
	Fund     string `json:"fund"`
	Tranche  int    `json:"tranche"`
	N        int    `json:"n"`
	Amount   money  `json:"amount"`
	Status   string `json:"status"`
	Attempts []struct {
		Status string `json:"status"`
	} `json:"attempts"`
}

type fund struct {
	ID           string `json:"id"`
	Code         string `json:"code"`
	Area         string `json:"area"`
	Budget       money  `json:"budget"`
	Raised       money  `json:"raised"`
	Reserved     money  `json:"reserved"`
	InTransit    money  `json:"in_transit"`
	Spent        money  `json:"spent"`
	Available    money  `json:"available"`
	Room         money  `json:"room"`
	WaitingCases int    `json:"waiting_cases"`
}

type visit struct {
	N      int       `json:"n"`
	DueAt  time.Time `json:"due_at"`
	Status string    `json:"status"`
	Task   string    `json:"task"`
}

// request is the body of POST /v1/cases; tests change members of it.
type request map[string]any

// households counts those that were given out, so that no two requests of a
// run are for the same person. The first ones are in the register.
var households atomic.Int64

// newRequest is a complete and valid request of a programme by a household
// that has none yet, made from the programme's own example.
func newRequest(t *testing.T, s *stack, programme string) request {
	t.Helper()
	p := get[struct {
		Example request `json:"example_request"`
	}](t, s.partner(t), "/v1/programmes/"+programme)
	i := int(households.Add(1)) - 1
	family := postgres.DevelopmentHousehold(i)
	person := func(p postgres.DevelopmentPerson) map[string]any {
		return map[string]any{"full_name": p.FullName, "national_id": p.NationalID, "birth_date": p.BirthDate, "sex": p.Sex}
	}
	child := person(family[2])
	child["relation"] = "child"
	r := p.Example
	r["applicant"] = person(family[0])
	r["household"] = map[string]any{"code": family[0].HouseholdCode, "members": []any{child}}
	r["area"] = family[0].Area
	r["external_id"] = fmt.Sprintf("e2e-%d", i)
	return r
}

// with gives a copy with other members at the top; nil removes one.
func (r request) with(changes request) request {
	out := r.clone()
	for name, value := range changes {
		if value == nil {
			delete(out, name)
			continue
		}
		out[name] = value
	}
	return out
}

// clone copies a request as deep as JSON goes.
func (r request) clone() request {
	raw, _ := json.Marshal(r)
	var out request
	_ = json.Unmarshal(raw, &out)
	return out
}

// in gives a member of the request that is an object itself.
func (r request) in(name string) map[string]any { return r[name].(map[string]any) }
