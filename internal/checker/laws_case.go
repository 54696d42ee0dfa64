package checker

var caseLaws = []Law{
	{"intervals_broken", "The waits of a case follow each other without a gap, from its beginning on.", `
		SELECT case_id, format('interval %s', n) FROM (SELECT i.case_id, i.n, i.from_at, lag(i.to_at) OVER w AS before, lag(i.n) OVER w AS previous, c.created_at
			FROM intervals i JOIN cases c ON c.id = i.case_id WINDOW w AS (PARTITION BY i.case_id ORDER BY i.n)) k
		WHERE (previous IS NULL AND (n <> 1 OR from_at <> created_at)) OR (previous IS NOT NULL AND (n <> previous + 1 OR before IS DISTINCT FROM from_at))`},
	{"awaits_nobody", "A case that is open waits for somebody, a case that has ended for nobody.", `
		SELECT c.id, c.status FROM cases c WHERE c.status <> 'draft' AND (c.status IN ('rejected', 'closed', 'withdrawn'))
			= EXISTS (SELECT 1 FROM intervals i WHERE i.case_id = c.id AND i.to_at IS NULL)
			AND (c.status NOT IN ('rejected', 'closed', 'withdrawn') OR NOT EXISTS (SELECT 1 FROM tasks t WHERE t.case_id = c.id AND t.closed_at IS NULL))`},
	{"forgotten", "Where a person is awaited, a task is open, or a payment waits for its run.", `
		SELECT c.id, format('%s waits for the %s', c.status, i.owner) FROM cases c JOIN intervals i ON i.case_id = c.id AND i.to_at IS NULL
		WHERE c.status NOT IN ('draft', 'submitted') AND i.owner IN ('household', 'partner', 'office') AND i.from_at < now() - make_interval(secs => $1)
			AND NOT EXISTS (SELECT 1 FROM tasks t WHERE t.case_id = c.id AND t.closed_at IS NULL)
			AND NOT EXISTS (SELECT 1 FROM payments p WHERE p.case_id = c.id AND p.state = 'queued')`},
	{"task_of_ended_case", "A case that has ended asks nobody anything, but for money that is to come back or a payment that is in doubt.", `
		SELECT t.id, t.kind FROM tasks t JOIN cases c ON c.id = t.case_id WHERE t.closed_at IS NULL AND c.status IN ('rejected', 'closed', 'withdrawn')
			AND t.kind NOT IN ('recover_money', 'resolve_payment', 'repair_configuration', 'advise', 'prepare_payment', 'release_payment')`},
	{"parked_differs", "A case is parked while, and only while, a repair is open.", `
		SELECT c.id, CASE WHEN c.parked THEN 'parked' ELSE 'not parked' END FROM cases c
		WHERE c.parked <> EXISTS (SELECT 1 FROM tasks t WHERE t.case_id = c.id AND t.kind = 'repair_configuration' AND t.closed_at IS NULL)`},
	{"intent_stuck", "A decision is applied, refused or given up within 15 minutes.", `
		SELECT d.id, t.kind FROM decisions d JOIN tasks t ON t.id = d.task_id WHERE d.state = 'intent' AND d.asked_at < now() - interval '15 minutes' - make_interval(secs => $1)`},
	{"handover_stuck", "A workflow that is wanted is started, a signal is sent, a withdrawal is heard.", `
		SELECT id, kind FROM workflows WHERE started_at IS NULL AND ended_at IS NULL AND wanted_at < now() - make_interval(secs => $1)
		UNION ALL SELECT workflow_id, name FROM outbox WHERE sent_at IS NULL AND created_at < now() - make_interval(secs => $1)
		UNION ALL SELECT case_id, 'withdrawal' FROM withdrawals w WHERE answered_at IS NULL AND asked_at < now() - make_interval(secs => $1)
			AND EXISTS (SELECT 1 FROM cases c WHERE c.id = w.case_id AND c.round = w.round AND c.status NOT IN ('rejected', 'closed', 'withdrawn'))`},
	{"workflow_unnamed", "An open case names the workflow that has it, one that was wanted and has not ended.", `
		SELECT c.id, coalesce(nullif(c.workflow_id, ''), 'none') FROM cases c WHERE c.status NOT IN ('draft', 'rejected', 'closed', 'withdrawn') AND NOT c.imported
			AND NOT EXISTS (SELECT 1 FROM workflows w WHERE w.id = c.workflow_id AND w.case_id = c.id AND w.ended_at IS NULL)`},
}
