package imports

import (
	"context"
	"slices"
	"time"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/aid/means"
	"github.com/aidflow/aidflow/aid/roll"
	"github.com/aidflow/aidflow/internal/postgres"
)

// kind is what the rows of a file are.
type kind interface {
	columns() []roll.Column
	// read checks a row and, when it is good and wanted, keeps it for save.
	read(n int, f *roll.Fields, wanted bool) (good bool)
	// save gives what writes the rows that were kept since the last call.
	save() func(*postgres.Tx) (postgres.Saved, error)
}

// kind makes the reader of a file's rows: with the areas of whoever brought
// it, as they are now.
func (r *Runner) kind(ctx context.Context, job *postgres.ImportJob) (kind, error) {
	caller, err := r.Store.StaffBySubject(ctx, job.CreatedBy)
	if err != nil {
		return nil, err
	}
	covered := caller.AreasOf(aid.RoleManager)
	switch job.What {
	case postgres.ImportRegister:
		areas, err := r.areas(ctx, covered, *job.Year)
		return &register{Register: roll.NewRegister(r.Rules, *job.Year, areas), job: job}, err
	case postgres.ImportTotals:
		areas, err := r.areas(ctx, covered, *job.Year)
		return &totals{Totals: roll.Totals{Year: *job.Year, Areas: areas}, job: job}, err
	case postgres.ImportPastAid, postgres.ImportPartnerAid:
		return r.aid(ctx, job, covered)
	}
	return nil, aid.Refuse(aid.Invalid, "unknown_import")
}

// areas gives the areas as they were at the end of a year, or as they are when
// the year has not ended.
func (r *Runner) areas(ctx context.Context, covered []string, year int) (map[string]roll.Area, error) {
	day := time.Date(year, 12, 31, 0, 0, 0, 0, time.UTC)
	if now := r.Store.Now(); day.After(now) {
		day = now
	}
	listed, err := r.Store.ListedAreas(ctx, covered, day)
	areas := make(map[string]roll.Area, len(listed))
	for code, a := range listed {
		areas[code] = roll.Area{Urban: a.Urban, Leaf: a.Leaf}
	}
	return areas, err
}

type register struct {
	*roll.Register
	job  *postgres.ImportJob
	rows []postgres.RegisterRow
}

func (r *register) columns() []roll.Column { return roll.RegisterColumns() }

func (r *register) read(n int, f *roll.Fields, wanted bool) bool {
	line := r.Read(n, f)
	if line == nil {
		return false
	}
	if wanted {
		r.rows = append(r.rows, registerRow(line))
	}
	return true
}

func registerRow(l *roll.RegisterLine) postgres.RegisterRow {
	p := l.Person
	row := postgres.RegisterRow{Household: l.Household, Area: l.Area, Year: l.Year, Head: l.Head,
		Member: postgres.ListedMember{FullName: p.FullName, NationalID: p.NationalID, BirthDate: p.BirthDate, Sex: p.Sex, Phone: p.Phone,
			Address: p.Address, Relation: l.Relation}}
	if l.Head {
		row.Review = review(l.Test, l)
	}
	return row
}

func review(t means.Test, l *roll.RegisterLine) *postgres.Review {
	return &postgres.Review{Urban: t.Urban, Class: l.Class, Declared: l.Declared, ScoreA: t.ScoreA, ScoreB: t.ScoreB, Income: t.IncomePerHead,
		Indicators: t.Indicators, Rules: l.Period, By: l.By}
}

func (r *register) save() func(*postgres.Tx) (postgres.Saved, error) {
	rows := slices.Clone(r.rows)
	r.rows = r.rows[:0]
	return func(tx *postgres.Tx) (postgres.Saved, error) {
		applied, err := tx.SaveRegister(&r.job.ID, rows)
		return postgres.Saved{Applied: applied}, err
	}
}

type totals struct {
	roll.Totals
	job  *postgres.ImportJob
	rows []postgres.AreaTotal
}

func (t *totals) columns() []roll.Column { return roll.TotalColumns() }

func (t *totals) read(n int, f *roll.Fields, wanted bool) bool {
	line := t.Read(n, f)
	if line != nil && wanted {
		t.rows = append(t.rows, postgres.AreaTotal{Area: line.Area, Year: t.Year, Households: line.Households})
	}
	return line != nil
}

func (t *totals) save() func(*postgres.Tx) (postgres.Saved, error) {
	rows := slices.Clone(t.rows)
	t.rows = t.rows[:0]
	return func(tx *postgres.Tx) (postgres.Saved, error) {
		applied, err := tx.SaveTotals(&t.job.ID, rows)
		return postgres.Saved{Applied: applied}, err
	}
}
