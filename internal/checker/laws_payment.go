package checker

// booked gives what the ledger says of each case; owed what its awards and
// payments say. A clawback is no payment: it is left out of what was spent.
const bookedAndOwed = `WITH booked AS (
	SELECT t.case_id,
		-coalesce(sum(e.amount) FILTER (WHERE e.account = 'reserved'), 0) AS reserved,
		-coalesce(sum(e.amount) FILTER (WHERE e.account = 'in_transit'), 0) AS in_transit,
		-coalesce(sum(e.amount) FILTER (WHERE e.account = 'spent' AND t.kind <> 'clawback'), 0) AS spent
	FROM ledger_transactions t JOIN ledger_entries e ON e.transaction_id = t.id
	WHERE t.case_id IS NOT NULL AND e.account IN ('reserved', 'in_transit', 'spent') GROUP BY t.case_id),
moved AS (
	SELECT tranche_id, sum(amount) AS amount FROM payments WHERE state IN ('instructed', 'unknown', 'settled') GROUP BY tranche_id),
promised AS (
	SELECT a.case_id, sum(CASE WHEN k.tranches IS NULL THEN a.amount ELSE k.open END) AS reserved
	FROM awards a LEFT JOIN LATERAL (
		SELECT count(*) AS tranches, coalesce(sum(t.amount - t.released - coalesce(m.amount, 0)) FILTER (WHERE t.state NOT IN ('settled', 'skipped')), 0) AS open
		FROM tranches t LEFT JOIN moved m ON m.tranche_id = t.id WHERE t.award_id = a.id HAVING count(*) > 0) k ON true
	WHERE a.state IN ('reserved', 'running', 'completed') GROUP BY a.case_id),
paid AS (
	SELECT case_id, coalesce(sum(amount) FILTER (WHERE state IN ('instructed', 'unknown')), 0) AS in_transit,
		coalesce(sum(amount) FILTER (WHERE state = 'settled'), 0) AS spent
	FROM payments GROUP BY case_id),
owed AS (
	SELECT coalesce(p.case_id, q.case_id) AS case_id, coalesce(p.reserved, 0) AS reserved, coalesce(q.in_transit, 0) AS in_transit, coalesce(q.spent, 0) AS spent
	FROM promised p FULL JOIN paid q ON q.case_id = p.case_id)
`

func differs(account, of string) string {
	return bookedAndOwed + `SELECT coalesce(b.case_id, o.case_id), format('the ledger has %s, ` + of + ` come to %s', coalesce(b.` + account + `, 0), coalesce(o.` + account + `, 0))
		FROM booked b FULL JOIN owed o ON o.case_id = b.case_id WHERE coalesce(b.` + account + `, 0) <> coalesce(o.` + account + `, 0)`
}

var paymentLaws = []Law{
	{"reserved_differs", "What is reserved for a case is what its award has not paid and not given up.", differs("reserved", "its open tranches")},
	{"in_transit_differs", "What is in transit for a case are its payments under way.", differs("in_transit", "its payments under way")},
	{"spent_differs", "What was spent for a case are its settled payments.", differs("spent", "its settled payments")},
	{"reserved_for_nobody", "Money is reserved, under way and spent for a case.", `
		SELECT e.fund_id, format('%s of %s', -sum(e.amount), e.account) FROM ledger_transactions t JOIN ledger_entries e ON e.transaction_id = t.id
		WHERE t.case_id IS NULL AND e.account IN ('reserved', 'in_transit') GROUP BY e.fund_id, e.account HAVING sum(e.amount) <> 0`},
	{"paid_twice", "The live and settled payments of a tranche come to what it grants at most, those of an award to the award's amount.", `
		SELECT t.id, format('%s of %s', sum(p.amount), t.amount - t.released) FROM tranches t JOIN payments p ON p.tranche_id = t.id
		WHERE p.state IN ('due', 'queued', 'instructed', 'unknown', 'settled') GROUP BY t.id HAVING sum(p.amount) > t.amount - t.released
		UNION ALL SELECT a.id, format('%s of %s', sum(p.amount), a.amount) FROM awards a JOIN payments p ON p.award_id = a.id
		WHERE p.state IN ('due', 'queued', 'instructed', 'unknown', 'settled') GROUP BY a.id HAVING sum(p.amount) > a.amount`},
	{"payment_unbooked", "Every payment that was instructed is booked so, and every one that was settled.", `
		SELECT p.id, 'not booked as instructed' FROM payments p JOIN tranches t ON t.id = p.tranche_id
		WHERE p.instructed_at IS NOT NULL AND NOT EXISTS (SELECT 1 FROM ledger_transactions l WHERE l.fund_id = p.fund_id
			AND l.key = p.award_id || '/' || t.n || '/' || p.n || '/instruct')
		UNION ALL SELECT p.id, 'not booked as settled' FROM payments p JOIN tranches t ON t.id = p.tranche_id
		WHERE p.state IN ('settled', 'returned') AND NOT EXISTS (SELECT 1 FROM ledger_transactions l WHERE l.fund_id = p.fund_id
			AND l.key = p.award_id || '/' || t.n || '/' || p.n || '/settle')`},
	{"tranche_state", "A tranche says what its payments say.", `
		SELECT t.id, format('%s', t.state) FROM tranches t WHERE
			(t.state = 'paying') <> EXISTS (SELECT 1 FROM payments p WHERE p.tranche_id = t.id AND p.state IN ('instructed', 'unknown'))
			OR (t.state = 'settled' AND NOT EXISTS (SELECT 1 FROM payments p WHERE p.tranche_id = t.id AND p.state = 'settled'))
		UNION ALL SELECT t.id, format('%s of an award that is completed', t.state) FROM awards a JOIN tranches t ON t.award_id = a.id
		WHERE a.state = 'completed' AND t.state NOT IN ('settled', 'skipped')`},
	{"settled_without_word", "A payment is settled by its rail's word, or by two persons'.", `
		SELECT p.id, p.rail FROM payments p WHERE p.state = 'settled'
			AND NOT EXISTS (SELECT 1 FROM attempts a WHERE a.payment_id = p.id AND a.state = 'settled')
			AND (SELECT count(DISTINCT d.actor) FROM tasks t JOIN decisions d ON d.task_id = t.id AND d.state = 'applied'
				WHERE t.case_id = p.case_id AND t.kind = 'resolve_payment' AND t.state = 'done' AND t.subject IN (p.id, p.retry_of)) < 2`},
	{"attempts_differ", "A payment has one attempt that may move money, under its own key.", `
		SELECT p.id, format('%s attempts', count(*)) FROM payments p JOIN attempts a ON a.payment_id = p.id AND a.state IN ('submitting', 'accepted', 'unknown', 'settled')
		GROUP BY p.id HAVING count(*) > 1
		UNION ALL SELECT a.id, 'another key' FROM attempts a JOIN payments p ON p.id = a.payment_id JOIN tranches t ON t.id = p.tranche_id
		WHERE a.key <> p.award_id || '/' || t.n || '/' || p.n`},
	{"attempt_stuck", "An attempt of which nothing is heard comes before persons within a day.", `
		SELECT a.id, a.state FROM attempts a JOIN payments p ON p.id = a.payment_id
		WHERE a.state IN ('submitting', 'accepted', 'unknown') AND p.state IN ('instructed', 'unknown')
			AND a.sent_at < now() - interval '1 day' - make_interval(secs => $1)
			AND NOT EXISTS (SELECT 1 FROM tasks t WHERE t.case_id = p.case_id AND t.kind = 'resolve_payment' AND t.subject = p.id AND t.closed_at IS NULL)`},
}
