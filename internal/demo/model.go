package demo

import (
	"time"

	"github.com/aidflow/aidflow/aid/money"
)

// What the demonstration reads and writes of the resources of
// api/openapi.yaml, which explains each field.

type person struct {
	FullName   string `json:"full_name"`
	NationalID string `json:"national_id,omitempty"`
	BirthDate  string `json:"birth_date,omitempty"`
	Sex        string `json:"sex,omitempty"`
	Phone      string `json:"phone,omitempty"`
	Address    string `json:"address,omitempty"`
	Relation   string `json:"relation,omitempty"`
}

type householdNew struct {
	Code    string   `json:"code"`
	Members []person `json:"members,omitempty"`
}

type payee struct {
	Kind          string `json:"kind"`
	Method        string `json:"method"`
	BankBIN       string `json:"bank_bin"`
	AccountNumber string `json:"account_number"`
	AccountName   string `json:"account_name"`
}

type consent struct {
	Purposes []string  `json:"purposes"`
	GivenAt  time.Time `json:"given_at"`
	Method   string    `json:"method"`
}

type paper struct {
	Kind     string `json:"kind"`
	Dated    string `json:"dated"`
	Location string `json:"location"`
}

type caseNew struct {
	Programme   string         `json:"programme"`
	ExternalID  string         `json:"external_id"`
	Area        string         `json:"area"`
	Applicant   person         `json:"applicant"`
	Household   householdNew   `json:"household"`
	SubmittedBy string         `json:"submitted_by"`
	Urgent      bool           `json:"urgent"`
	Payee       payee          `json:"payee"`
	Requested   money.Money    `json:"requested"`
	Answers     map[string]any `json:"answers"`
	Documents   []paper        `json:"documents"`
	Consent     consent        `json:"consent"`
}

type validation struct {
	Valid            bool     `json:"valid"`
	Errors           []fault  `json:"errors"`
	MissingDocuments []string `json:"missing_documents"`
}

type information struct {
	SubmittedBy string  `json:"submitted_by"`
	Note        string  `json:"note,omitempty"`
	Documents   []paper `json:"documents,omitempty"`
}

type nextAction struct {
	Who   string    `json:"who"`
	Level string    `json:"level"`
	Task  string    `json:"task"`
	What  string    `json:"what"`
	By    time.Time `json:"by"`
}

type caseView struct {
	ID         string      `json:"id"`
	Reference  string      `json:"reference"`
	ExternalID string      `json:"external_id"`
	Programme  string      `json:"programme"`
	Area       string      `json:"area"`
	Status     string      `json:"status"`
	Stage      string      `json:"stage"`
	Requested  money.Money `json:"requested"`
	Approved   money.Money `json:"approved"`
	NextAction nextAction  `json:"next_action"`
}

type wait struct {
	Stage    string    `json:"stage"`
	Owner    string    `json:"owner"`
	Paused   bool      `json:"paused"`
	From     time.Time `json:"from"`
	To       time.Time `json:"to"`
	Working  string    `json:"working"`
	Calendar string    `json:"calendar"`
}

type caseState struct {
	Status string    `json:"status"`
	Now    time.Time `json:"now"`
	Waits  []wait    `json:"waits"`
}

type caseClock struct {
	Now time.Time `json:"now"`
}

type timelineEntry struct {
	At          time.Time      `json:"at"`
	Type        string         `json:"type"`
	Actor       string         `json:"actor"`
	ActorKind   string         `json:"actor_kind"`
	Behalf      string         `json:"on_behalf_of"`
	TaskKind    string         `json:"task_kind"`
	RuleVersion int            `json:"rule_version"`
	Data        map[string]any `json:"data"`
}

type task struct {
	ID             string   `json:"id"`
	Kind           string   `json:"kind"`
	Status         string   `json:"status"`
	Level          string   `json:"level"`
	AllowedActions []string `json:"allowed_actions"`
	Blocked        string   `json:"blocked"`
	Subject        string   `json:"subject"`
	PhotosNeeded   int      `json:"photos_needed"`
	Forms          map[string]struct {
		Example decisionNew `json:"example"`
	} `json:"forms"`
	Findings []struct {
		Finding  string `json:"finding"`
		Title    string `json:"title"`
		Effect   string `json:"effect"`
		Override struct {
			By string `json:"by"`
		} `json:"override"`
	} `json:"findings"`
	Visits []struct {
		Differences []struct {
			Field    string `json:"field"`
			Declared any    `json:"declared"`
			Seen     any    `json:"seen"`
		} `json:"differences"`
	} `json:"visits"`
}

type decisionNew struct {
	Action     string         `json:"action"`
	ReasonCode string         `json:"reason_code,omitempty"`
	Note       string         `json:"note,omitempty"`
	Data       map[string]any `json:"data,omitempty"`
}

type decision struct {
	ID          string `json:"id"`
	Status      string `json:"status"`
	Result      string `json:"result"`
	RefusalCode string `json:"refusal_code"`
}

type attempt struct {
	N       int       `json:"n"`
	Status  string    `json:"status"`
	Code    string    `json:"code"`
	At      time.Time `json:"at"`
	EndedAt time.Time `json:"ended_at"`
}

type payment struct {
	ID         string      `json:"id"`
	Tranche    int         `json:"tranche"`
	N          int         `json:"n"`
	Amount     money.Money `json:"amount"`
	Rail       string      `json:"rail"`
	Status     string      `json:"status"`
	ReasonCode string      `json:"reason_code"`
	Milestone  string      `json:"milestone"`
	RetryOf    string      `json:"retry_of"`
	EndedAt    time.Time   `json:"ended_at"`
	Attempts   []attempt   `json:"attempts"`
}

type followUp struct {
	N      int       `json:"n"`
	DueAt  time.Time `json:"due_at"`
	Status string    `json:"status"`
}

type fund struct {
	ID        string      `json:"id"`
	Code      string      `json:"code"`
	Name      string      `json:"name"`
	Area      string      `json:"area"`
	Budget    money.Money `json:"budget"`
	Raised    money.Money `json:"raised"`
	Reserved  money.Money `json:"reserved"`
	InTransit money.Money `json:"in_transit"`
	Spent     money.Money `json:"spent"`
	Available money.Money `json:"available"`
	Room      money.Money `json:"room"`
}

type fundNew struct {
	Code   string            `json:"code"`
	Name   string            `json:"name"`
	Area   string            `json:"area"`
	Budget money.Money       `json:"budget"`
	Rails  map[string]string `json:"rails"`
}

type contributionNew struct {
	Amount     money.Money `json:"amount"`
	ReceivedOn string      `json:"received_on"`
	Donor      string      `json:"donor"`
	ExternalID string      `json:"external_id"`
}

type ledgerEntry struct {
	Set     string `json:"set"`
	Account string `json:"account"`
	Amount  int64  `json:"amount"`
}

type transaction struct {
	ID      string        `json:"id"`
	Kind    string        `json:"kind"`
	Entries []ledgerEntry `json:"entries"`
}

type programme struct {
	Code    string            `json:"code"`
	Titles  map[string]string `json:"titles"`
	Version int               `json:"version"`
	Example caseNew           `json:"example_request"`
}

type whoami struct {
	ID    string   `json:"id"`
	Name  string   `json:"name"`
	Roles []string `json:"roles"`
	Areas []string `json:"areas"`
	Mode  string   `json:"mode"`
}
