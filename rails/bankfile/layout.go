package bankfile

import (
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/aidflow/aidflow/aid/money"
	"github.com/aidflow/aidflow/rails"
)

// Layout says how the CSV files of a bank are read. Titles are compared
// without accents and capitals; several are parted by "|". The zero value
// knows usual Vietnamese and English ones.
//
// A file with a column Status is an answer: one line per instruction, with
// EndToEnd, and Amount where there is one. Another is a statement: Date, and
// Debit and Credit, or an Amount that is written with its sign. Either ends
// with a row that begins with a word of Total, with the sum below each column
// of amounts, and the number of lines behind the word if the bank gives it.
type Layout struct {
	EndToEnd, Reference, Date, Debit, Credit, Amount, Balance string
	Status, Reason, Name, Account, Text                       string
	Own                                                       string // number of the account that the file speaks of
	Total                                                     string // words
	Dates                                                     string // as of package time; "" means "2/1/2006", day before month. 2006-01-02 is read as well
	Decimal                                                   string // "," or "." before decimals; "" means that amounts have none, and that both part thousands
	States                                                    map[string]rails.State
}

// complete fills what is not set.
func (l Layout) complete() (Layout, error) {
	def(&l.EndToEnd, "EndToEndId|Mã đối chiếu|Mã tham chiếu khách hàng")
	def(&l.Reference, "Reference|Số bút toán|Mã giao dịch|Số tham chiếu")
	def(&l.Date, "Date|Ngày giao dịch|Ngày hạch toán|Ngày")
	def(&l.Debit, "Debit|Ghi nợ|Phát sinh nợ|Số tiền ghi nợ")
	def(&l.Credit, "Credit|Ghi có|Phát sinh có|Số tiền ghi có")
	def(&l.Amount, "Amount|Số tiền")
	def(&l.Balance, "Balance|Số dư")
	def(&l.Status, "Status|Trạng thái|Kết quả")
	def(&l.Reason, "Reason|Lý do|Mã lỗi")
	def(&l.Name, "AccountName|Tên người hưởng|Tên người thụ hưởng|Tên đối ứng")
	def(&l.Account, "AccountNumber|Tài khoản hưởng|Tài khoản thụ hưởng|Tài khoản đối ứng")
	def(&l.Text, "Description|Purpose|Nội dung|Diễn giải")
	def(&l.Own, "DebtorAccount|Tài khoản|Số tài khoản|Tài khoản trích nợ")
	def(&l.Total, "Total|Tổng cộng|Tổng|Cộng")
	def(&l.Dates, "2/1/2006")
	if l.States == nil {
		l.States = states()
	}
	folded := map[string]rails.State{}
	for word, state := range l.States {
		if !state.Valid() || state == rails.NotFound {
			return l, fmt.Errorf("bankfile: %q is no state of a line", state)
		}
		folded[fold(word)] = state
	}
	l.States = folded
	if !slices.Contains([]string{"", ",", "."}, l.Decimal) {
		return l, fmt.Errorf("bankfile: decimals stand behind a comma or a point")
	}
	return l, nil
}

func states() map[string]rails.State {
	all := map[string]rails.State{}
	for state, words := range map[rails.State]string{
		rails.Settled:  "settled|success|thành công|hoàn thành",
		rails.Refused:  "refused|rejected|từ chối",
		rails.Failed:   "failed|thất bại|không thành công",
		rails.Accepted: "accepted|processing|đang xử lý|chờ xử lý",
	} {
		for _, word := range strings.Split(words, "|") {
			all[word] = state
		}
	}
	return all
}

// fold makes titles and words comparable.
func fold(text string) string { return strings.ToLower(latin(text)) }

// titles gives the field of each title.
func (l Layout) titles() map[string]string {
	all := map[string]string{}
	for field, titles := range map[string]string{
		"end_to_end": l.EndToEnd, "reference": l.Reference, "date": l.Date, "debit": l.Debit, "credit": l.Credit,
		"amount": l.Amount, "balance": l.Balance, "status": l.Status, "reason": l.Reason, "name": l.Name,
		"account": l.Account, "text": l.Text, "own": l.Own,
	} {
		for _, title := range strings.Split(titles, "|") {
			all[fold(title)] = field
		}
	}
	return all
}

// columns finds the fields in a row of titles. ok is false when a field is
// found twice.
func (l Layout) columns(row []string) (at map[string]int, ok bool) {
	titles := l.titles()
	at = map[string]int{}
	for i, title := range row {
		field, known := titles[fold(title)]
		if !known {
			continue
		}
		if _, twice := at[field]; twice {
			return nil, false
		}
		at[field] = i
	}
	return at, true
}

// total gives what stands behind the word of a total row, and whether the cell
// begins one.
func (l Layout) total(cell string) (rest string, ok bool) {
	text := fold(cell)
	for _, word := range strings.Split(l.Total, "|") {
		if rest, ok = strings.CutPrefix(text, fold(word)); ok && strings.Trim(rest, " :0123456789") == "" {
			return strings.Trim(rest, " :"), true
		}
	}
	return "", false
}

// date reads a day; a time behind it is left out.
func (l Layout) date(cell string) (time.Time, bool) {
	text, _, _ := strings.Cut(strings.TrimSpace(cell), " ")
	for _, layout := range []string{l.Dates, time.DateOnly} {
		if t, err := time.Parse(layout, text); err == nil {
			return t, true
		}
	}
	return time.Time{}, false
}

// amount reads an amount without a sign: 1000000, 1.000.000, 1,000,000 or
// 1 000 000, with or without the currency behind it. Thousands are parted by
// one sign, everywhere or nowhere, and decimals are as many as the currency
// has: what could be read in two ways is not read.
func (l Layout) amount(cell, currency string) (int64, bool) {
	text := strings.TrimSpace(cell)
	for _, sign := range []string{currency, strings.ToLower(currency), "₫", "đ"} {
		text = strings.TrimRightFunc(strings.TrimSuffix(text, sign), unicode.IsSpace)
	}
	digits, _ := money.Exponent(currency)
	fraction := ""
	if l.Decimal != "" {
		if whole, behind, found := strings.Cut(text, l.Decimal); found {
			if len(behind) != max(digits, 2) || strings.Trim(behind, "0123456789") != "" {
				return 0, false
			}
			text, fraction = whole, "."+behind
		}
	}
	whole, ok := ungrouped(text, l.Decimal)
	if !ok {
		return 0, false
	}
	return minor(whole+fraction, currency)
}

// ungrouped takes the signs between thousands out.
func ungrouped(text, decimal string) (string, bool) {
	at := strings.IndexFunc(text, func(r rune) bool { return r < '0' || r > '9' })
	if at < 0 {
		return text, text != ""
	}
	sign := []rune(text[at:])[0]
	if !slices.Contains([]rune{'.', ',', ' ', '\u00a0'}, sign) || string(sign) == decimal {
		return "", false
	}
	groups := strings.Split(text, string(sign))
	for i, g := range groups {
		if strings.Trim(g, "0123456789") != "" || i > 0 && len(g) != 3 || i == 0 && (g == "" || len(g) > 3) {
			return "", false
		}
	}
	return strings.Join(groups, ""), true
}
