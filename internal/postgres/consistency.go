package postgres

import (
	"encoding/json"
	"slices"

	"github.com/nyaruka/phonenumbers"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/aid/identity"
)

// codePhone says that a telephone number is none of the region: too short, too
// long, or of a range that nobody has.
const codePhone = "phone_invalid"

// defaultPhoneRegion is where telephone numbers without a country code belong
// unless a deployment says otherwise.
const defaultPhoneRegion = "VN"

// SetPhoneRegion says where telephone numbers without a country code belong,
// as two letters of ISO 3166. It is called before the store is used.
//
// Errors: Invalid unknown_region.
func (s *Store) SetPhoneRegion(region string) error {
	if phonenumbers.GetCountryCodeForRegion(region) == 0 {
		return aid.Refuse(aid.Invalid, "unknown_region")
	}
	s.phone = region
	return nil
}

// CheckConsistency compares what a request says in several places: numbers and
// dates of the members, sizes of the household, telephone and bank account.
// Codes: those of identity.Contradictions, and phone_invalid. The detail gives
// for each code the places, as pointers into the request. Nothing of it
// refuses a request by itself.
func (tx *Tx) CheckConsistency(c *Case) (Finding, error) {
	sealed, err := tx.sealedOf(c.ID)
	if err != nil {
		return Finding{}, err
	}
	def, err := tx.Rules(c)
	if err != nil {
		return Finding{}, err
	}
	s := statement(sealed)
	payee, err := tx.openPayee(c.PayeeAccountID)
	if err != nil {
		return Finding{}, err
	}
	if payee != nil {
		s.Payee = &identity.Account{PayeeKind: payee.Kind, Method: payee.Method, BIN: payee.BankBIN, Number: payee.AccountNumber, Name: payee.AccountName}
	}
	register, err := tx.RegisterFacts(c)
	if err != nil {
		return Finding{}, err
	}
	s.Registered = register.Size
	faults := identity.Contradictions(s, tx.Now.In(def.Location()))
	if !phoneValid(sealed.Applicant.Phone, tx.store.phone) {
		faults = append(faults, aid.Fault{Pointer: "/applicant/phone", Code: codePhone})
	}
	return findingOf(faults), nil
}

// statement gives what the sealed part of a case says, without payee and
// register.
func statement(sealed sealedCase) identity.Statement {
	a := sealed.Applicant
	s := identity.Statement{Applicant: identity.Someone{Name: a.FullName, NationalID: a.NationalID, BirthDate: a.BirthDate, Sex: a.Sex}}
	for _, m := range sealed.Members {
		s.Members = append(s.Members, identity.Someone{Name: m.FullName, NationalID: m.NationalID, BirthDate: m.BirthDate, Sex: m.Sex, Relation: m.Relation})
	}
	var form struct {
		People float64 `json:"people"`
	}
	if json.Unmarshal(sealed.Answers, &form) == nil { // of another type it is another question
		s.People = int(form.People)
	}
	return s
}

func phoneValid(phone, region string) bool {
	if phone == "" {
		return true
	}
	number, err := phonenumbers.Parse(phone, region)
	return err == nil && phonenumbers.IsValidNumber(number)
}

// findingOf lists faults as codes, each once, with their places.
func findingOf(faults []aid.Fault) Finding {
	f := Finding{Passed: len(faults) == 0, Detail: map[string]any{}}
	places := map[string][]string{}
	for _, fault := range faults {
		if !slices.Contains(f.Codes, fault.Code) {
			f.Codes = append(f.Codes, fault.Code)
		}
		places[fault.Code] = append(places[fault.Code], fault.Pointer)
	}
	for code, at := range places {
		f.Detail[code] = at
	}
	return f
}
