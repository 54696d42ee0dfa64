package bankfile

import (
	"errors"
	"math"
	"regexp"

	"github.com/aidflow/aidflow/rails"
)

// maxSum is the highest sum that every format and spreadsheet keeps exactly: 15
// digits.
const maxSum = 999_999_999_999_999

var (
	idPattern      = regexp.MustCompile(`^[0-9A-Za-z]([0-9A-Za-z.-]*[0-9A-Za-z])?$`)
	binPattern     = regexp.MustCompile(`^[0-9]{6}$`)
	accountPattern = regexp.MustCompile(`^[0-9A-Za-z]+$`)
)

// checker collects what is wrong with a batch while it is written in the
// bank's letters.
type checker struct {
	set    Settings
	line   int
	faults []rails.LineFault
}

func (c *checker) fault(field, code string) {
	c.faults = append(c.faults, rails.LineFault{Line: c.line, Field: field, Code: code})
}

// checked gives the batch in the bank's letters, or an *rails.Unwritable.
func (r *Rail) checked(b rails.Batch) (rails.Batch, error) {
	c := &checker{set: r.set}
	c.id("id", b.ID)
	b.Debtor.Name = c.text("debtor.name", b.Debtor.Name, maxName)
	c.account("debtor", b.Debtor.BankBIN, b.Debtor.Number)
	if b.CreatedAt.IsZero() {
		c.fault("created_at", "required")
	}
	if b.ExecuteOn.IsZero() {
		c.fault("execute_on", "required")
	}
	if b.Currency != c.set.Currency {
		c.fault("currency", "currency")
	}
	c.size(b.Lines)
	b.Lines = c.lines(b)
	if c.faults != nil {
		return rails.Batch{}, &rails.Unwritable{Faults: c.faults}
	}
	return b, nil
}

// size checks number and sum of the lines.
func (c *checker) size(lines []rails.BatchLine) {
	switch {
	case len(lines) == 0:
		c.fault("lines", "required")
	case len(lines) > c.set.MaxLines:
		c.fault("lines", "too_many_lines")
	}
	sum := int64(0)
	for _, l := range lines {
		if l.Amount > 0 && l.Amount <= math.MaxInt64-sum {
			sum += l.Amount
		} else if l.Amount > 0 {
			sum = math.MaxInt64
		}
	}
	if sum > maxSum {
		c.fault("lines", "too_large")
	}
}

func (c *checker) lines(b rails.Batch) []rails.BatchLine {
	seen := map[string]bool{}
	plain := make([]rails.BatchLine, len(b.Lines))
	for i, l := range b.Lines {
		c.line = i + 1
		if id := rails.EndToEnd(l.Key); seen[id] {
			c.fault("key", "duplicate")
		} else {
			seen[id] = true
		}
		if l.Currency != b.Currency {
			c.fault("currency", "currency")
		}
		plain[i] = rails.BatchLine{Instruction: c.instruction(l.Instruction)}
	}
	return plain
}

// instruction checks a line and gives it in the bank's letters.
func (c *checker) instruction(in rails.Instruction) rails.Instruction {
	var invalid *rails.Error
	if errors.As(in.Validate(), &invalid) {
		c.fault(invalid.Field, "invalid")
	} else if back, ok := rails.KeyOf(rails.EndToEnd(in.Key)); !ok || back != in.Key {
		c.fault("key", "invalid") // the bank's answer could not be told
	} else if len(rails.EndToEnd(in.Key)) > maxID {
		c.fault("key", "too_long")
	}
	if in.Amount > maxSum || c.set.MaxAmount > 0 && in.Amount > c.set.MaxAmount {
		c.fault("amount", "too_large")
	}
	if in.Payee.Method != rails.MethodBank {
		c.fault("payee.method", "method")
	}
	c.account("payee", in.Payee.BankBIN, in.Payee.AccountNumber)
	in.Payee.AccountName = c.text("payee.account_name", in.Payee.AccountName, c.set.NameLength)
	if in.Purpose != "" {
		in.Purpose = c.text("purpose", in.Purpose, maxText)
	}
	return in
}

func (c *checker) id(field, id string) {
	switch {
	case id == "":
		c.fault(field, "required")
	case len(id) > maxID:
		c.fault(field, "too_long")
	case !idPattern.MatchString(id):
		c.fault(field, "characters")
	}
}

// account checks the number of a bank and of an account at it. The field of
// the number is account_number for a payee and number for the debtor, as their
// types say.
func (c *checker) account(who, bin, number string) {
	field := who + ".account_number"
	if who == "debtor" {
		field = "debtor.number"
	}
	switch {
	case bin == "":
		c.fault(who+".bank_bin", "required")
	case !binPattern.MatchString(bin):
		c.fault(who+".bank_bin", "invalid")
	}
	switch {
	case number == "":
		c.fault(field, "required")
	case len(number) > maxAccount:
		c.fault(field, "too_long")
	case !accountPattern.MatchString(number):
		c.fault(field, "characters")
	}
}

// text gives a text in the bank's letters. In a sheet none may be a formula.
func (c *checker) text(field, text string, longest int) string {
	plain := latin(text)
	switch {
	case plain == "":
		c.fault(field, "required")
	case !clean(plain), c.set.Format != Pain001 && formula(plain):
		c.fault(field, "characters")
	case len(plain) > longest:
		c.fault(field, "too_long")
	}
	return plain
}
