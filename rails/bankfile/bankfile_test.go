package bankfile_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/xuri/excelize/v2"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/rails"
	"github.com/aidflow/aidflow/rails/bankfile"
	"github.com/aidflow/aidflow/rails/bankfile/banktest"
	"github.com/aidflow/aidflow/rails/railtest"
)

// fund is the account that pays.
func fund() rails.Account {
	return rails.Account{Name: "Quỹ Vì người nghèo", BankBIN: "970415", Number: "113000000001"}
}

// hanoi is the bank's own place, without the table of zones.
func hanoi() *time.Location { return time.FixedZone("", 7*3600) }

// today is the day of every batch.
func today() time.Time { return time.Date(2026, 9, 3, 0, 0, 0, 0, hanoi()) }

// batch makes a batch of n lines in VND.
func batch(n int) rails.Batch { return batchIn("VND", n) }

func batchIn(currency string, n int) rails.Batch {
	b := rails.Batch{ID: "01hx5zzkbkactav9wevgemmvrz", Debtor: fund(), Currency: currency,
		CreatedAt: time.Date(2026, 9, 2, 16, 30, 5, 0, hanoi()), ExecuteOn: today()}
	for i := range n {
		b.Lines = append(b.Lines, rails.BatchLine{Instruction: rails.Instruction{
			Key:    aid.RailKey(fmt.Sprintf("awd_01hx5zzkbkactav9wev%06d", i+1), 1+i%3, 1),
			Amount: int64(1_000_000 + i*37), Currency: currency, Purpose: fmt.Sprintf("HS-2026-%06d", i+1),
			Payee: rails.Payee{Method: rails.MethodBank, BankBIN: "970416", AccountNumber: fmt.Sprintf("00%08d", i+1),
				AccountName: "Nguyễn Thị Đặng " + string(rune('A'+i%26))},
		}})
	}
	return b
}

// rail makes a rail, which must be possible.
func rail(t testing.TB, set bankfile.Settings) *bankfile.Rail {
	t.Helper()
	r, err := bankfile.New(set)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// day is the bank's day for a batch in a currency.
func day(currency string) banktest.Day {
	return banktest.Day{Account: fund(), Currency: currency, Opening: 900_000_000, On: today()}
}

// pay lets the bank pay a file.
func pay(t testing.TB, file []byte, d banktest.Day) *banktest.Books {
	t.Helper()
	b, err := banktest.Pay(file, d)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestConformance(t *testing.T) {
	t.Parallel()
	for name, set := range map[string]bankfile.Settings{
		"09":   {},
		"03":   {Version: "03"},
		"11":   {Version: "11"},
		"usd":  {Currency: "USD", Statement: bankfile.Layout{Decimal: "."}},
		"csv":  {Format: bankfile.CSV},
		"xlsx": {Format: bankfile.XLSX},
	} {
		for _, form := range []string{"pain.002", "camt.053", "camt.054", "csv"} {
			if form == "csv" && set.Currency == "USD" {
				continue // the bank's list is in dong
			}
			d := day(rail(t, set).Capabilities().Currencies[0])
			d.Old = name == "03"
			t.Run(name+"/"+form, func(t *testing.T) {
				t.Parallel()
				railtest.RunFile(t, func(t *testing.T) railtest.FileSubject {
					return railtest.FileSubject{
						Rail:  rail(t, set),
						Batch: func(n int) rails.Batch { return batchIn(d.Currency, n) },
						Pay: func(t *testing.T, f rails.File) [][]byte {
							return [][]byte{answer(pay(t, unpacked(t, f), d), form)}
						},
					}
				})
			})
		}
	}
}

// answer gives one of the files that a bank sends.
func answer(b *banktest.Books, form string) []byte {
	switch form {
	case "pain.002":
		return b.Status()
	case "camt.054":
		return b.Notices()
	case "csv":
		return b.CSV()
	}
	return b.Statement()
}

func TestSettingsThatAreNotUnderstood(t *testing.T) {
	t.Parallel()
	for name, set := range map[string]bankfile.Settings{
		"format":        {Format: "mt101"},
		"version":       {Version: "10"},
		"currency":      {Currency: "XXX"},
		"lines":         {MaxLines: -1},
		"name":          {NameLength: 141},
		"amount":        {MaxAmount: -1},
		"system":        {ClearingSystem: "Hà Nội"},
		"delimiter":     {Delimiter: '|'},
		"no amount":     {Columns: []bankfile.Column{{Field: "end_to_end", Title: "a"}, {Field: "account_number", Title: "b"}, {Field: "account_name", Title: "c"}}},
		"unknown field": {Columns: append(bankfile.Columns(), bankfile.Column{Field: "phone", Title: "x"})},
		"twice":         {Columns: append(bankfile.Columns(), bankfile.Column{Field: "amount", Title: "x"})},
		"formula":       {Columns: append(bankfile.Columns()[:9:9], bankfile.Column{Field: "debtor_number", Title: "=x"})},
		"decimal":       {Statement: bankfile.Layout{Decimal: "'"}},
		"state":         {Statement: bankfile.Layout{States: map[string]rails.State{"ok": "done"}}},
	} {
		if _, err := bankfile.New(set); err == nil {
			t.Errorf("%s is taken", name)
		}
	}
}

// unpacked gives a workbook as the CSV file that the bank of the tests reads.
func unpacked(t *testing.T, f rails.File) []byte {
	t.Helper()
	if !strings.HasSuffix(f.Name, ".xlsx") {
		return f.Bytes
	}
	book, err := excelize.OpenReader(bytes.NewReader(f.Bytes))
	if err != nil {
		t.Fatal(err)
	}
	defer book.Close()
	rows, err := book.GetRows("Sheet1")
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	for _, row := range rows {
		row = append(row, make([]string, len(rows[0])-len(row))...)
		out.WriteString(strings.Join(row, ";") + "\n")
	}
	return out.Bytes()
}
