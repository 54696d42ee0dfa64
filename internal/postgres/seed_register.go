package postgres

import (
	"context"
	"encoding/json"

	"github.com/aidflow/aidflow/aid/means"
	"github.com/aidflow/aidflow/aid/programme"
)

// seedTotal is how many households each commune of the development data has.
// Eight of them are in the register: a poverty rate like that of the province.
const seedTotal = 120

// SeedRegister writes the development register: the invented households and
// those of the programmes' example requests, so that an example passes the
// checks, reviewed this year and last year by a means test.
func (s *Store) SeedRegister(ctx context.Context, definitions []*programme.Definition, rules *means.Rules) error {
	year := s.Now().Year()
	households := developmentRegister(definitions)
	return s.Write(ctx, func(tx *Tx) error {
		for _, y := range []int{year - 1, year} {
			rows, err := reviewed(households, rules, y)
			if err != nil {
				return err
			}
			if _, err := tx.SaveRegister(nil, rows); err != nil {
				return err
			}
			for _, area := range developmentCommunes() {
				if _, err := tx.SaveTotals(nil, []AreaTotal{{Area: area, Year: y, Households: seedTotal}}); err != nil {
					return err
				}
			}
		}
		return nil
	})
}

// seedHousehold is an invented household: its members, the head first, and
// what a reviewer counted.
type seedHousehold struct {
	code, area string
	members    []ListedMember
	test       means.Test
}

func reviewed(households []seedHousehold, rules *means.Rules, year int) ([]RegisterRow, error) {
	var rows []RegisterRow
	for _, h := range households {
		review, _, err := Judge(rules, year, h.test, "")
		if err != nil {
			return nil, err
		}
		for i, m := range h.members {
			row := RegisterRow{Household: h.code, Area: h.area, Year: year, Head: i == 0, Member: m}
			if i == 0 {
				row.Review = review
			}
			rows = append(rows, row)
		}
	}
	return rows, nil
}

func developmentRegister(definitions []*programme.Definition) []seedHousehold {
	var all []seedHousehold
	for i := range developmentHouseholds {
		h := seedHousehold{test: seedTest(i)}
		for _, p := range DevelopmentHousehold(i) {
			h.code, h.area = p.HouseholdCode, p.Area
			h.members = append(h.members, ListedMember{FullName: p.FullName, NationalID: p.NationalID, BirthDate: p.BirthDate, Sex: p.Sex,
				Phone: p.Phone, Relation: p.Relation})
		}
		all = append(all, h)
	}
	seen := map[string]bool{}
	for i, def := range definitions {
		var example struct {
			Applicant Applicant `json:"applicant"`
			Household Household `json:"household"`
		}
		if json.Unmarshal(def.ExampleRequest, &example) != nil || example.Household.Code == "" || seen[example.Household.Code] {
			continue
		}
		seen[example.Household.Code] = true
		a := example.Applicant
		h := seedHousehold{code: example.Household.Code, area: developmentCommunes()[0], test: seedTest(i * 3),
			members: []ListedMember{{FullName: a.FullName, NationalID: a.NationalID, BirthDate: a.BirthDate, Sex: a.Sex, Phone: a.Phone, Address: a.Address, Relation: "head"}}}
		for _, m := range example.Household.Members {
			h.members = append(h.members, ListedMember{FullName: m.FullName, NationalID: m.NationalID, BirthDate: m.BirthDate, Sex: m.Sex, Relation: m.Relation})
		}
		all = append(all, h)
	}
	return all
}

// seedTest is what a reviewer counted in the ith invented household: two of
// three are poor and every third is near-poor. Income and indicators say the
// same as the scores, for the years that have no lines of scores.
func seedTest(i int) means.Test {
	a, b, income := 96+i%40, 30+i%4*10, int64(900_000+i*37%11*50_000)
	if i%3 == 2 {
		a, b = 118+i%20, i%3*10
	}
	indicators := b / 10
	return means.Test{ScoreA: &a, ScoreB: &b, IncomePerHead: &income, Indicators: &indicators}
}
