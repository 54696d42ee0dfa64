package checker

// committed are the payments that a rail may have heard of.
const committed = `payments p WHERE p.instructed_at IS NOT NULL AND p.state <> 'cancelled'`

var approvalLaws = []Law{
	{"paid_without_approval", "What a rail hears of was approved: this amount, to this account, from this fund.", `
		SELECT p.id, format('%s of award %s', p.amount, p.award_id) FROM ` + committed + `
			AND NOT EXISTS (SELECT 1 FROM awards a JOIN tasks t ON t.case_id = a.case_id AND t.round = a.round AND t.kind = 'approve' AND t.state = 'done' AND t.outcome = 'approved'
				JOIN decisions d ON d.task_id = t.id AND d.state = 'applied' AND d.action = 'approve'
				WHERE a.id = p.award_id AND a.case_id = p.case_id AND d.amount >= p.amount AND d.bound_hash = sha256(
					(SELECT account_hash FROM payee_accounts WHERE id = p.payee_account_id) || convert_to(p.fund_id, 'UTF8') || convert_to(p.currency::text, 'UTF8')))`},
	{"stale_hash", "A payment that waits or is under way goes to the account and from the fund that its award binds.", `
		SELECT p.id, p.state FROM payments p JOIN awards a ON a.id = p.award_id WHERE p.state IN ('queued', 'instructed', 'unknown')
			AND a.bound_hash <> sha256((SELECT account_hash FROM payee_accounts WHERE id = p.payee_account_id)
				|| convert_to(p.fund_id, 'UTF8') || convert_to(p.currency::text, 'UTF8'))`},
	{"too_few_approvals", "A level that approved has had its approvals: n of them, or its quorum.", `
		SELECT t.id, format('%s of %s', count(DISTINCT d.actor) FILTER (WHERE t.rule ->> 'mode' = 'committee' OR d.action = 'approve'), v.needed)
		FROM tasks t JOIN awards a ON a.case_id = t.case_id AND a.round = t.round AND a.state <> 'proposed'
			CROSS JOIN LATERAL (VALUES (CASE t.rule ->> 'mode' WHEN 'n_of_m' THEN (t.rule ->> 'n')::int WHEN 'committee' THEN (t.rule ->> 'quorum')::int ELSE 1 END)) AS v (needed)
			LEFT JOIN decisions d ON d.task_id = t.id AND d.state = 'applied' AND d.action IN ('approve', 'reject', 'abstain')
		WHERE t.kind = 'approve' AND t.state = 'done' AND t.outcome = 'approved'
		GROUP BY t.id, v.needed HAVING count(DISTINCT d.actor) FILTER (WHERE t.rule ->> 'mode' = 'committee' OR d.action = 'approve') < v.needed`},
	{"paid_against_decision", "The last word of every level before a payment was an approval.", `
		SELECT p.id, format('level %s said %s', t.level, t.outcome) FROM payments p JOIN awards a ON a.id = p.award_id
			JOIN LATERAL (SELECT DISTINCT ON (level) level, outcome FROM tasks WHERE case_id = a.case_id AND round = a.round AND kind = 'approve'
				AND state = 'done' AND closed_at <= p.instructed_at ORDER BY level, review DESC, closed_at DESC) t ON t.outcome = 'rejected'
		WHERE p.instructed_at IS NOT NULL AND p.state <> 'cancelled'`},
	{"let_go_by_one", "A payment leaves because one person prepared and another released it, or two said how it had ended.", `
		SELECT p.id, p.state FROM ` + committed + `
			AND NOT EXISTS (SELECT 1 FROM tasks pt JOIN decisions pd ON pd.task_id = pt.id AND pd.state = 'applied' AND pd.action = 'confirm',
				tasks rt JOIN decisions rd ON rd.task_id = rt.id AND rd.state = 'applied' AND rd.action = 'approve'
				WHERE pt.case_id = p.case_id AND pt.kind = 'prepare_payment' AND pt.subject IN (p.id, p.retry_of)
					AND rt.case_id = p.case_id AND rt.kind = 'release_payment' AND rt.subject = p.id
					AND rd.actor NOT IN (pd.actor, pd.behalf) AND (rd.behalf = '' OR rd.behalf NOT IN (pd.actor, pd.behalf)))
			AND (SELECT count(DISTINCT d.actor) FROM tasks t JOIN decisions d ON d.task_id = t.id AND d.state = 'applied' AND d.action = 'confirm'
				WHERE t.case_id = p.case_id AND t.kind = 'resolve_payment' AND t.subject = p.retry_of AND t.state = 'done') < 2`},
	{"two_duties", "In one case a person has one duty; who acts in another's name has it for both.", `
		SELECT d.case_id, string_agg(DISTINCT t.duty, ', ') FROM decisions d JOIN tasks t ON t.id = d.task_id
			CROSS JOIN LATERAL (VALUES (d.actor), (d.behalf)) AS p (person)
		WHERE d.state = 'applied' AND t.duty NOT IN ('', 'follow_up') AND p.person <> '' GROUP BY d.case_id, p.person HAVING count(DISTINCT t.duty) > 1
		UNION ALL SELECT f.case_id, 'follow_up, verify' FROM decisions f JOIN tasks ft ON ft.id = f.task_id AND ft.duty = 'follow_up'
			JOIN decisions v ON v.case_id = f.case_id AND v.state = 'applied' JOIN tasks vt ON vt.id = v.task_id AND vt.duty = 'verify'
		WHERE f.state = 'applied' AND (f.actor IN (v.actor, v.behalf) OR f.behalf <> '' AND f.behalf IN (v.actor, v.behalf))`},
	{"relative_decided", "Nobody decided on the case of somebody to whom they are related, unless a manager has looked at it since.", `
		SELECT x.decision_id, x.duty FROM conflicted_decisions x WHERE NOT x.made_again AND NOT x.reviewed
			AND EXISTS (SELECT 1 FROM payments p WHERE p.case_id = x.case_id AND p.state IN ('instructed', 'unknown') AND p.instructed_at >= x.decided_at)`},
}
