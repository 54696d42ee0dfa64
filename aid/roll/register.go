package roll

import (
	"errors"
	"strconv"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/aid/means"
)

// Area is what a list needs to know of an area.
type Area struct {
	Urban bool
	Leaf  bool // no area lies below it: households live there
}

// RegisterColumns are the columns of a yearly review list: one row is one
// member of a household. Ethnic origin has no column: it is not kept.
func RegisterColumns() []Column {
	return []Column{{"household_code", true}, {"area_code", true}, {"review_year", false}, {"head", true}, {"relation", false},
		{"full_name", true}, {"id_number", false}, {"birth_date", false}, {"sex", false}, {"phone", false}, {"address", false},
		{"score_a", false}, {"score_b", false}, {"income_per_head", false}, {"indicators", false}, {"classification", false}}
}

// RegisterLine is one row of a review list.
type RegisterLine struct {
	Household string
	Area      string
	Year      int
	Head      bool
	Relation  string
	Person    Person
	Test      means.Test // of the head's row
	Declared  means.Classification
	Class     means.Classification // computed, of the head's row
	Period    string
	By        string
}

// Register reads the rows of one review list and remembers what they say of
// households and persons, so that rows which contradict each other are told.
type Register struct {
	Rules *means.Rules
	Year  int
	Areas map[string]Area // where this list may have households

	households map[string]*household
	members    map[string]int // household and member -> row
	numbers    map[string]int // id number -> row
}

type household struct {
	area   string
	first  int  // row
	head   int  // row; 0 until it comes
	faulty bool // a row does not say whether it is the head's
}

// NewRegister makes a reader of a list.
func NewRegister(rules *means.Rules, year int, areas map[string]Area) *Register {
	return &Register{Rules: rules, Year: year, Areas: areas, households: map[string]*household{}, members: map[string]int{}, numbers: map[string]int{}}
}

// Read reads a row. The line is nil when a fault is more than a warning.
func (r *Register) Read(n int, f *Fields) *RegisterLine {
	line := &RegisterLine{Household: f.code("household_code", 60), Area: f.code("area_code", 40), Year: r.Year, Relation: f.text("relation", 60)}
	if year := f.number("review_year", 1990, 2200); year != nil && int(*year) != r.Year {
		f.fault("review_year", "other_year", "year", strconv.Itoa(r.Year))
	}
	head := f.choice("head", yesNo())
	if head == "" && !f.failed("head") {
		f.fault("head", "required")
	}
	line.Head = head == "yes"
	line.Person = f.person()
	area, ok := r.Areas[line.Area]
	switch {
	case line.Area == "":
	case !ok:
		f.fault("area_code", "unknown_area")
	case !area.Leaf:
		f.fault("area_code", "area_too_wide")
	}
	r.judge(f, line, area.Urban)
	r.compare(n, f, line)
	for _, fault := range f.faults {
		if !fault.Warning {
			return nil
		}
	}
	return line
}

// judge reads what was counted of the household, which stands on the head's
// row; on others it may be repeated and is not looked at.
func (r *Register) judge(f *Fields, line *RegisterLine, urban bool) {
	line.Test = means.Test{Urban: urban, ScoreA: f.small("score_a", 0, 1000), ScoreB: f.small("score_b", 0, 1000),
		IncomePerHead: f.number("income_per_head", 0, 1_000_000_000_000), Indicators: f.small("indicators", 0, 100)}
	line.Declared = means.Classification(f.choice("classification", classes()))
	if !line.Head {
		line.Test, line.Declared = means.Test{}, ""
		return
	}
	if f.failed("score_a") || f.failed("score_b") || f.failed("income_per_head") || f.failed("indicators") {
		return
	}
	result, err := r.Rules.Classify(firstDay(r.Year), line.Test)
	if err != nil {
		for _, fault := range faultsOf(err) {
			f.fault(fault.Pointer[min(1, len(fault.Pointer)):], fault.Code)
		}
		return
	}
	line.Class, line.Period, line.By = result.Class, result.Period, result.By
	if result.Doubt != "" {
		f.warn("income_per_head", result.Doubt)
	}
	if line.Declared != "" && line.Declared != line.Class {
		f.warn("classification", "classification_differs", "computed", string(line.Class), "rules", line.Period)
	}
}

func classes() map[string]string {
	return map[string]string{"poor": "poor", "near_poor": "near_poor", "near-poor": "near_poor", "other": "other",
		"hộ nghèo": "poor", "nghèo": "poor", "hộ cận nghèo": "near_poor", "cận nghèo": "near_poor", "không nghèo": "other", "hộ khác": "other"}
}

// compare looks at what earlier rows have said of this household and person.
// The first row stands; what contradicts it is refused.
func (r *Register) compare(n int, f *Fields, line *RegisterLine) {
	if line.Household == "" {
		return
	}
	h, known := r.households[line.Household]
	if !known {
		h = &household{area: line.Area, first: n}
		r.households[line.Household] = h
	}
	if h.area != line.Area && line.Area != "" {
		f.fault("area_code", "household_differs", "row", strconv.Itoa(h.first))
	}
	h.faulty = h.faulty || f.failed("head")
	if line.Head {
		if h.head != 0 {
			f.fault("head", "second_head", "row", strconv.Itoa(h.head))
		} else {
			h.head = n
		}
	}
	r.repeats(n, f, r.members, line.Household+"\x00"+line.Person.FullName+"\x00"+line.Person.BirthDate+"\x00"+line.Person.NationalID, "full_name", "duplicate_row")
	if line.Person.NationalID != "" {
		r.repeats(n, f, r.numbers, line.Person.NationalID, "id_number", "duplicate_id_number")
	}
}

func (r *Register) repeats(n int, f *Fields, seen map[string]int, key, column, code string) {
	if row, twice := seen[key]; twice {
		f.fault(column, code, "row", strconv.Itoa(row))
		return
	}
	seen[key] = n
}

// Headless gives the first row of every household for which no row of a head
// came: it has members and no review.
func (r *Register) Headless() []int {
	var rows []int
	for _, h := range r.households {
		if h.head == 0 && !h.faulty {
			rows = append(rows, h.first)
		}
	}
	return rows
}

func faultsOf(err error) []aid.Fault {
	var e *aid.Error
	if errors.As(err, &e) && len(e.Faults) > 0 {
		return e.Faults
	}
	return []aid.Fault{{Pointer: "/review_year", Code: aid.CodeOf(err)}}
}
