package identity

import (
	"strconv"
	"time"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/aid/match"
)

// The codes of Contradictions. All of them are hints: papers err.
const (
	CodeBornInFuture   = "born_in_future"          // after the day of the check
	CodeAge            = "age_implausible"         // older than 120 years
	CodeMinorApplicant = "applicant_under_age"     // younger than 18 on the day of the check
	CodeMinorHead      = "head_under_age"          // a member is named head and is younger than 18
	CodeTwoHeads       = "several_heads"           // more than one member is named head
	CodeOwnMember      = "applicant_among_members" // the members are those besides the applicant
	CodeMemberTwice    = "member_listed_twice"     // by number, or by name and birth date
	CodeSizeListed     = "household_size_differs"  // the form's number of people and the members listed
	CodeSizeRegistered = "register_size_differs"   // the number stated and the one of the register
	CodeBankBIN        = "bank_bin_format"         // not six digits
	CodeAccountNumber  = "account_number_format"   // not 6 to 19 letters and digits
	CodeAccountName    = "account_of_another_name" // nobody of the household has the account's name
	adult, oldest      = 18, 120
)

// Someone is what a request says of one person.
type Someone struct {
	Name, NationalID, BirthDate, Sex string
	Relation                         string // to the head; head for the head
}

// Account is where the money is to go.
type Account struct {
	PayeeKind, Method, BIN, Number, Name string
}

// Statement is what a request says of a household, as far as its parts can be
// checked against each other. A size of 0 is unknown.
type Statement struct {
	Applicant  Someone
	Members    []Someone // without the applicant
	People     int       // how many the form says the household has
	Registered int       // how many the register has
	Payee      *Account
}

// Contradictions checks the parts of a statement against each other on a day.
// Of every member it checks the id number as Check does; that of the applicant
// is a check of its own. Pointers are those of a request. What is not stated
// is not compared.
func Contradictions(s Statement, today time.Time) []aid.Fault {
	var faults []aid.Fault
	add := func(pointer string, codes ...string) {
		for _, code := range codes {
			faults = append(faults, aid.Fault{Pointer: pointer, Code: code})
		}
	}
	add("/applicant/birth_date", ages(s.Applicant, today, CodeMinorApplicant)...)
	heads := 0
	for i, m := range s.Members {
		at := "/household/members/" + strconv.Itoa(i)
		for _, f := range Check(m.NationalID, m.BirthDate, m.Sex) {
			add(at+f.Pointer, f.Code)
		}
		minor := ""
		if m.Relation == "head" {
			heads++
			minor = CodeMinorHead
		}
		add(at+"/birth_date", ages(m, today, minor)...)
		if same(m, s.Applicant) {
			add(at, CodeOwnMember)
		}
		for _, before := range s.Members[:i] {
			if same(m, before) {
				add(at, CodeMemberTwice)
				break
			}
		}
	}
	if heads > 1 {
		add("/household/members", CodeTwoHeads)
	}
	add("/household", sizes(s)...)
	return append(faults, account(s)...)
}

// ages compares a birth date with the day of the check. An empty minor asks
// for no majority.
func ages(p Someone, today time.Time, minor string) []string {
	born, err := time.Parse(time.DateOnly, p.BirthDate)
	if err != nil {
		return nil
	}
	today = time.Date(today.Year(), today.Month(), today.Day(), 0, 0, 0, 0, time.UTC)
	switch {
	case born.After(today):
		return []string{CodeBornInFuture}
	case born.AddDate(oldest+1, 0, 0).Before(today):
		return []string{CodeAge}
	case minor != "" && born.AddDate(adult, 0, 0).After(today):
		return []string{minor}
	}
	return nil
}

// same tells whether two entries of one request are one person.
func same(a, b Someone) bool {
	if a.NationalID != "" && b.NationalID != "" {
		return a.NationalID == b.NationalID
	}
	return a.BirthDate != "" && a.BirthDate == b.BirthDate && match.NameKey(a.Name) != "" && match.NameKey(a.Name) == match.NameKey(b.Name)
}

// sizes compares the sizes of the household that are known. A request that
// lists no members may leave them out.
func sizes(s Statement) []string {
	var codes []string
	listed := 0
	if len(s.Members) > 0 {
		listed = 1 + len(s.Members)
	}
	if s.People > 0 && listed > 0 && s.People != listed {
		codes = append(codes, CodeSizeListed)
	}
	stated := max(s.People, listed)
	if stated > 0 && s.Registered > 0 && stated != s.Registered {
		codes = append(codes, CodeSizeRegistered)
	}
	return codes
}

// account checks where the money is to go. The name of an account matters
// where the household itself is paid; a guardian, an heir, a hospital, a
// school and a supplier have their own.
func account(s Statement) []aid.Fault {
	p := s.Payee
	if p == nil || p.Method != "bank" {
		return nil
	}
	var faults []aid.Fault
	if len(p.BIN) != 6 || match.Digits(p.BIN) != p.BIN {
		faults = append(faults, aid.Fault{Pointer: "/payee/bank_bin", Code: CodeBankBIN})
	}
	if !accountNumber(p.Number) {
		faults = append(faults, aid.Fault{Pointer: "/payee/account_number", Code: CodeAccountNumber})
	}
	if p.PayeeKind == "household" && p.Name != "" && !s.named(p.Name) {
		faults = append(faults, aid.Fault{Pointer: "/payee/account_name", Code: CodeAccountName})
	}
	return faults
}

// accountNumber knows the form of account numbers in Vietnam: digits for the
// most part; some banks let their clients choose letters.
func accountNumber(number string) bool {
	n := 0
	for _, r := range number {
		switch {
		case r >= '0' && r <= '9', r >= 'A' && r <= 'Z', r >= 'a' && r <= 'z':
			n++
		case r != ' ' && r != '.' && r != '-':
			return false
		}
	}
	return n >= 6 && n <= 19
}

// named tells whether somebody of the household has a name; banks write it
// without accents.
func (s Statement) named(name string) bool {
	if s.Applicant.Name == "" || !match.OtherName(name, s.Applicant.Name) {
		return true
	}
	for _, m := range s.Members {
		if m.Name != "" && !match.OtherName(name, m.Name) {
			return true
		}
	}
	return false
}
