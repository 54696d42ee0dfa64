// Package roll reads the rows of the lists that offices send in files: the
// review of households, totals of areas, aid of the past, aid that partners
// gave. It knows columns and what may stand in them, and names what is wrong
// by column and code, never by the value.
package roll

import (
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/aidflow/aidflow/aid/identity"
)

// Cell is what stands in a column of a row.
type Cell struct {
	Text    string
	Number  bool // kept as a number: leading zeros are gone
	Formula bool
}

// Fault is what is wrong in a column of a row. A warning does not keep the row
// from being taken.
type Fault struct {
	Column  string
	Code    string
	Params  map[string]string
	Warning bool
}

// Fields reads the cells of one row by the names of their columns and collects
// the faults.
type Fields struct {
	at     map[string]int
	cells  []Cell
	faults []Fault
	today  string // no date lies behind it
}

// NewFields gives a reader of a row. Formulas are faults wherever they stand:
// a list is data, and what a formula shows depends on the machine.
func NewFields(at map[string]int, cells []Cell, today time.Time) *Fields {
	f := &Fields{at: at, cells: cells, today: today.Format(time.DateOnly)}
	for name, i := range at {
		if i < len(cells) && cells[i].Formula {
			f.fault(name, "formula")
			f.cells = slices.Clone(f.cells)
			f.cells[i] = Cell{}
		}
	}
	for i := range cells {
		if !f.named(i) && (cells[i].Text != "" || cells[i].Formula) {
			f.fault("", "column_without_name")
			break
		}
	}
	return f
}

func (f *Fields) named(column int) bool {
	for _, i := range f.at {
		if i == column {
			return true
		}
	}
	return false
}

// Faults gives what was found, by column.
func (f *Fields) Faults() []Fault {
	slices.SortStableFunc(f.faults, func(a, b Fault) int { return strings.Compare(a.Column, b.Column) })
	return f.faults
}

func (f *Fields) fault(column, code string, params ...string) {
	f.add(column, code, false, params)
}

func (f *Fields) warn(column, code string, params ...string) {
	f.add(column, code, true, params)
}

func (f *Fields) add(column, code string, warning bool, params []string) {
	fault := Fault{Column: column, Code: code, Warning: warning}
	for i := 0; i+1 < len(params); i += 2 {
		if fault.Params == nil {
			fault.Params = map[string]string{}
		}
		fault.Params[params[i]] = params[i+1]
	}
	f.faults = append(f.faults, fault)
}

// failed tells whether a column has a fault already.
func (f *Fields) failed(column string) bool {
	return slices.ContainsFunc(f.faults, func(x Fault) bool { return x.Column == column && !x.Warning })
}

func (f *Fields) cell(column string) Cell {
	i, ok := f.at[column]
	if !ok || i >= len(f.cells) {
		return Cell{}
	}
	return f.cells[i]
}

// text gives a text of at most so many characters.
func (f *Fields) text(column string, most int) string {
	s := strings.Join(strings.Fields(f.cell(column).Text), " ")
	switch {
	case utf8.RuneCountInString(s) > most:
		f.fault(column, "too_long", "limit", strconv.Itoa(most))
	case strings.ContainsFunc(s, func(r rune) bool { return unicode.IsControl(r) || r == utf8.RuneError }):
		f.fault(column, "bad_character")
	default:
		return s
	}
	return ""
}

// required gives a text that has to be there.
func (f *Fields) required(column string, most int) string {
	s := f.text(column, most)
	if s == "" && !f.failed(column) {
		f.fault(column, "required")
	}
	return s
}

// code gives a code: letters, digits and a few signs, no spaces.
func (f *Fields) code(column string, most int) string {
	s := f.required(column, most)
	if strings.ContainsFunc(s, func(r rune) bool { return r > '~' || r <= ' ' || strings.ContainsRune(`"'<>\;`, r) }) {
		f.fault(column, "bad_format")
		return ""
	}
	return s
}

