package bankfile

import (
	"fmt"
	"slices"
	"strconv"

	"github.com/aidflow/aidflow/rails"
)

// Column is one column of a CSV or XLSX file for the bank.
type Column struct {
	Field string // one of Fields()
	Title string // as the bank calls it
}

// Fields gives what a column may hold.
func Fields() []string {
	return []string{"n", "end_to_end", "bank_bin", "account_number", "account_name", "amount", "currency",
		"purpose", "execute_on", "debtor_number"}
}

// Columns gives the columns of a file when the bank has no form of its own.
func Columns() []Column {
	return []Column{{"n", "No"}, {"end_to_end", "EndToEndId"}, {"bank_bin", "BankBIN"},
		{"account_number", "AccountNumber"}, {"account_name", "AccountName"}, {"amount", "Amount"},
		{"currency", "Currency"}, {"purpose", "Purpose"}, {"execute_on", "ExecuteOn"}, {"debtor_number", "DebtorAccount"}}
}

// needed are the columns without which nothing can be paid or found again.
var needed = []string{"end_to_end", "account_number", "account_name", "amount"}

func checkColumns(columns []Column) error {
	seen := map[string]bool{}
	for _, c := range columns {
		if !slices.Contains(Fields(), c.Field) || seen[c.Field] || c.Title == "" || formula(c.Title) {
			return fmt.Errorf("bankfile: a column of field %q is unknown, doubled or has no title", c.Field)
		}
		seen[c.Field] = true
	}
	for _, field := range needed {
		if !seen[field] {
			return fmt.Errorf("bankfile: a file needs the column %q", field)
		}
	}
	if len(columns) < 2 || columns[0].Field == "amount" {
		return fmt.Errorf("bankfile: the first column is not the amount")
	}
	return nil
}

// cells gives a line of the file.
func (r *Rail) cells(b rails.Batch, i int) []string {
	l := b.Lines[i]
	values := map[string]string{
		"n":              strconv.Itoa(i + 1),
		"end_to_end":     rails.EndToEnd(l.Key),
		"bank_bin":       l.Payee.BankBIN,
		"account_number": l.Payee.AccountNumber,
		"account_name":   l.Payee.AccountName,
		"amount":         decimal(l.Amount, l.Currency),
		"currency":       l.Currency,
		"purpose":        l.Purpose,
		"execute_on":     day(b.ExecuteOn),
		"debtor_number":  b.Debtor.Number,
	}
	row := make([]string, 0, len(r.set.Columns))
	for _, c := range r.set.Columns {
		row = append(row, values[c.Field])
	}
	return row
}

// table gives all rows of a file: the titles, the lines, and the control row
// with number and sum.
func (r *Rail) table(b rails.Batch) [][]string {
	titles := make([]string, 0, len(r.set.Columns))
	for _, c := range r.set.Columns {
		titles = append(titles, c.Title)
	}
	rows := append(make([][]string, 0, len(b.Lines)+2), titles)
	for i := range b.Lines {
		rows = append(rows, r.cells(b, i))
	}
	if r.set.WithoutTotal {
		return rows
	}
	total := make([]string, len(titles))
	total[0] = fmt.Sprintf("Total %d", len(b.Lines))
	total[r.amountColumn()] = decimal(b.Sum(), b.Currency)
	return append(rows, total)
}

func (r *Rail) amountColumn() int {
	return slices.IndexFunc(r.set.Columns, func(c Column) bool { return c.Field == "amount" })
}
