package postgres

import (
	"context"
	"fmt"
	"strconv"

	"github.com/aidflow/aidflow/aid"
)

// Budget is what a programme may promise of a fund in a business year, in minor
// units of the fund's currency.
type Budget struct {
	FundID    string `db:"fund_id"`
	Programme string `db:"programme"`
	Year      int    `db:"year"`     // in the programme's time zone
	Budget    *int64 `db:"budget"`   // nil: only the limits of the fund hold
	Promised  int64  `db:"promised"` // reserved, in transit and spent of the cases reserved in that year
	Currency  string `db:"currency"`
	Version   int    `db:"version"` // rises with every change of the budget
}

// Cursor gives the row's place in the list, the newest year first.
func (b Budget) Cursor() Cursor { return Cursor{Sort: b.order(), ID: b.Programme} }

func (b Budget) order() string { return fmt.Sprintf("%04d", 9999-b.Year) }

const budgetColumns = `b.fund_id, b.programme, b.year, b.budget, b.promised, f.currency, b.version FROM fund_budgets b JOIN funds f ON f.id = b.fund_id`

// Budgets lists the years of programmes in which a fund has a budget or has
// promised anything, the newest year first.
//
// Errors: NotFound fund_not_found.
func (s *Store) Budgets(ctx context.Context, caller *Caller, fund string, p Page) ([]Budget, error) {
	f, err := s.Fund(ctx, caller, fund)
	if err != nil {
		return nil, err
	}
	rows := []Budget{}
	return rows, s.list(ctx, &rows, `SELECT `+budgetColumns+` WHERE b.fund_id = $1
		AND (to_char(9999 - b.year, 'FM0000'), b.programme) > ($2, $3) ORDER BY b.year DESC, b.programme LIMIT $4`,
		f.ID, p.After.Sort, p.After.ID, p.limit())
}

// BudgetOf gives one of them.
//
// Errors: NotFound fund_not_found, budget_not_found.
func (s *Store) BudgetOf(ctx context.Context, caller *Caller, fund, programme string, year int) (*Budget, error) {
	f, err := s.Fund(ctx, caller, fund)
	if err != nil {
		return nil, err
	}
	var b Budget
	err = s.get(ctx, &b, `SELECT `+budgetColumns+` WHERE b.fund_id = $1 AND b.programme = $2 AND b.year = $3`, f.ID, programme, year)
	if aid.KindOf(err) == aid.NotFound {
		err = aid.Refuse(aid.NotFound, "budget_not_found")
	}
	return &b, err
}

// CreateBudget sets the budget of a programme and year that has none yet, as a
// manager of the fund's area. The waiting list is tried again.
//
// Errors: NotFound fund_not_found; Forbidden wrong_area; Invalid
// unknown_programme, currency_not_accepted; Conflict budget_exists,
// budget_below_promised.
func (s *Store) CreateBudget(ctx context.Context, caller *Caller, in Budget) (*Budget, error) {
	return s.setBudget(ctx, caller, in, "first", func(now *Budget) error {
		if now != nil && now.Budget != nil {
			return aid.Refuse(aid.Conflict, "budget_exists")
		}
		return nil
	})
}

// ChangeBudget gives a programme and year another budget, as a manager of the
// fund's area. in.Version is the one that the caller saw.
//
// Errors: NotFound fund_not_found, budget_not_found; Forbidden wrong_area;
// Stale stale; Invalid currency_not_accepted; Conflict budget_below_promised.
func (s *Store) ChangeBudget(ctx context.Context, caller *Caller, in Budget, reason string) (*Budget, error) {
	return s.setBudget(ctx, caller, in, reason, func(now *Budget) error {
		switch {
		case now == nil:
			return aid.Refuse(aid.NotFound, "budget_not_found")
		case now.Version != in.Version:
			return aid.Refuse(aid.Stale, "stale")
		}
		return nil
	})
}

