// Package bankfile pays by files that a person carries to the bank and back:
// a released pay run becomes an ISO 20022 pain.001, a CSV or an XLSX file, and
// pain.002, camt.053, camt.054 and CSV files tell what became of it. What a
// bank calls its fields stays here.
//
// It keeps nothing, has no clock and touches no disk.
package bankfile

import (
	"fmt"
	"slices"
	"time"

	"github.com/aidflow/aidflow/aid/money"
	"github.com/aidflow/aidflow/rails"
)

// Format is the form of the files that are written. Files of the bank are told
// by their content.
type Format string

// The formats.
const (
	Pain001 Format = "pain.001"
	CSV     Format = "csv"
	XLSX    Format = "xlsx"
)

// Settings says how one bank wants its files. The zero value is a bank that
// takes pain.001.001.09 in VND.
type Settings struct {
	Name           string   // the rail's stable name; "" means "bankfile"
	Format         Format   // "" means Pain001
	Version        string   // of pain.001.001: "09" ("" means it), "03" or "11"
	Currency       string   // ISO 4217 code that the rail carries, and that CSV files of the bank are in; "" means VND
	MaxAmount      int64    // highest amount of a line in minor units; 0 means none
	MaxLines       int      // most lines of a file; 0 means 10,000
	NameLength     int      // longest name of a payee that the bank takes, at most 140; 0 means 140
	ClearingSystem string   // under whose code numbers banks are named (ClrSysId/Prtry); "" means NAPAS, whose numbers are the BINs
	Columns        []Column // of a CSV or XLSX file that is written; nil means Columns()
	WithoutTotal   bool     // a CSV or XLSX file has no last row with number and sum: for banks that would read it as a payment
	Delimiter      rune     // of a CSV file that is written; 0 means ';', what a Vietnamese Excel expects
	Statement      Layout   // how CSV files of the bank are read
}

// Rail is the file rail of one bank. It is safe for concurrent use.
type Rail struct{ set Settings }

var _ rails.FileRail = (*Rail)(nil)

// New gives a rail with these settings. The error names the setting that it
// does not understand.
func New(set Settings) (*Rail, error) {
	def(&set.Name, "bankfile")
	def(&set.Format, Pain001)
	def(&set.Version, "09")
	def(&set.Currency, "VND")
	def(&set.MaxLines, 10_000)
	def(&set.NameLength, maxName)
	def(&set.ClearingSystem, "NAPAS")
	def(&set.Delimiter, ';')
	if set.Columns == nil {
		set.Columns = Columns()
	}
	if err := set.check(); err != nil {
		return nil, err
	}
	layout, err := set.Statement.complete()
	if err != nil {
		return nil, err
	}
	set.Statement = layout
	return &Rail{set}, nil
}

func def[T comparable](setting *T, value T) {
	var zero T
	if *setting == zero {
		*setting = value
	}
}

func (s Settings) check() error {
	_, known := money.Exponent(s.Currency)
	switch {
	case !slices.Contains([]Format{Pain001, CSV, XLSX}, s.Format):
		return fmt.Errorf("bankfile: there is no format %q", s.Format)
	case !slices.Contains([]string{"03", "09", "11"}, s.Version):
		return fmt.Errorf("bankfile: pain.001.001 is written in the versions 03, 09 and 11, not %q", s.Version)
	case !known:
		return fmt.Errorf("bankfile: there is no currency %q", s.Currency)
	case s.MaxLines < 1, s.NameLength < 1, s.NameLength > maxName, s.MaxAmount < 0:
		return fmt.Errorf("bankfile: a limit is below 1, or names are longer than %d", maxName)
	case !clean(s.ClearingSystem) || len(s.ClearingSystem) > maxID:
		return fmt.Errorf("bankfile: the clearing system does not fit into a file")
	case s.Delimiter != ',' && s.Delimiter != ';' && s.Delimiter != '\t':
		return fmt.Errorf("bankfile: the delimiter is ',', ';' or a tabulator")
	}
	return checkColumns(s.Columns)
}

// Name gives the name of the settings.
func (r *Rail) Name() string { return r.set.Name }

// Capabilities says that this rail is slow and cannot be asked.
func (r *Rail) Capabilities() rails.Capabilities {
	return rails.Capabilities{
		MaxAmount:  r.set.MaxAmount,
		Currencies: []string{r.set.Currency},
		Methods:    []string{rails.MethodBank},
	}
}

// Write gives the file of a batch, or an *rails.Unwritable with every fault of
// every line. The bytes depend on the batch and the settings alone.
func (r *Rail) Write(b rails.Batch) (rails.File, error) {
	plain, err := r.checked(b)
	if err != nil {
		return rails.File{}, err
	}
	switch r.set.Format {
	case CSV:
		return r.writeCSV(plain)
	case XLSX:
		return r.writeXLSX(plain)
	}
	return r.writePain001(plain)
}

// day writes a date in the place in which the caller has it.
func day(t time.Time) string { return t.Format(time.DateOnly) }
