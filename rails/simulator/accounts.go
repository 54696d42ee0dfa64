package simulator

import (
	"regexp"
	"strings"

	"github.com/aidflow/aidflow/rails"
)

// What the simulated bank takes.
const (
	currencyVND = "VND"
	maxAmount   = 500_000_000 // VND, the limit of NAPAS 24/7
)

var (
	binPattern     = regexp.MustCompile(`^[0-9]{6}$`)
	accountPattern = regexp.MustCompile(`^[0-9A-Za-z]{4,34}$`)
)

// refusalCode gives the code with which the bank refuses an instruction that
// is well formed, "" when it takes it.
func refusalCode(in rails.Instruction) string {
	switch {
	case in.Currency != currencyVND:
		return "currency_not_supported"
	case in.Payee.Method != rails.MethodBank:
		return "method_not_supported"
	case in.Amount > maxAmount:
		return "amount_above_limit"
	case !binPattern.MatchString(in.Payee.BankBIN),
		!accountPattern.MatchString(in.Payee.AccountNumber),
		strings.TrimSpace(in.Payee.AccountName) == "":
		return "account_invalid"
	}
	return ""
}

// accountRuleID marks the rules that come from an account number.
const accountRuleID = "account"

// lateFactor is how much longer than usual account 990004 takes.
const lateFactor = 20

// accountRules gives the faults that an account number asks for by its last
// six digits; the table is in the package comment. They work like rules of a
// script, each with a fixed id, so that they are counted per key.
func accountRules(in rails.Instruction) []Rule {
	account := in.Payee.AccountNumber
	if len(account) < 6 {
		return nil
	}
	rule := func(kind Kind, perKey int, code string) []Rule {
		return []Rule{{ID: accountRuleID, Kind: kind, PerKey: perKey, Code: code, Keys: in.Key}}
	}
	switch account[len(account)-6:] {
	case "990001":
		return rule(Refuse, 0, "account_closed")
	case "990002":
		return rule(Refuse, 0, "account_name_mismatch")
	case "990003":
		return rule(Fail, 0, "beneficiary_bank_rejected")
	case "990004":
		return rule(SettleLate, 0, "")
	case "990005":
		return rule(ErrorBefore, 1, "")
	case "990006":
		return rule(ErrorAfter, 1, "")
	case "990007":
		return rule(TimeoutAfter, 1, "")
	case "990008":
		return rule(Hide, 2, "")
	case "990009":
		return rule(NeverSettle, 0, "")
	case "990010":
		if strings.HasSuffix(in.Key, "/1") {
			return rule(Refuse, 0, "account_blocked")
		}
	}
	return nil
}
