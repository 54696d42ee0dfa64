package imports

import (
	"context"
	"slices"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/aid/roll"
	"github.com/aidflow/aidflow/internal/postgres"
)

// given is a list of aid that was given: by the fund in the past, or by
// partners themselves.
type given struct {
	roll.Aid
	job  *postgres.ImportJob
	rows []numbered
}

type numbered struct {
	n int
	*roll.AidLine
}

func (r *Runner) aid(ctx context.Context, job *postgres.ImportJob, covered []string) (kind, error) {
	programmes, err := r.Store.Programmes(ctx)
	if err != nil {
		return nil, err
	}
	currencies := map[string]string{}
	for _, p := range programmes {
		currencies[p.Code] = p.Definition.Currency
	}
	lives, err := r.Store.AreaLives(ctx, covered)
	if err != nil {
		return nil, err
	}
	known := func(area, day string) bool {
		return slices.ContainsFunc(lives[area], func(l postgres.AreaLife) bool { return l.From <= day && (l.To == "" || day < l.To) })
	}
	return &given{Aid: roll.Aid{Partner: job.What == postgres.ImportPartnerAid, Known: known, Currencies: currencies}, job: job}, nil
}

func (g *given) columns() []roll.Column { return roll.AidColumns(g.Partner) }

func (g *given) read(n int, f *roll.Fields, wanted bool) bool {
	line := g.Read(n, f)
	if line != nil && wanted {
		g.rows = append(g.rows, numbered{n, line})
	}
	return line != nil
}

func (g *given) save() func(*postgres.Tx) (postgres.Saved, error) {
	rows := slices.Clone(g.rows)
	g.rows = g.rows[:0]
	if g.Partner {
		return func(tx *postgres.Tx) (postgres.Saved, error) {
			return tx.SavePartnerAid(&g.job.ID, g.job.CreatedBy, mapped(rows, partnerAid))
		}
	}
	return func(tx *postgres.Tx) (postgres.Saved, error) {
		return tx.SavePastAid(g.job.CreatedBy, mapped(rows, pastAid))
	}
}

func mapped[T any](rows []numbered, to func(numbered) T) []T {
	out := make([]T, len(rows))
	for i, r := range rows {
		out[i] = to(r)
	}
	return out
}

func pastAid(l numbered) postgres.PastAid {
	return postgres.PastAid{Row: l.n, Source: l.Source, Reference: l.Reference, Programme: l.Programme, Area: l.Area, Household: l.Household,
		PaidOn: l.PaidOn, Amount: l.Amount, Currency: l.Currency, Person: postgres.Applicant(l.Person)}
}

func partnerAid(l numbered) postgres.PartnerAid {
	return postgres.PartnerAid{ID: postgres.NewID(aid.PartnerAidID), Row: l.n, Source: l.Source, Reference: l.Reference, Programme: l.Programme,
		Area: l.Area, GivenOn: l.PaidOn, Amount: l.Amount, Currency: l.Currency, Valuation: l.Valuation, Households: 1, Household: l.Household,
		Person: postgres.Applicant(l.Person)}
}
