package checker

// sums gives the balance of every account of every fund from the entries
// alone, each in its natural direction.
const sums = `WITH sums AS (
	SELECT fund_id,
		sum(amount) FILTER (WHERE account = 'cash') AS cash,
		sum(amount) FILTER (WHERE account = 'advances') AS advances,
		sum(amount) FILTER (WHERE account = 'receivable') AS receivable,
		-sum(amount) FILTER (WHERE account = 'contributions') AS contributions,
		sum(amount) FILTER (WHERE account = 'aid_paid') AS aid_paid,
		-sum(amount) FILTER (WHERE account = 'recovered') AS recovered,
		sum(amount) FILTER (WHERE account = 'funding') AS funding,
		-sum(amount) FILTER (WHERE account = 'available') AS available,
		-sum(amount) FILTER (WHERE account = 'reserved') AS reserved,
		-sum(amount) FILTER (WHERE account = 'in_transit') AS in_transit,
		-sum(amount) FILTER (WHERE account = 'spent') AS spent
	FROM ledger_entries GROUP BY fund_id)
`

var ledgerLaws = []Law{
	{"transaction_unbalanced", "Each set of a ledger transaction sums to zero.", `
		SELECT transaction_id, format('%s sums to %s', book, sum(amount)) FROM ledger_entries
		GROUP BY transaction_id, book, currency HAVING sum(amount) <> 0`},
	{"transaction_empty", "Every ledger transaction has entries, and both belong to one fund and its currency.", `
		SELECT t.id, 'no entries' FROM ledger_transactions t WHERE NOT EXISTS (SELECT 1 FROM ledger_entries e WHERE e.transaction_id = t.id)
		UNION ALL SELECT DISTINCT t.id, 'another fund or currency' FROM ledger_entries e JOIN ledger_transactions t ON t.id = e.transaction_id
			JOIN funds f ON f.id = t.fund_id WHERE e.fund_id <> t.fund_id OR e.currency <> f.currency`},
	{"balance_differs", "The balances of a fund are the sums of its entries.", sums + `
		SELECT b.fund_id, format('%s is %s, its entries sum to %s', v.account, v.kept, v.summed)
		FROM fund_balances b LEFT JOIN sums s USING (fund_id) CROSS JOIN LATERAL (VALUES
			('cash', b.cash, s.cash), ('advances', b.advances, s.advances), ('receivable', b.receivable, s.receivable),
			('contributions', b.contributions, s.contributions), ('aid_paid', b.aid_paid, s.aid_paid), ('recovered', b.recovered, s.recovered),
			('funding', b.funding, s.funding), ('available', b.available, s.available), ('reserved', b.reserved, s.reserved),
			('in_transit', b.in_transit, s.in_transit), ('spent', b.spent, s.spent)) AS v (account, kept, summed)
		WHERE v.kept <> coalesce(v.summed, 0)
		UNION ALL SELECT fund_id, 'no balances' FROM sums WHERE NOT EXISTS (SELECT 1 FROM fund_balances b WHERE b.fund_id = sums.fund_id)`},
	{"money_nowhere", "Cash, advances and what is owed to a fund are what is available, reserved and in transit.", sums + `
		SELECT fund_id, format('%s is there, %s is promised or free', coalesce(cash, 0) + coalesce(advances, 0) + coalesce(receivable, 0),
			coalesce(available, 0) + coalesce(reserved, 0) + coalesce(in_transit, 0)) FROM sums
		WHERE coalesce(cash, 0) + coalesce(advances, 0) + coalesce(receivable, 0) <> coalesce(available, 0) + coalesce(reserved, 0) + coalesce(in_transit, 0)`},
	{"overspent", "A fund promises and spends at most its budget and what it raised.", sums + `
		SELECT s.fund_id, format('%s of %s', coalesce(reserved, 0) + coalesce(in_transit, 0) + coalesce(spent, 0), least(b.budget, s.contributions))
		FROM sums s JOIN LATERAL (SELECT budget FROM fund_balances WHERE fund_id = s.fund_id) b ON true
		WHERE coalesce(reserved, 0) + coalesce(in_transit, 0) + coalesce(spent, 0) > least(b.budget, coalesce(s.contributions, 0))`},
	{"below_zero", "No fund has less than nothing of what is available, reserved, in transit, spent or in cash.", sums + `
		SELECT s.fund_id, format('%s is %s', v.account, v.summed) FROM sums s CROSS JOIN LATERAL (VALUES ('cash', cash), ('available', available),
			('reserved', reserved), ('in_transit', in_transit), ('spent', spent)) AS v (account, summed) WHERE v.summed < 0`},
	{"contribution_not_booked", "Every contribution is booked once, with its amount.", `
		SELECT c.id, format('%s given, %s booked', c.amount, coalesce(k.booked, 0)) FROM contributions c LEFT JOIN LATERAL (
			SELECT -sum(e.amount) AS booked FROM ledger_transactions t JOIN ledger_entries e ON e.transaction_id = t.id
			WHERE t.key = c.id AND t.fund_id = c.fund_id AND e.account = 'contributions') k ON true
		WHERE c.amount <> coalesce(k.booked, 0)
		UNION ALL SELECT t.id, 'booked without a contribution' FROM ledger_transactions t
		WHERE t.kind = 'contribution' AND NOT EXISTS (SELECT 1 FROM contributions c WHERE c.id = t.key)`},
	{"purpose_differs", "What donors bound is, for each purpose, what its entries say; the rest of what is available is free.", `
		SELECT p.id, format('%s raised and %s available, its entries sum to %s and %s', p.raised, p.available, e.raised, e.available)
		FROM fund_purposes p CROSS JOIN LATERAL (SELECT -coalesce(sum(amount) FILTER (WHERE account = 'contributions'), 0) AS raised,
			-coalesce(sum(amount) FILTER (WHERE account = 'available'), 0) AS available FROM ledger_entries WHERE purpose_id = p.id) e
		WHERE p.raised <> e.raised OR p.available <> e.available
		UNION ALL SELECT b.fund_id, format('%s free', b.free) FROM fund_balances b
		WHERE b.free <> b.available - (SELECT coalesce(sum(available), 0) FROM fund_purposes p WHERE p.fund_id = b.fund_id)`},
	{"budget_differs", "What is promised of a programme's budget is what its awards took of the fund in that year, and is within the budget.", `
		SELECT b.fund_id, format('%s %s: %s promised of %s, its entries sum to %s', b.programme, b.year, b.promised, b.budget, coalesce(e.promised, 0))
		FROM fund_budgets b LEFT JOIN (SELECT t.fund_id, t.programme, t.year, sum(x.amount) AS promised FROM ledger_transactions t
			JOIN ledger_entries x ON x.transaction_id = t.id AND x.account = 'available' WHERE t.award_id IS NOT NULL GROUP BY t.fund_id, t.programme, t.year) e
			ON (e.fund_id, e.programme, e.year) = (b.fund_id, b.programme, b.year)
		WHERE b.promised <> coalesce(e.promised, 0) OR b.promised > b.budget`},
}
