package simulator

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strings"

	"github.com/aidflow/aidflow/rails"
)

// paymentRequest is the body of POST /v1/payments. It is the only place where
// a payee is written out.
type paymentRequest struct {
	Key      string       `json:"key"`
	Amount   int64        `json:"amount"`
	Currency string       `json:"currency"`
	Payee    payeeRequest `json:"payee"`
	Purpose  string       `json:"purpose"`
}

type payeeRequest struct {
	Method        string `json:"method"`
	BankBIN       string `json:"bank_bin"`
	AccountNumber string `json:"account_number"`
	AccountName   string `json:"account_name"`
}

func requestOf(in rails.Instruction) paymentRequest {
	return paymentRequest{
		Key: in.Key, Amount: in.Amount, Currency: in.Currency, Purpose: in.Purpose,
		Payee: payeeRequest(in.Payee),
	}
}

func (r paymentRequest) instruction() rails.Instruction {
	return rails.Instruction{
		Key: r.Key, Amount: r.Amount, Currency: r.Currency, Purpose: r.Purpose,
		Payee: rails.Payee(r.Payee),
	}
}

// problem is the body of every answer that is not a status. The client trusts
// a refusal only when it comes in this form.
type problem struct {
	Status int    `json:"status"`
	Code   string `json:"code"`
	Field  string `json:"field,omitempty"`
}

// Codes of problems that are not codes of rails.
const (
	codeMalformed = "malformed_request"
	codeNoRoute   = "no_such_route"
	codeRailBroke = "internal"
)

var errMalformed = errors.New("malformed JSON")

// maxBody is the most that either side reads of a body, books apart.
const maxBody = 64 << 10

// decodeStrict reads exactly one JSON value from b into v. It refuses unknown
// fields, duplicate keys, keys that are not in lower case (encoding/json takes
// any case) and trailing bytes. The error never repeats content.
func decodeStrict(b []byte, v any) error {
	if err := checkKeys(json.NewDecoder(bytes.NewReader(b))); err != nil {
		return errMalformed
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		return errMalformed
	}
	if _, err := d.Token(); err != io.EOF {
		return errMalformed
	}
	return nil
}

// checkKeys walks one JSON value and refuses duplicate and upper-case keys.
func checkKeys(d *json.Decoder) error {
	t, err := d.Token()
	if err != nil {
		return err
	}
	open, ok := t.(json.Delim)
	if !ok {
		return nil
	}
	seen := map[string]bool{}
	for d.More() {
		if open == '{' {
			k, err := d.Token()
			if err != nil {
				return err
			}
			name, _ := k.(string)
			if seen[name] || name != strings.ToLower(name) {
				return errMalformed
			}
			seen[name] = true
		}
		if err := checkKeys(d); err != nil {
			return err
		}
	}
	_, err = d.Token()
	return err
}
