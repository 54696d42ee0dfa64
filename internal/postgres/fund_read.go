package postgres

import (
	"context"
	"encoding/json"
	"slices"
	"time"

	"github.com/lib/pq"

	"github.com/aidflow/aidflow/aid"
)

// FundRow is a fund with its balances, in minor units of its currency.
type FundRow struct {
	ID           string            `db:"id"`
	Code         string            `db:"code"`
	Name         string            `db:"name"`
	Area         string            `db:"area"`
	Currency     string            `db:"currency"`
	Closing      bool              `db:"closing"` // takes no new reservation
	CreatedAt    time.Time         `db:"created_at"`
	Budget       int64             `db:"budget"`
	Raised       int64             `db:"raised"` // all contributions
	Reserved     int64             `db:"reserved"`
	InTransit    int64             `db:"in_transit"`
	Spent        int64             `db:"spent"`
	Available    int64             `db:"available"` // raised and promised to nobody
	Room         int64             `db:"room"`      // what may still be reserved: available, within the budget
	WaitingCases int               `db:"waiting_cases"`
	Version      int               `db:"version"`
	RailsJSON    []byte            `db:"rails"`
	Rails        map[string]string `db:"-"` // payee method -> rail
	FundAccount
}

// Cursor gives the row's place in the list of funds.
func (r FundRow) Cursor() Cursor { return Cursor{Sort: r.Code, ID: r.ID} }

const fundColumns = `f.id, f.code, f.name, f.area, f.currency, f.closing, f.created_at, f.rails, f.account_holder, f.account_bin, f.account_number, f.result_days, b.budget, b.contributions AS raised,
	b.reserved, b.in_transit, b.spent, b.available, greatest(0, least(b.available, b.budget - b.reserved - b.in_transit - b.spent)) AS room, b.version,
	(SELECT count(*) FROM cases c WHERE c.fund_id = f.id AND c.status = 'waiting_funds') AS waiting_cases`

const fundFrom = ` FROM funds f JOIN fund_balances b ON b.fund_id = f.id`

// seesFund is the wall for money: staff with a role in money matters see the
// funds of their areas and of the areas above, which pay for them. The
// condition takes its argument as $1.
func (c *Caller) seesFund() (condition string, argument any) {
	return `f.area IN (WITH RECURSIVE up AS (
		SELECT code, parent FROM areas WHERE code = ANY($1)
		UNION SELECT a.code, a.parent FROM areas a JOIN up ON a.code = up.parent) SELECT code FROM up)`, pq.Array(c.MoneyAreas())
}

// Funds lists the funds that the caller may see, by code.
func (s *Store) Funds(ctx context.Context, caller *Caller, p Page) ([]FundRow, error) {
	sees, mine := caller.seesFund()
	return s.funds(ctx, sees+` AND f.code > $2 ORDER BY f.code LIMIT $3`, mine, p.After.Sort, p.limit())
}

// Fund gives one fund by id or code.
//
// Errors: NotFound fund_not_found.
func (s *Store) Fund(ctx context.Context, caller *Caller, idOrCode string) (*FundRow, error) {
	sees, mine := caller.seesFund()
	rows, err := s.funds(ctx, sees+` AND (f.id = $2 OR f.code = $2)`, mine, idOrCode)
	if err == nil && len(rows) == 0 {
		err = aid.Refuse(aid.NotFound, "fund_not_found")
	}
	if err != nil {
		return nil, err
	}
	return &rows[0], nil
}

func (s *Store) funds(ctx context.Context, where string, args ...any) ([]FundRow, error) {
	rows := []FundRow{}
	if err := s.list(ctx, &rows, `SELECT `+fundColumns+fundFrom+` WHERE `+where, args...); err != nil {
		return nil, err
	}
	for i := range rows {
		if err := json.Unmarshal(rows[i].RailsJSON, &rows[i].Rails); err != nil {
			return nil, err
		}
	}
	return rows, nil
}

// NewFund is a fund to open. The budget is a limit, not money: money comes as
// contributions.
type NewFund struct {
	ID       string
	Code     string
	Name     string
	Area     string
	Currency string
	Budget   int64             // minor units, 0 or more
	Rails    map[string]string // payee method -> rail
}

// CreateFund opens a fund. The id comes from the caller: the same id again
// gives the fund that is there.
//
// Errors: Forbidden wrong_role when the caller is neither treasurer nor
// manager of the area; Invalid unknown_area, unknown_currency, negative_budget;
// Conflict duplicate_code.
func (s *Store) CreateFund(ctx context.Context, caller *Caller, in NewFund) (*FundRow, error) {
	if !caller.HasAny("", aid.RoleTreasurer, aid.RoleManager) {
		return nil, aid.Refuse(aid.Forbidden, "wrong_role")
	}
	if err := checkFund(caller, in); err != nil {
		return nil, err
	}
	err := s.Write(ctx, func(tx *Tx) error {
		var there bool
		if err := tx.get(&there, `SELECT EXISTS (SELECT 1 FROM funds WHERE id = $1)`, in.ID); err != nil || there {
			return err
		}
		if err := tx.insertFund(in); err != nil {
			return err
		}
		return tx.AddAudit(caller.Actor(), "create_fund", in.ID, "done", "")
	})
	if err != nil {
		return nil, err
	}
	return s.Fund(ctx, caller, in.ID)
}

func checkFund(caller *Caller, in NewFund) error {
	var faults []aid.Fault
	if !caller.HasAny(in.Area, aid.RoleTreasurer, aid.RoleManager) || in.Area == "" {
		faults = append(faults, aid.Fault{Pointer: "/area", Code: "unknown_area"})
	}
	if !slices.Contains([]string{"VND"}, in.Currency) {
		faults = append(faults, aid.Fault{Pointer: "/budget/currency", Code: "unknown_currency"})
	}
	if in.Budget < 0 {
		faults = append(faults, aid.Fault{Pointer: "/budget/amount", Code: "negative_budget"})
	}
	return aid.RefuseAll(faults)
}

func (tx *Tx) insertFund(in NewFund) error {
	rails, err := json.Marshal(in.Rails)
	if err != nil {
		return err
	}
	err = tx.one(`INSERT INTO funds (id, code, name, area, currency, rails, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7)`,
		in.ID, in.Code, in.Name, in.Area, in.Currency, rails, tx.Now)
	if err != nil {
		return err
	}
	return tx.one(`INSERT INTO fund_balances (fund_id, budget) VALUES ($1, $2)`, in.ID, in.Budget)
}
