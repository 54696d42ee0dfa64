package roll

import (
	"slices"
	"strconv"
	"strings"
)

// Column is one column of a kind of list.
type Column struct {
	Name     string
	Required bool // the column has to be there; whether a cell may be empty is another matter
}

// Header finds the columns of a list by its first row. All that is wrong is
// told at once: column_missing and column_twice name the column,
// column_unknown names it where it looks like a name, and by its place (param
// place) where it may be anybody's data.
func Header(columns []Column, cells []Cell) (at map[string]int, faults []Fault) {
	at = map[string]int{}
	for i, c := range cells {
		name := strings.ToLower(strings.TrimSpace(c.Text))
		switch {
		case name == "" && !c.Formula:
		case c.Formula:
			faults = append(faults, Fault{Code: "formula", Params: map[string]string{"place": strconv.Itoa(i + 1)}})
		case !slices.ContainsFunc(columns, func(k Column) bool { return k.Name == name }):
			fault := Fault{Code: "column_unknown", Params: map[string]string{"place": strconv.Itoa(i + 1)}}
			if looksLikeName(name) {
				fault.Column = name
			}
			faults = append(faults, fault)
		default:
			if _, twice := at[name]; twice {
				faults = append(faults, Fault{Column: name, Code: "column_twice"})
			}
			at[name] = i
		}
	}
	for _, k := range columns {
		if _, there := at[k.Name]; k.Required && !there {
			faults = append(faults, Fault{Column: k.Name, Code: "column_missing"})
		}
	}
	return at, faults
}

// looksLikeName tells whether a word can be the name of a column: lower-case
// letters joined by underscores. A person's name has spaces or accents.
func looksLikeName(s string) bool {
	return len(s) <= 40 && strings.Trim(s, "abcdefghijklmnopqrstuvwxyz_") == ""
}
