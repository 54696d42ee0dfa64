package rails

import (
	"fmt"
	"io"
	"log/slog"
	"regexp"
	"strings"
	"time"
)

// FileRail is a way to pay by files: a released pay run becomes one file that
// a person hands to the bank, and the bank's word comes back in files. It
// cannot be asked about a payment. Implementations keep nothing and are safe
// for concurrent use.
type FileRail interface {
	// Name and Capabilities as of a Rail; Instant and CanAsk are false.
	Name() string
	Capabilities() Capabilities
	// Write gives the file of a batch. The same batch gives the same bytes.
	// What the format cannot carry is a Fault of its line, all of them at
	// once, in an *Unwritable: no file is written with a line left out.
	Write(Batch) (File, error)
	// Read gives what a file of the bank says. A file that is truncated, whose
	// control sums are wrong or that is of no known format is an *Unreadable,
	// and nothing of it is to be believed.
	Read(io.Reader) (*Report, error)
}

// Batch is the content of one released pay run.
type Batch struct {
	ID        string    // message id: unique for ever, at most 35 letters, digits, "-" and "."; no underscore
	CreatedAt time.Time // the moment of the release: part of the bytes
	ExecuteOn time.Time // the day on which the bank is to pay
	Debtor    Account   // the fund's own account
	Currency  string    // ISO 4217, of every line
	Lines     []BatchLine
}

// Sum gives the control sum of the batch in minor units.
func (b Batch) Sum() (sum int64) {
	for _, l := range b.Lines {
		sum += l.Amount
	}
	return sum
}

// Account is a fund's own account at its bank.
type Account struct {
	Name    string // of its holder
	BankBIN string // as of a payee
	Number  string
}

// BatchLine is one payment of a batch. Its end-to-end id is EndToEnd(Key).
type BatchLine struct{ Instruction }

// File is what a person hands to the bank.
type File struct {
	Name  string // a file name without personal data
	Type  string // media type
	Bytes []byte
}

// Unwritable says which lines a format cannot carry.
type Unwritable struct{ Faults []LineFault }

// LineFault is what is wrong with one line: never its value.
type LineFault struct {
	Line  int    // from 1; 0 speaks of the batch itself
	Field string // as of Instruction: "payee.account_name"; of the batch: "id", "lines", "execute_on", "debtor.name"
	Code  string // stable: "required", "invalid", "characters", "too_long", "too_large", "too_many_lines", "duplicate", "currency", "method"
}

// Error names no line and no value.
func (e *Unwritable) Error() string { return "rails: the batch cannot be written" }

// Unreadable says why a file of the bank is not believed.
type Unreadable struct {
	Code string // stable: "truncated", "control_sum", "unknown_format", "two_currencies", "several_statements", "malformed", "duplicate_line", "too_large"
	Line int    // from 1, 0 where no line is at fault
}

// Error gives the code.
func (e *Unreadable) Error() string { return "rails: the file is not readable: " + e.Code }

// Report is what one file of a bank says.
type Report struct {
	Format   string // "pain.002", "camt.053", "camt.054", "csv"
	ID       string // the bank's id of the message: with the account it is unique
	Account  string // number of the account that it speaks of; "" where the format does not say (pain.002)
	Batch    string // id of the batch that it answers; "" where it is not an answer
	Currency string
	From, To time.Time // the period of a full statement; zero elsewhere
	Full     bool      // every movement of the account in the period is in it
	Opening  *int64    // booked balances in minor units; nil where the format has none
	Closing  *int64
	Lines    []ReportLine
	// Rest is what became of every instruction of the batch that no line names:
	// Refused when the bank turned the whole file away, Accepted when it took
	// it, "" when the file does not say. Never Settled: that is told line by line.
	Rest       State
	RestReason string // reason of the bank for a Rest that is Refused
}

// ReportLine is one line of the bank: what became of an instruction, or one
// movement of the account. Name, account and text of the other side are
// personal: kept in memory, or sealed.
type ReportLine struct {
	N         int       // from 1, as in the file
	EndToEnd  string    // as sent; "" where the bank does not give it
	Reference string    // the bank's own id of the movement
	State     State     // Accepted, Settled, Refused or Failed
	Returned  bool      // with Credit: money that had been paid came back; without: the bank took a credit back. Never a payment settled
	Credit    bool      // money came in; false: it left
	Amount    int64     // minor units, above zero; 0 where an answer (pain.002, csv) does not repeat it
	Currency  string    // ISO 4217; "" with an amount of 0
	BookedOn  time.Time // zero where nothing was booked
	Code      string    // reason of the bank: AC04, NARR ...
	Name      string
	Account   string
	Text      string
}

// String gives the line without what is personal, or might be: it is what
// every usual way to print or log a line writes.
func (l ReportLine) String() string {
	id := l.EndToEnd
	if _, ours := KeyOf(id); !ours {
		id = "-" // whatever somebody else wrote
	}
	return fmt.Sprintf("line %d: %s %s credit=%t returned=%t %d %s", l.N, id, l.State, l.Credit, l.Returned, l.Amount, l.Currency)
}

// Format writes String for every verb of fmt, %+v and %#v included.
func (l ReportLine) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, l.String()) }

// LogValue gives String to slog.
func (l ReportLine) LogValue() slog.Value { return slog.StringValue(l.String()) }

// EndToEnd gives the id under which a key travels in files: their formats
// allow 35 characters and no underscore.
func EndToEnd(key string) string { return strings.TrimPrefix(key, awardPrefix) }

// KeyOf gives the key that travelled as an end-to-end id, and whether it can
// be one of ours.
func KeyOf(endToEnd string) (string, bool) {
	return awardPrefix + endToEnd, travelling.MatchString(endToEnd)
}

// travelling is the form of our keys in files: aid.RailKey counts tranches and
// payments from 1.
var travelling = regexp.MustCompile(`^[A-Za-z0-9-]{1,64}/[1-9][0-9]{0,3}/[1-9][0-9]{0,5}$`)

const awardPrefix = "awd_"
