package means

import (
	"bytes"
	"errors"
	"io"
	"strconv"
	"time"

	"github.com/aidflow/aidflow/aid"
	"go.yaml.in/yaml/v3"
)

// Day is a date without a time, written 2006-01-02.
type Day struct{ time.Time }

// String writes the date.
func (d Day) String() string { return d.Format(time.DateOnly) }

// UnmarshalYAML reads a date.
func (d *Day) UnmarshalYAML(node *yaml.Node) (err error) {
	d.Time, err = time.Parse(time.DateOnly, node.Value)
	return err
}

// Parse reads the rules of one means test from YAML and checks them as a whole.
//
// Errors: Invalid means_rules_invalid with all faults and their places:
// not_yaml (also for unknown fields), required, no_periods, bad_period (ends
// before it begins), periods_overlap, periods_gap, bad_line, bad_indicators.
func Parse(data []byte) (*Rules, error) {
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	decoder.KnownFields(true)
	var r Rules
	if err := decoder.Decode(&r); err != nil {
		return nil, refuse([]aid.Fault{{Code: "not_yaml"}}, err)
	}
	if err := decoder.Decode(new(yaml.Node)); !errors.Is(err, io.EOF) {
		return nil, refuse([]aid.Fault{{Code: "not_yaml"}}, err)
	}
	if faults := r.faults(); len(faults) > 0 {
		return nil, refuse(faults, nil)
	}
	return &r, nil
}

func refuse(faults []aid.Fault, cause error) error {
	return &aid.Error{Kind: aid.Invalid, Code: "means_rules_invalid", Faults: faults, Cause: cause}
}

func (r *Rules) faults() []aid.Fault {
	var faults []aid.Fault
	add := func(pointer, code string) { faults = append(faults, aid.Fault{Pointer: pointer, Code: code}) }
	for pointer, value := range map[string]string{"/code": r.Code, "/currency": r.Currency, "/titles/vi": r.Titles["vi"],
		"/titles/en": r.Titles["en"], "/titles/id": r.Titles["id"]} {
		if value == "" {
			add(pointer, "required")
		}
	}
	if len(r.Periods) == 0 {
		add("/periods", "no_periods")
	}
	for i, p := range r.Periods {
		at := "/periods/" + strconv.Itoa(i)
		faults = append(faults, p.faults(at)...)
		if i == 0 {
			continue
		}
		switch before := r.Periods[i-1].Until; {
		case before.IsZero() || p.From.Before(before.Time):
			add(at+"/from", "periods_overlap")
		case p.From.After(before.Time):
			add(at+"/from", "periods_gap")
		}
	}
	return faults
}

func (p *Period) faults(at string) []aid.Fault {
	var faults []aid.Fault
	add := func(pointer, code string) { faults = append(faults, aid.Fault{Pointer: at + pointer, Code: code}) }
	if p.From.IsZero() {
		add("/from", "required")
	}
	if p.Source == "" {
		add("/source", "required")
	}
	if !p.Until.IsZero() && !p.Until.After(p.From.Time) {
		add("/until", "bad_period")
	}
	if !p.Income.good() {
		add("/income", "bad_line")
	}
	if p.Score != nil && !p.Score.good() {
		add("/score", "bad_line")
	}
	if d := p.Indicators; d.Points <= 0 || d.Deprived <= 0 || d.Of < d.Deprived {
		add("/indicators", "bad_indicators")
	}
	return faults
}

func (l Lines) good() bool { return l.Rural > 0 && l.Urban > 0 }
