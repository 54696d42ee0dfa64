// Package vietqr writes and reads what stands in a VietQR code: a transfer to
// an account at a Vietnamese bank, as EMVCo's merchant-presented codes with
// the tags of NAPAS. A person scans it with the app of any bank, and types
// neither account nor amount.
//
// It is pure; papers/qr draws the code.
package vietqr

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// Transfer is what the code asks for. Account and bank are personal data.
type Transfer struct {
	BankBIN string // six digits
	Account string // at most 19 letters and digits
	Amount  int64  // in dong; 0 lets the payer type it
	Bill    string // number of a bill, at most 25 characters; "" for none
	Purpose string // what the payee reads, at most 25 characters, without accents; "" for none
}

// Fault says which field of a transfer a code cannot carry, or, for a code
// that is read, where it is wrong. It never repeats a value.
type Fault struct {
	Field string // bank_bin, account, amount, bill, purpose; "code" for a code that is read
	Code  string // required, invalid, characters, too_long, too_large, checksum
}

// Error gives field and code.
func (f *Fault) Error() string { return fmt.Sprintf("vietqr: %s: %s", f.Field, f.Code) }

// The tags of the code, and what stands in those that are always the same.
const (
	tagVersion, version   = "00", "01"
	tagMethod             = "01"
	methodOpen, methodSum = "11", "12" // the payer types the amount; it is given
	tagAccount            = "38"
	tagScheme, scheme     = "00", "A000000727"
	tagPayee              = "01"
	tagBank, tagNumber    = "00", "01"
	tagService, service   = "02", "QRIBFTTA" // to an account
	tagCurrency, dong     = "53", "704"
	tagAmount             = "54"
	tagCountry, vietnam   = "58", "VN"
	tagMore               = "62"
	tagBill, tagPurpose   = "01", "08"
	tagChecksum           = "63"
)

var (
	binPattern    = regexp.MustCompile(`^[0-9]{6}$`)
	numberPattern = regexp.MustCompile(`^[0-9A-Za-z]*$`)
)

// maxAmount is what fits into the 13 characters of an amount.
const maxAmount = 9_999_999_999_999

// Payload gives the text of the code. Errors: *Fault.
func (t Transfer) Payload() (string, error) {
	if err := t.check(); err != nil {
		return "", err
	}
	method, amount := methodOpen, ""
	if t.Amount > 0 {
		method, amount = methodSum, strconv.FormatInt(t.Amount, 10)
	}
	text := field(tagVersion, version) + field(tagMethod, method) +
		field(tagAccount, field(tagScheme, scheme)+
			field(tagPayee, field(tagBank, t.BankBIN)+field(tagNumber, t.Account))+
			field(tagService, service)) +
		field(tagCurrency, dong) + field(tagAmount, amount) + field(tagCountry, vietnam) +
		field(tagMore, field(tagBill, t.Bill)+field(tagPurpose, t.Purpose)) +
		tagChecksum + "04"
	return text + checksum(text), nil
}

func (t Transfer) check() error {
	switch {
	case t.BankBIN == "":
		return &Fault{"bank_bin", "required"}
	case !binPattern.MatchString(t.BankBIN):
		return &Fault{"bank_bin", "invalid"}
	case t.Account == "":
		return &Fault{"account", "required"}
	case !numberPattern.MatchString(t.Account):
		return &Fault{"account", "characters"}
	case len(t.Account) > 19:
		return &Fault{"account", "too_long"}
	case t.Amount < 0:
		return &Fault{"amount", "invalid"}
	case t.Amount > maxAmount:
		return &Fault{"amount", "too_large"}
	}
	for name, text := range map[string]string{"bill": t.Bill, "purpose": t.Purpose} {
		switch {
		case !plain(text):
			return &Fault{name, "characters"}
		case len(text) > 25:
			return &Fault{name, "too_long"}
		}
	}
	return nil
}

// plain tells whether a text has printable letters of ASCII only, and no space
// at an end, which apps leave out.
func plain(text string) bool {
	for _, r := range text {
		if r < ' ' || r > '~' {
			return false
		}
	}
	return strings.TrimSpace(text) == text
}

// field writes a tag, the length of its value, and the value; nothing for an
// empty one.
func field(tag, value string) string {
	if value == "" {
		return ""
	}
	return fmt.Sprintf("%s%02d%s", tag, len(value), value)
}

// checksum is CRC-16/CCITT-FALSE over all that stands before it, its own tag
// and length included, as four hexadecimal digits.
func checksum(text string) string {
	sum := uint16(0xffff)
	for _, b := range []byte(text) {
		sum ^= uint16(b) << 8
		for range 8 {
			if sum&0x8000 != 0 {
				sum = sum<<1 ^ 0x1021
			} else {
				sum <<= 1
			}
		}
	}
	return fmt.Sprintf("%04X", sum)
}

// Parse reads the text of a code. Tags that the product does not use are
// passed over. Errors: *Fault of the field "code" when it is damaged, or no
// transfer in dong to an account; else as of Payload.
func Parse(text string) (Transfer, error) {
	if len(text) < 8 || text[len(text)-8:len(text)-4] != tagChecksum+"04" {
		return Transfer{}, &Fault{"code", "invalid"}
	}
	if text[len(text)-4:] != checksum(text[:len(text)-4]) {
		return Transfer{}, &Fault{"code", "checksum"}
	}
	all, ok := fields(text)
	account, ok2 := fields(all[tagAccount])
	payee, ok3 := fields(account[tagPayee])
	more, ok4 := fields(all[tagMore])
	if !ok || !ok2 || !ok3 || !ok4 || all[tagVersion] != version || account[tagScheme] != scheme ||
		account[tagService] != service || all[tagCurrency] != dong || all[tagCountry] != vietnam {
		return Transfer{}, &Fault{"code", "invalid"}
	}
	t := Transfer{BankBIN: payee[tagBank], Account: payee[tagNumber], Bill: more[tagBill], Purpose: more[tagPurpose]}
	if amount, given := all[tagAmount]; given {
		n, err := strconv.ParseInt(amount, 10, 64)
		if err != nil || n <= 0 {
			return Transfer{}, &Fault{"amount", "invalid"}
		}
		t.Amount = n
	}
	if err := t.check(); err != nil {
		return Transfer{}, err
	}
	return t, nil
}

// fields reads tags and values. ok is false for a length that does not fit and
// for a tag that stands there twice.
func fields(text string) (all map[string]string, ok bool) {
	all = map[string]string{}
	for len(text) > 0 {
		if len(text) < 4 {
			return nil, false
		}
		n, err := strconv.ParseUint(text[2:4], 10, 8)
		if err != nil || len(text) < 4+int(n) {
			return nil, false
		}
		tag := text[:2]
		if _, twice := all[tag]; twice {
			return nil, false
		}
		all[tag], text = text[4:4+n], text[4+n:]
	}
	return all, true
}
