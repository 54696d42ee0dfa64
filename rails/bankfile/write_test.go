package bankfile_test

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/xuri/excelize/v2"

	"github.com/aidflow/aidflow/rails"
	"github.com/aidflow/aidflow/rails/bankfile"
)

func TestWhatCannotBeWritten(t *testing.T) {
	t.Parallel()
	set := bankfile.Settings{MaxAmount: 500_000_000, MaxLines: 5, NameLength: 70}
	for name, c := range map[string]struct {
		spoil func(*rails.Batch)
		want  rails.LineFault
	}{
		"id":              {func(b *rails.Batch) { b.ID = "" }, rails.LineFault{Field: "id", Code: "required"}},
		"long id":         {func(b *rails.Batch) { b.ID = strings.Repeat("a", 36) }, rails.LineFault{Field: "id", Code: "too_long"}},
		"id of ours":      {func(b *rails.Batch) { b.ID = "run_01" }, rails.LineFault{Field: "id", Code: "characters"}},
		"path":            {func(b *rails.Batch) { b.ID = "../a" }, rails.LineFault{Field: "id", Code: "characters"}},
		"no moment":       {func(b *rails.Batch) { b.CreatedAt = time.Time{} }, rails.LineFault{Field: "created_at", Code: "required"}},
		"no day":          {func(b *rails.Batch) { b.ExecuteOn = time.Time{} }, rails.LineFault{Field: "execute_on", Code: "required"}},
		"no debtor":       {func(b *rails.Batch) { b.Debtor.Name = " " }, rails.LineFault{Field: "debtor.name", Code: "required"}},
		"debtor's bank":   {func(b *rails.Batch) { b.Debtor.BankBIN = "97041" }, rails.LineFault{Field: "debtor.bank_bin", Code: "invalid"}},
		"debtor's number": {func(b *rails.Batch) { b.Debtor.Number = "" }, rails.LineFault{Field: "debtor.number", Code: "required"}},
		"no lines":        {func(b *rails.Batch) { b.Lines = nil }, rails.LineFault{Field: "lines", Code: "required"}},
		"lines":           {func(b *rails.Batch) { b.Lines = batch(6).Lines }, rails.LineFault{Field: "lines", Code: "too_many_lines"}},
		"sum": {func(b *rails.Batch) { b.Lines[0].Amount, b.Lines[1].Amount = 1<<62, 1<<62 },
			rails.LineFault{Field: "lines", Code: "too_large"}},
		"currency":     {func(b *rails.Batch) { b.Lines[1].Currency = "USD" }, rails.LineFault{Line: 2, Field: "currency", Code: "currency"}},
		"other batch":  {func(b *rails.Batch) { b.Currency = "USD" }, rails.LineFault{Field: "currency", Code: "currency"}},
		"key":          {func(b *rails.Batch) { b.Lines[1].Key = "x" }, rails.LineFault{Line: 2, Field: "key", Code: "invalid"}},
		"foreign key":  {func(b *rails.Batch) { b.Lines[1].Key = "case_1/1/1" }, rails.LineFault{Line: 2, Field: "key", Code: "invalid"}},
		"long key":     {func(b *rails.Batch) { b.Lines[1].Key = "awd_" + strings.Repeat("a", 32) + "/1/1" }, rails.LineFault{Line: 2, Field: "key", Code: "too_long"}},
		"twice":        {func(b *rails.Batch) { b.Lines[1].Key = b.Lines[0].Key }, rails.LineFault{Line: 2, Field: "key", Code: "duplicate"}},
		"amount":       {func(b *rails.Batch) { b.Lines[0].Amount = 500_000_001 }, rails.LineFault{Line: 1, Field: "amount", Code: "too_large"}},
		"nothing":      {func(b *rails.Batch) { b.Lines[0].Amount = 0 }, rails.LineFault{Line: 1, Field: "amount", Code: "invalid"}},
		"cash":         {func(b *rails.Batch) { b.Lines[2].Payee.Method = rails.MethodCash }, rails.LineFault{Line: 3, Field: "payee.method", Code: "method"}},
		"bank":         {func(b *rails.Batch) { b.Lines[2].Payee.BankBIN = "" }, rails.LineFault{Line: 3, Field: "payee.bank_bin", Code: "required"}},
		"account":      {func(b *rails.Batch) { b.Lines[2].Payee.AccountNumber = "12-34" }, rails.LineFault{Line: 3, Field: "payee.account_number", Code: "characters"}},
		"long account": {func(b *rails.Batch) { b.Lines[2].Payee.AccountNumber = strings.Repeat("1", 35) }, rails.LineFault{Line: 3, Field: "payee.account_number", Code: "too_long"}},
		"name":         {func(b *rails.Batch) { b.Lines[2].Payee.AccountName = "" }, rails.LineFault{Line: 3, Field: "payee.account_name", Code: "required"}},
		"letters":      {func(b *rails.Batch) { b.Lines[2].Payee.AccountName = "Công ty A & B" }, rails.LineFault{Line: 3, Field: "payee.account_name", Code: "characters"}},
		"line end":     {func(b *rails.Batch) { b.Lines[2].Payee.AccountName = "A\nB" }, rails.LineFault{Line: 3, Field: "payee.account_name", Code: "characters"}},
		"long name":    {func(b *rails.Batch) { b.Lines[2].Payee.AccountName = strings.Repeat("đ", 71) }, rails.LineFault{Line: 3, Field: "payee.account_name", Code: "too_long"}},
		"purpose":      {func(b *rails.Batch) { b.Lines[2].Purpose = "a//b" }, rails.LineFault{Line: 3, Field: "purpose", Code: "characters"}},
	} {
		b := batch(3)
		c.spoil(&b)
		f, err := rail(t, set).Write(b)
		var u *rails.Unwritable
		if !errors.As(err, &u) || !slices.Contains(u.Faults, c.want) || f.Bytes != nil {
			t.Errorf("%s: %v %+v", name, err, u)
		}
	}
}

