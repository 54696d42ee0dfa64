package postgres

import (
	"encoding/json"
	"time"

	"github.com/aidflow/aidflow/aid"
)

// Applicant is the person who asks for aid, in clear text: it lives in memory
// only, between the request and the seal.
type Applicant struct {
	FullName   string `json:"full_name"`
	NationalID string `json:"national_id,omitempty"` // 12 digits; "" when the person has none
	BirthDate  string `json:"birth_date,omitempty"`  // YYYY-MM-DD
	Sex        string `json:"sex,omitempty"`
	Phone      string `json:"phone,omitempty"`
	Address    string `json:"address,omitempty"`
}

// Member is a member of the applicant's household, in clear text.
type Member struct {
	FullName   string `json:"full_name"`
	NationalID string `json:"national_id,omitempty"`
	BirthDate  string `json:"birth_date,omitempty"`
	Sex        string `json:"sex,omitempty"`
	Relation   string `json:"relation,omitempty"`
}

// Household is the household as the request states it.
type Household struct {
	Code    string   `json:"code,omitempty"` // code of the register
	Members []Member `json:"members,omitempty"`
}

// Payee is who is to receive the money and where, in clear text.
type Payee struct {
	Kind          string `json:"kind"`   // household, guardian, heir, hospital, school, supplier
	Method        string `json:"method"` // bank, cash
	BankBIN       string `json:"bank_bin,omitempty"`
	AccountNumber string `json:"account_number,omitempty"`
	AccountName   string `json:"account_name,omitempty"`
}

// Consent is what the applicant has agreed to.
type Consent struct {
	Purposes []string   `json:"purposes"`
	GivenAt  *time.Time `json:"given_at,omitempty"`
	Method   string     `json:"method,omitempty"`
}

// sealedCase is what the row of a case keeps sealed: everything personal that
// this request states. Another request of the same person states its own.
type sealedCase struct {
	Applicant Applicant       `json:"applicant"`
	Members   []Member        `json:"members,omitempty"`
	Answers   json.RawMessage `json:"answers,omitempty"`
	Consent   Consent         `json:"consent"`
}

// seal writes v as JSON, sealed for one row.
func (tx *Tx) seal(table, column, row string, v any) ([]byte, error) {
	plain, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	return tx.vault.Seal(table, column, row, plain)
}

// open reads what seal has written into v.
func (tx *Tx) open(table, column, row string, sealed []byte, v any) error {
	plain, err := tx.vault.Open(table, column, row, sealed)
	if err != nil {
		return err
	}
	return json.Unmarshal(plain, v)
}

// nationalIDHash is the identity of a person: nil without a number.
func (tx *Tx) nationalIDHash(number string) []byte {
	if number == "" {
		return nil
	}
	return tx.vault.Hash("national-id", number)
}

// person gives the id of the person with this id number, making the row when
// there is none. Somebody without a number is always a new person: merging is
// a person's act. What is known of a person is not overwritten by a later
// request, which keeps its own statement.
func (tx *Tx) person(a Applicant) (string, error) {
	id, hash := NewID(aid.PersonID), tx.nationalIDHash(a.NationalID)
	sealed, err := tx.seal("persons", "sealed", id, a)
	if err != nil {
		return "", err
	}
	n, err := tx.exec(`INSERT INTO persons (id, national_id_hash, sealed, created_at) VALUES ($1, $2, $3, $4)
		ON CONFLICT (national_id_hash) DO NOTHING`, id, hash, sealed, tx.Wall)
	if err != nil || n == 1 {
		return id, err
	}
	err = tx.get(&id, `SELECT id FROM persons WHERE national_id_hash = $1`, hash)
	return id, err
}

// household gives the id of the household with this code, making the row when
// the register does not have it; nil without a code.
func (tx *Tx) household(code, area string) (*string, error) {
	if code == "" {
		return nil, nil
	}
	id := NewID(aid.HouseholdID)
	n, err := tx.exec(`INSERT INTO households (id, code, area, created_at) VALUES ($1, $2, $3, $4) ON CONFLICT (code) DO NOTHING`,
		id, code, area, tx.Wall)
	if err != nil || n == 1 {
		return &id, err
	}
	err = tx.get(&id, `SELECT id FROM households WHERE code = $1`, code)
	return &id, err
}

// sealedPayee is what the row of an account keeps sealed; the method has its
// own column.
type sealedPayee struct {
	BankBIN       string `json:"bank_bin,omitempty"`
	AccountNumber string `json:"account_number,omitempty"`
	AccountName   string `json:"account_name,omitempty"`
}

// account gives the row of a payee's account: the present one when it says the
// same, else a new one, which voids what was approved for the old.
func (tx *Tx) account(p *Payee, present *string) (*string, error) {
	if p == nil {
		return present, nil
	}
	hash := tx.accountHash(*p)
	if present != nil {
		var same bool
		err := tx.get(&same, `SELECT account_hash = $2 FROM payee_accounts WHERE id = $1`, *present, hash)
		if err != nil || same {
			return present, err
		}
	}
	id := NewID(aid.AccountID)
	sealed, err := tx.seal("payee_accounts", "sealed", id, sealedPayee{p.BankBIN, p.AccountNumber, p.AccountName})
	if err != nil {
		return nil, err
	}
	return &id, tx.one(`INSERT INTO payee_accounts (id, kind, method, account_hash, sealed, created_at) VALUES ($1, $2, $3, $4, $5, $6)`,
		id, p.Kind, p.Method, hash, sealed, tx.Wall)
}

// accountHash tells whether two payees are the same in every word. The parts
// are hashed one by one, so that no two lists of parts run together.
func (tx *Tx) accountHash(p Payee) []byte {
	var all []byte
	for _, part := range []string{p.Kind, p.Method, p.BankBIN, p.AccountNumber, p.AccountName} {
		all = append(all, tx.vault.Hash("account-part", part)...)
	}
	return tx.vault.Hash("account", keyAlphabet.EncodeToString(all))
}

// openPayee opens a payee's account; nil when the case names none.
func (tx *Tx) openPayee(id *string) (*Payee, error) {
	if id == nil {
		return nil, nil
	}
	var row struct {
		Kind   string `db:"kind"`
		Method string `db:"method"`
		Sealed []byte `db:"sealed"`
	}
	if err := tx.get(&row, `SELECT kind, method, sealed FROM payee_accounts WHERE id = $1`, *id); err != nil {
		return nil, err
	}
	var in sealedPayee
	err := tx.open("payee_accounts", "sealed", *id, row.Sealed, &in)
	return &Payee{Kind: row.Kind, Method: row.Method, BankBIN: in.BankBIN, AccountNumber: in.AccountNumber, AccountName: in.AccountName}, err
}

// sealedOf opens what a case keeps sealed.
func (tx *Tx) sealedOf(caseID string) (sealedCase, error) {
	var raw []byte
	var out sealedCase
	if err := tx.get(&raw, `SELECT sealed FROM cases WHERE id = $1`, caseID); err != nil {
		return out, err
	}
	return out, tx.open("cases", "sealed", caseID, raw, &out)
}

// words gives the keyed hashes by which a case is found: each word of the name
// without its accents, and each number.
func (tx *Tx) words(a Applicant) [][]byte {
	words := tx.vault.Words("search", a.FullName)
	for _, number := range []string{a.NationalID, a.Phone} {
		if number != "" {
			words = append(words, tx.vault.Hash("search-number", number))
		}
	}
	return words
}