func (s *Store) setBudget(ctx context.Context, caller *Caller, in Budget, reason string, may func(now *Budget) error) (*Budget, error) {
	f, err := s.managedFund(ctx, caller, in.FundID)
	if err != nil {
		return nil, err
	}
	in.FundID = f.ID
	err = s.Write(ctx, func(tx *Tx) error {
		now, err := tx.lockBudget(in)
		if err != nil {
			return err
		}
		if err := may(now); err != nil {
			return err
		}
		if err := tx.checkBudget(f, now, in); err != nil {
			return err
		}
		if err := tx.writeBudget(caller, in, reason); err != nil {
			return err
		}
		return tx.WakeWaiting(f.ID)
	})
	if err != nil {
		return nil, err
	}
	return s.BudgetOf(ctx, caller, f.ID, in.Programme, in.Year)
}

// managedFund gives a fund that the caller may change: a manager of its area.
//
// Errors: NotFound fund_not_found; Forbidden wrong_area.
func (s *Store) managedFund(ctx context.Context, caller *Caller, idOrCode string) (*FundRow, error) {
	f, err := s.Fund(ctx, caller, idOrCode)
	if err == nil && !caller.Has(aid.RoleManager, f.Area) {
		err = aid.Refuse(aid.Forbidden, "wrong_area")
	}
	return f, err
}

// lockBudget gives the row as it is now, nil when there is none. The fund's
// balances are locked first, as by every posting.
func (tx *Tx) lockBudget(in Budget) (*Budget, error) {
	if err := tx.lockFund(in.FundID); err != nil {
		return nil, err
	}
	var now Budget
	err := tx.get(&now, `SELECT `+budgetColumns+` WHERE b.fund_id = $1 AND b.programme = $2 AND b.year = $3`, in.FundID, in.Programme, in.Year)
	if notFound(err) {
		return nil, nil
	}
	return &now, err
}

// lockFund locks a fund's balances until the transaction ends.
func (tx *Tx) lockFund(fund string) error {
	var id string
	return tx.get(&id, `SELECT fund_id FROM fund_balances WHERE fund_id = $1 FOR UPDATE`, fund)
}

func (tx *Tx) checkBudget(f *FundRow, now *Budget, in Budget) error {
	var faults []aid.Fault
	if in.Currency != f.Currency {
		faults = append(faults, aid.Fault{Pointer: "/budget/currency", Code: "currency_not_accepted"})
	}
	var known bool
	if err := tx.get(&known, `SELECT EXISTS (SELECT 1 FROM programmes WHERE code = $1)`, in.Programme); err != nil {
		return err
	}
	if !known {
		faults = append(faults, aid.Fault{Pointer: "/programme", Code: "unknown_programme"})
	}
	if err := aid.RefuseAll(faults); err != nil {
		return err
	}
	if now != nil && *in.Budget < now.Promised {
		return belowPromised(now.Promised)
	}
	return nil
}

func belowPromised(promised int64) error {
	return aid.Refuse(aid.Conflict, "budget_below_promised", "promised", strconv.FormatInt(promised, 10))
}

func (tx *Tx) writeBudget(caller *Caller, in Budget, reason string) error {
	var version int
	n, err := tx.exec(`UPDATE fund_budgets SET budget = $4, version = version + 1 WHERE fund_id = $1 AND programme = $2 AND year = $3`,
		in.FundID, in.Programme, in.Year, *in.Budget)
	if err == nil && n == 0 {
		err = tx.one(`INSERT INTO fund_budgets (fund_id, programme, year, budget) VALUES ($1, $2, $3, $4)`, in.FundID, in.Programme, in.Year, *in.Budget)
	}
	if err != nil {
		return err
	}
	if err := tx.get(&version, `SELECT version FROM fund_budgets WHERE fund_id = $1 AND programme = $2 AND year = $3`, in.FundID, in.Programme, in.Year); err != nil {
		return err
	}
	in.Version = version
	return tx.noteBudget(caller, in, reason)
}

// noteBudget keeps a budget that was set, and tells the audit.
func (tx *Tx) noteBudget(caller *Caller, in Budget, reason string) error {
	err := tx.one(`INSERT INTO fund_budget_changes (fund_id, programme, year, version, budget, reason_code, actor, at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
		in.FundID, in.Programme, in.Year, in.Version, *in.Budget, reason, caller.Actor(), tx.Wall)
	if err != nil {
		return err
	}
	object := in.FundID
	if in.Programme != "" {
		object += "/" + in.Programme + "/" + strconv.Itoa(in.Year)
	}
	return tx.AddAudit(caller.Actor(), "set_budget", object, "done", reason)
}
