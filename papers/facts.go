package papers

import (
	"encoding/json"
	"time"
)

// Facts is what the papers of a case tell, in clear text: it lives in memory
// only. What is not known stays empty and is printed as a line to write on.
type Facts struct {
	Masked bool // names, numbers and answers were left out; the paper says so

	Reference   string // "" for a draft
	Area        string // name of the commune
	Province    string // name of the area at the top
	Fund        string // name of the fund that pays, or would pay
	Partner     string
	SubmittedBy string
	Urgent      bool

	Applicant Person
	Household string // code of the register
	Members   []Person
	Payee     Payee
	Answers   json.RawMessage
	Documents []Document
	Consent   Consent

	Requested int64 // minor units of Currency
	Amount    int64 // granted; 0 until then
	Currency  string

	CreatedAt   time.Time
	SubmittedAt time.Time // zero for a draft

	Visits    []Visit
	Committee *Committee
	Overrides []Override // what the approvers went past
	Decision  *Decision
	Tranches  []Tranche // of the award
	Payment   *Payment  // that the voucher is for
}

// Person is the applicant or a member of the household.
type Person struct {
	FullName, NationalID, BirthDate, Sex, Phone, Address, Relation string
}

// Payee is who receives the money.
type Payee struct {
	Kind, Method, BankBIN, AccountNumber, AccountName string
}

// Document is a paper that the request lists.
type Document struct {
	Kind, Title, Dated, Location string
}

// Consent is what the applicant has agreed to.
type Consent struct {
	Purposes []string
	Method   string
	GivenAt  time.Time
}

// Visit is what one verifier has recorded of a visit to the household.
type Visit struct {
	Decision string // id
	By       string
	At       time.Time
	Seen     json.RawMessage // fields of the programme's form of the visit
	Photos   int
	Note     string
}

// Committee is how a committee has voted.
type Committee struct {
	Level, Area string
	Quorum      int
	ChairNeeded bool
	Unanimity   bool   // of the votes cast; else their majority
	Tie         string // what equal votes come to: chair, rejected, open; "" where they cannot
	Veto        bool   // one vote against ends it
	Votes       []Vote
	Result      string // approved, rejected, returned; "" while it votes
	Amount      int64  // granted by it
	At          time.Time
}

// Vote is one member's vote.
type Vote struct {
	Name   string
	Action string // approve, reject, return, abstain
	Reason string // code
	Chair  bool
	At     time.Time
}

// Override is a finding in spite of which somebody approved.
type Override struct {
	Finding string // code of a rule or check
	Reason  string // code of the programme
	By      string
}

// Decision is what was decided on the request last.
type Decision struct {
	Decision string // id; "" for an automatic check
	Result   string // approved, rejected, returned
	Reason   string // code of the programme
	By       string // who decided last; "" for an automatic check
	At       time.Time
	Note     string // of a return, or where the coded reason refers to it
	Items    []Item // what is missing, of a return
}

// Item is a document that a return names.
type Item struct{ Kind, Problem string }

// Tranche is one instalment of the award.
type Tranche struct {
	N         int
	Amount    int64
	Milestone string // code
	State     string
}

// Payment is one payment of the award.
type Payment struct {
	ID         string
	TrancheN   int
	N          int // which try it is
	Amount     int64
	State      string
	PreparedBy string
	ReleasedBy string
	PreparedAt time.Time
	EndedAt    time.Time // when it was settled
}

// Receipt is a contribution to a fund.
type Receipt struct {
	Masked     bool
	Fund       string
	Area       string
	Donor      string // "" for a gift without a name
	ExternalID string
	ID         string
	Amount     int64
	Currency   string
	ReceivedOn time.Time // a date
	RecordedBy string
}

// Posting is what hangs in the village before anything is paid.
type Posting struct {
	Masked   bool
	Area     string
	Province string
	Fund     string
	At       time.Time
	Rows     []PostingRow
}

// PostingRow is one household of the list: name and amount, nothing else.
type PostingRow struct {
	Name      string
	Programme string // title
	Amount    int64
	Currency  string
}
