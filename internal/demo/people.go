package demo

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"
	"unicode"

	"golang.org/x/text/unicode/norm"

	"github.com/aidflow/aidflow/internal/postgres"
)

// family is a household of the development register whose head applies.
type family struct {
	code    string // number in the register
	area    string // commune
	head    person
	members []person // without the head
}

// people gives out households, each once.
type people struct {
	portal *caller
	left   []family
	tried  bool     // left holds those who were helped before
	helped []family // without an open case, but with an ended one
}

func newPeople(portal *caller) *people {
	return &people{portal: portal, left: families()}
}

// next gives a household of the area (or of any, when it is "") that has no
// open case: rather one that never had a case at all.
//
// Errors: one that says so when there is none.
func (p *people) next(ctx context.Context, area string) (family, error) {
	for i := 0; i < len(p.left); {
		f := p.left[i]
		if area != "" && f.area != area {
			i++
			continue
		}
		p.left = append(p.left[:i:i], p.left[i+1:]...)
		state, err := p.history(ctx, f)
		if err != nil {
			return family{}, err
		}
		switch {
		case state == never || (p.tried && state == ended):
			return f, nil
		case state == ended:
			p.helped = append(p.helped, f)
		}
	}
	if p.tried || len(p.helped) == 0 {
		return family{}, errors.New("every household of the development data has an open case: decide some of them, or start with a new state folder")
	}
	p.left, p.helped, p.tried = append(p.left, p.helped...), nil, true
	return p.next(ctx, area)
}

// towns gives the communes where households live, in the register's order.
func (p *people) towns() []string {
	var towns []string
	for _, f := range p.left {
		if !slices.Contains(towns, f.area) {
			towns = append(towns, f.area)
		}
	}
	return towns
}

// What a household has to do with the portal so far.
const (
	never = "never"
	ended = "ended"
	open  = "open"
)

func (p *people) history(ctx context.Context, f family) (string, error) {
	var found struct {
		Data []caseView `json:"data"`
	}
	if _, err := p.portal.post(ctx, "/v1/cases/search", map[string]string{"household_code": f.code}, &found); err != nil {
		return "", err
	}
	state := never
	for _, c := range found.Data {
		switch c.Status {
		case "closed", "rejected", "withdrawn":
			state = ended
		default:
			return open, nil
		}
	}
	return state, nil
}

// families gives the households of the development register in its order.
func families() []family {
	var all []family
	for _, p := range postgres.DevelopmentPeople() {
		one := person{FullName: p.FullName, NationalID: p.NationalID, BirthDate: p.BirthDate, Sex: p.Sex}
		if p.Relation == "head" {
			one.Phone, one.Address = p.Phone, "Thôn 3"
			all = append(all, family{code: p.HouseholdCode, area: p.Area, head: one})
			continue
		}
		one.Relation = p.Relation
		f := &all[len(all)-1]
		f.members = append(f.members, one)
	}
	return all
}

// account is the household's bank account, invented from the number of its
// head.
func (f family) account() payee {
	return payee{Kind: "household", Method: "bank", BankBIN: "970416",
		AccountNumber: "0051" + f.head.NationalID[6:], AccountName: accountName(f.head.FullName)}
}

// accountName writes a name as banks do: capitals without accents.
func accountName(name string) string {
	bare := strings.Map(func(r rune) rune {
		if unicode.Is(unicode.Mn, r) {
			return -1
		}
		return r
	}, norm.NFD.String(strings.ToUpper(name)))
	return strings.ReplaceAll(bare, "Đ", "D")
}

// youngest gives the last member of the household: its pupil.
func (f family) youngest() person {
	pupil := f.head
	for _, m := range f.members {
		if m.BirthDate > pupil.BirthDate {
			pupil = m
		}
	}
	return pupil
}

// age gives somebody's age in whole years on a day; 0 when the date is none.
func (p person) age(on time.Time) int {
	born, err := time.Parse(time.DateOnly, p.BirthDate)
	if err != nil {
		return 0
	}
	years := on.Year() - born.Year()
	if on.Month() < born.Month() || (on.Month() == born.Month() && on.Day() < born.Day()) {
		years--
	}
	return years
}