// number gives a whole number between two bounds; nil when nothing stands
// there.
func (f *Fields) number(column string, least, most int64) *int64 {
	s := f.cell(column).Text
	if s == "" {
		return nil
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil && f.cell(column).Number { // a workbook may write 1.5E6
		var x float64
		if x, err = strconv.ParseFloat(s, 64); err == nil && x == float64(int64(x)) && x < 1<<53 && x > -1<<53 {
			n = int64(x)
		} else {
			n, err = 0, strconv.ErrSyntax
		}
	}
	switch {
	case err != nil:
		f.fault(column, "not_a_number")
	case n < least:
		f.fault(column, "too_small", "limit", strconv.FormatInt(least, 10))
	case n > most:
		f.fault(column, "too_large", "limit", strconv.FormatInt(most, 10))
	default:
		return &n
	}
	return nil
}

// small gives a number that fits an int; nil when nothing stands there.
func (f *Fields) small(column string, least, most int64) *int {
	if n := f.number(column, least, most); n != nil {
		i := int(*n)
		return &i
	}
	return nil
}

// date gives a date as 2006-01-02; "" when nothing stands there. A workbook's
// own dates are taken; other ways to write one are refused, because 03/04 is
// two days.
func (f *Fields) date(column string) string {
	c := f.cell(column)
	s := c.Text
	if s == "" {
		return ""
	}
	if c.Number {
		days, err := strconv.ParseFloat(s, 64)
		if err != nil || days != float64(int(days)) || days < 61 || days > 100_000 { // before March 1900 workbooks count wrong
			f.fault(column, "date_format")
			return ""
		}
		s = time.Date(1899, 12, 30, 0, 0, 0, 0, time.UTC).AddDate(0, 0, int(days)).Format(time.DateOnly)
	}
	at, err := time.Parse(time.DateOnly, s)
	switch {
	case err != nil:
		f.fault(column, "date_format")
	case s > f.today:
		f.fault(column, "in_future")
	case at.Year() < 1900:
		f.fault(column, "date_format")
	default:
		return s
	}
	return ""
}

// choice gives the value that a word stands for; "" when nothing stands there.
func (f *Fields) choice(column string, words map[string]string) string {
	s := strings.ToLower(f.text(column, 60))
	if s == "" {
		return ""
	}
	value, ok := words[s]
	if !ok {
		f.fault(column, "not_allowed")
	}
	return value
}

func yesNo() map[string]string {
	return map[string]string{"yes": "yes", "no": "no", "true": "yes", "false": "no", "1": "yes", "0": "no", "x": "yes",
		"có": "yes", "không": "no", "ya": "yes", "tidak": "no"}
}

func sexes() map[string]string {
	return map[string]string{"male": "male", "female": "female", "nam": "male", "nữ": "female", "laki-laki": "male", "perempuan": "female"}
}

// Person is somebody whom a row names.
type Person struct {
	FullName   string
	NationalID string
	BirthDate  string
	Sex        string
	Phone      string
	Address    string
}

// person reads the columns of a person. A number that contradicts birth date
// or sex is a warning: the list is what the office has, and a person looks.
func (f *Fields) person() Person {
	p := Person{FullName: f.required("full_name", 200), NationalID: f.idNumber(), BirthDate: f.date("birth_date"), Sex: f.choice("sex", sexes()),
		Phone: f.phone(), Address: f.text("address", 300)}
	for _, fault := range identity.Check(p.NationalID, p.BirthDate, p.Sex) {
		f.warn("id_number", fault.Code)
	}
	return p
}

// idNumber gives a number of twelve digits. One of nine digits is from an old
// paper: the person is taken without a number.
func (f *Fields) idNumber() string {
	c := f.cell("id_number")
	digits := strings.NewReplacer(" ", "", ".", "").Replace(c.Text)
	switch {
	case digits == "":
	case strings.Trim(digits, "0123456789") != "":
		f.fault("id_number", identity.CodeFormat)
	case c.Number && len(digits) < 12:
		f.fault("id_number", "number_not_text")
	case len(digits) == 9:
		f.warn("id_number", "id_old_number")
	case len(digits) != 12:
		f.fault("id_number", identity.CodeFormat)
	default:
		return digits
	}
	return ""
}

func (f *Fields) phone() string {
	c := f.cell("phone")
	s := f.text("phone", 20)
	switch {
	case s == "":
	case c.Number && len(s) < 10:
		f.warn("phone", "number_not_text")
	case len(s) < 6 || strings.Trim(s, "+0123456789 .-") != "":
		f.warn("phone", "bad_format")
	default:
		return s
	}
	return ""
}