func TestLetters(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"Đặng Thị Mỹ Hạnh":        "Dang Thi My Hanh",
		"NGUYỄN VĂN ƯỚC":          "NGUYEN VAN UOC",
		"  Y   Ka\u00a0HMok ":     "Y Ka HMok",
		"Đạ\u0309":                "Da", // marks on their own
		"Trường THCS (số 1), P.2": "Truong THCS (so 1), P.2",
	} {
		b := batch(1)
		b.Lines[0].Payee.AccountName = name
		f, err := rail(t, bankfile.Settings{}).Write(b)
		if err != nil || !bytes.Contains(f.Bytes, []byte("<Nm>"+want+"</Nm>")) {
			t.Errorf("%q is not written as %q: %v", name, want, err)
		}
	}
	for _, name := range []string{"Иван", "Lê ×", "a_b", "ﬁ", "李"} {
		b := batch(1)
		b.Lines[0].Payee.AccountName = name
		if _, err := rail(t, bankfile.Settings{}).Write(b); err == nil {
			t.Errorf("%q is written", name)
		}
	}
}

// No cell of a sheet is a formula, whatever a name says.
func TestNoCellIsAFormula(t *testing.T) {
	t.Parallel()
	for _, format := range []bankfile.Format{bankfile.CSV, bankfile.XLSX} {
		for _, text := range []string{"+1", "-2+3", "=1+1", "@SUM(A1)"} {
			b := batch(2)
			b.Lines[0].Payee.AccountName, b.Lines[1].Purpose = text, text
			_, err := rail(t, bankfile.Settings{Format: format}).Write(b)
			var u *rails.Unwritable
			if !errors.As(err, &u) || len(u.Faults) != 2 {
				t.Errorf("%s takes %q: %v", format, text, err)
			}
		}
	}
}

func TestWorkbookKeepsZerosAndSums(t *testing.T) {
	t.Parallel()
	f, err := rail(t, bankfile.Settings{Format: bankfile.XLSX}).Write(batch(3))
	if err != nil {
		t.Fatal(err)
	}
	book, err := excelize.OpenReader(bytes.NewReader(f.Bytes))
	if err != nil {
		t.Fatal(err)
	}
	defer book.Close()
	for cell, want := range map[string]string{"D2": "0000000001", "F2": "1000000", "A5": "Total 3", "F5": "3000111"} {
		if got, _ := book.GetCellValue("Sheet1", cell); got != want {
			t.Errorf("%s is %q, not %q", cell, got, want)
		}
	}
	if kind, _ := book.GetCellType("Sheet1", "D2"); kind != excelize.CellTypeSharedString && kind != excelize.CellTypeInlineString {
		t.Errorf("an account number is of type %v", kind)
	}
	if kind, _ := book.GetCellType("Sheet1", "F2"); kind != excelize.CellTypeUnset && kind != excelize.CellTypeNumber {
		t.Errorf("an amount is of type %v", kind)
	}
}
