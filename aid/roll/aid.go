package roll

import (
	"strconv"
	"time"
)

// TotalColumns are the columns of a list of all households of areas.
func TotalColumns() []Column {
	return []Column{{"area_code", true}, {"review_year", false}, {"households", true}}
}

// TotalLine is one row of it.
type TotalLine struct {
	Area       string
	Households int
}

// Totals reads the rows of a list of totals.
type Totals struct {
	Year  int
	Areas map[string]Area

	seen map[string]int
}

// Read reads a row. The line is nil when a fault is more than a warning.
func (t *Totals) Read(n int, f *Fields) *TotalLine {
	area := f.code("area_code", 40)
	if _, ok := t.Areas[area]; area != "" && !ok {
		f.fault("area_code", "unknown_area")
	}
	if year := f.number("review_year", 1990, 2200); year != nil && int(*year) != t.Year {
		f.fault("review_year", "other_year", "year", strconv.Itoa(t.Year))
	}
	households := f.small("households", 1, 100_000_000)
	if households == nil && !f.failed("households") {
		f.fault("households", "required")
	}
	if t.seen == nil {
		t.seen = map[string]int{}
	}
	if row, twice := t.seen[area]; twice && area != "" {
		f.fault("area_code", "duplicate_row", "row", strconv.Itoa(row))
	} else {
		t.seen[area] = n
	}
	if len(f.faults) > 0 {
		return nil
	}
	return &TotalLine{Area: area, Households: *households}
}

// AidColumns are the columns of a list of aid that was given: by the fund in
// the past, or by a partner itself, then with a valuation.
func AidColumns(partner bool) []Column {
	columns := []Column{{"source", true}, {"reference", true}, {"programme", true}, {"area_code", true}, {"paid_on", true}, {"amount", true},
		{"currency", false}, {"household_code", false}, {"full_name", true}, {"id_number", false}, {"birth_date", false}, {"sex", false},
		{"phone", false}, {"address", false}}
	if partner {
		columns = append(columns, Column{"valuation", true})
	}
	return columns
}

// AidLine is one row of it.
type AidLine struct {
	Source    string
	Reference string
	Programme string
	Area      string
	PaidOn    string // 2006-01-02
	Amount    int64  // minor units
	Currency  string
	Household string
	Person    Person
	Valuation string // cash, invoiced, estimated; of a partner's aid
}

// Aid reads the rows of a list of aid that was given.
type Aid struct {
	Partner    bool
	Known      func(area, day string) bool // is there such an area as of then
	Currencies map[string]string           // of the programmes, by code

	seen map[string]int
}

// Read reads a row. The line is nil when a fault is more than a warning.
func (a *Aid) Read(n int, f *Fields) *AidLine {
	line := &AidLine{Source: f.required("source", 100), Reference: f.required("reference", 60), Programme: f.code("programme", 60),
		Area: f.code("area_code", 40), PaidOn: f.date("paid_on"), Currency: f.text("currency", 3), Household: f.text("household_code", 60)}
	line.Person = f.person()
	a.amount(f, line)
	if line.PaidOn == "" && !f.failed("paid_on") {
		f.fault("paid_on", "required")
	}
	if line.PaidOn != "" && line.Area != "" && !a.Known(line.Area, line.PaidOn) {
		f.fault("area_code", "unknown_area")
	}
	if a.Partner {
		if line.Valuation = f.choice("valuation", map[string]string{"cash": "cash", "invoiced": "invoiced", "estimated": "estimated"}); line.Valuation == "" && !f.failed("valuation") {
			f.fault("valuation", "required")
		}
	}
	if a.seen == nil {
		a.seen = map[string]int{}
	}
	key := line.Source + "\x00" + line.Reference
	if row, twice := a.seen[key]; twice && line.Reference != "" {
		f.fault("reference", "duplicate_row", "row", strconv.Itoa(row))
	} else {
		a.seen[key] = n
	}
	for _, fault := range f.faults {
		if !fault.Warning {
			return nil
		}
	}
	return line
}

func (a *Aid) amount(f *Fields, line *AidLine) {
	currency, ok := a.Currencies[line.Programme]
	if line.Programme != "" && !ok {
		f.fault("programme", "unknown_programme")
	}
	if line.Currency == "" {
		line.Currency = currency
	} else if ok && line.Currency != currency {
		f.fault("currency", "currency_not_accepted")
	}
	amount := f.number("amount", 1, 9_007_199_254_740_991)
	switch {
	case amount != nil:
		line.Amount = *amount
	case !f.failed("amount"):
		f.fault("amount", "required")
	}
}

func firstDay(year int) time.Time { return time.Date(year, 1, 1, 0, 0, 0, 0, time.UTC) }
