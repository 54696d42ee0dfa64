package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"

	"github.com/aidflow/aidflow/internal/vault"
)

// The country of the inbox: as many provinces and communes as Vietnam has
// since 2025, under one root, so that all three indexes are used.
const (
	provinces = 34
	communes  = 3321
)

// seedInbox writes areas, staff, cases and tasks by SQL, without the triggers
// that a request would run: what they would have written is written.
func seedInbox(ctx context.Context, db *sqlx.DB, v *vault.Vault, cases, open int) error {
	families := words(v, "nguyen 38 tran 11 le 10 pham 7 huynh 5 hoang 5 vo 4 dang 3 bui 3 do 3 ho 3 ngo 3 duong 3 ly 2")
	middles := words(v, "van 18 thi 25 huu 5 duc 4 minh 6 quoc 4 thanh 6 ngoc 6 kim 4 xuan 3 cong 3 dinh 3 hong 4 thu 4 my 2 ba 2 gia 1")
	var some strings.Builder
	for i := range 160 { // given names: a few are frequent
		fmt.Fprintf(&some, "ten%d %d ", i, 1+400/(i+10))
	}
	given := words(v, some.String())
	conn, err := db.Connx(ctx)
	if err != nil {
		return err
	}
	defer conn.Close()
	for _, s := range slices.Concat(inboxCases(cases, open, families, middles, given), inboxTasks(open)) {
		if _, err := conn.ExecContext(ctx, s.text, s.args...); err != nil { //nolint:forbidigo // seeds a database of its own
			return fmt.Errorf("%w in %.120s", err, s.text)
		}
	}
	return nil
}

// statement is one that seeds.
type statement struct {
	text string
	args []any
}

// inboxCases are those that seed areas, staff and cases, in their order.
func inboxCases(cases, open int, families, middles, given [][]byte) []statement {
	return []statement{
		{text: `SET session_replication_role = replica`},
		{text: `SET jit = off`},
		{text: `SELECT setseed(0.5)`},
		{text: `INSERT INTO areas (code, name, level, parent) VALUES ('VN', 'Vietnam', 'country', NULL) ON CONFLICT DO NOTHING`},
		{`INSERT INTO areas (code, name, level, parent) SELECT 'p' || to_char(n, 'FM00'), 'Province ' || n, 'province', 'VN' FROM generate_series(1, $1) n`, []any{provinces}},
		{`INSERT INTO areas (code, name, level, parent) SELECT 'c' || to_char(n, 'FM0000'), 'Commune ' || n, 'commune', 'p' || to_char(1 + n % $1, 'FM00') FROM generate_series(1, $2) n`, []any{provinces, communes}},
		{text: inboxStaff},
		{text: `INSERT INTO partners (id, code, name, area, created_at) SELECT 'ptr_' || code, code, name, code, now() FROM areas WHERE code ~ '^p[0-9]'`},
		// A case: nine of ten are over. Some communes have many more than others.
		{`CREATE UNLOGGED TABLE bench_cases AS
			SELECT n, 'case_' || lpad(to_hex(n), 26, '0') AS id, 'c' || to_char(1 + floor($2 * power(random(), 1.6))::int, 'FM0000') AS area, n > $1 - $3 * 3 / 4 AS live,
			       now() - (($1 - n) * interval '1 year' * 3 / $1) AS at, random() AS r, random() < 0.06 AS urgent,
			       (2000000 + floor(power(random(), 3) * 90) * 1000000)::bigint AS amount,
			       (ARRAY['medical', 'housing_new', 'housing_repair', 'schooling', 'production', 'other'])[1 + floor(power(random(), 1.5) * 6)::int] AS programme
			FROM generate_series(1, $1) n`, []any{cases, communes, open}},
		{text: `INSERT INTO persons (id, sealed, created_at) SELECT 'per_' || n, '', at FROM bench_cases`},
		{text: `INSERT INTO cases (id, reference, partner_id, external_id, programme, programme_version, area, person_id, status, stage, requested_amount, currency, sealed,
				tracking_hash, urgent, workflow_id, created_at, submitted_at, closed_at, updated_at)
			SELECT b.id, 'HS-2026-' || lpad(n::text, 7, '0'), 'ptr_' || a.parent, 'P-' || n, programme, 1, area, 'per_' || n,
			       CASE WHEN live THEN 'in_review' ELSE 'closed' END, CASE WHEN live THEN 'verification' ELSE 'closed' END, amount, 'VND', decode(repeat('00', 900), 'hex'),
			       sha256(convert_to(b.id, 'UTF8')), urgent, 'case/' || b.id || '/1', at, at, CASE WHEN live THEN NULL ELSE at + interval '60 days' END, at
			FROM bench_cases b JOIN areas a ON a.code = b.area`},
		{`INSERT INTO case_words (word_hash, case_id) SELECT ($1::bytea[])[1 + floor(random() * cardinality($1::bytea[]))::int], id FROM bench_cases
			UNION SELECT ($2::bytea[])[1 + floor(random() * cardinality($2::bytea[]))::int], id FROM bench_cases
			UNION SELECT ($3::bytea[])[1 + floor(random() * cardinality($3::bytea[]))::int], id FROM bench_cases`,
			[]any{pq.ByteaArray(families), pq.ByteaArray(middles), pq.ByteaArray(given)}},
	}
}

// inboxTasks are those that seed the tasks of the seeded cases.
func inboxTasks(open int) []statement {
	return []statement{
		{`INSERT INTO tasks (id, case_id, workflow_id, kind, stage, round, review, level, duty, rule, area, path, amount, programme, urgent, state, assignee, claimed_at, claimed_until,
				lapses_at, opened_at, due_at, ranks_at, warned_at, closed_at, version)
			SELECT 'task_' || lpad(to_hex(n * 4 + m), 20, '0') || md5(n::text), id, 'case/' || id || '/1', q.kind, 'verification', 1, 1 + m, q.level,
			       CASE q.kind WHEN 'approve' THEN 'approve:' || q.level WHEN 'prepare_payment' THEN 'pay' WHEN 'release_payment' THEN 'release' ELSE 'verify' END,
			       CASE WHEN q.kind = 'approve' THEN jsonb_build_object('name', q.level, 'mode', q.mode) ELSE '{"because": "verification"}' END,
			       x.area, CASE WHEN x.depth = 3 THEN ARRAY['VN', x.parent, x.area] ELSE ARRAY['VN', x.area] END, amount, programme, urgent,
			       CASE WHEN held IS NULL THEN 'open' ELSE 'claimed' END, held, CASE WHEN held IS NOT NULL THEN now() - interval '5 hours' END,
			       lapse, lapse, opened, due, coalesce(due, 'infinity'), CASE WHEN due < now() + interval '1 day' THEN now() END, NULL, 1
			FROM (SELECT b.*, a.parent, m, random() AS kind, random() AS k2, now() - random() * random() * interval '40 days' AS opened
			      FROM bench_cases b JOIN areas a ON a.code = b.area CROSS JOIN generate_series(0, CASE WHEN b.n % 3 = 0 THEN 1 ELSE 0 END) m WHERE b.live) b
			CROSS JOIN LATERAL (SELECT k.kind, k.level, k.mode, k.up FROM ` + inboxKinds + ` WHERE b.kind < k.upto ORDER BY k.upto LIMIT 1) q
			CROSS JOIN LATERAL (SELECT CASE WHEN q.up THEN b.parent ELSE b.area END AS area, CASE WHEN q.up THEN 2 ELSE 3 END AS depth, b.parent) x
			CROSS JOIN LATERAL (SELECT CASE WHEN k2 < 0.05 THEN NULL ELSE opened + interval '1 day' * (5 + 40 * k2) END AS due,
				CASE WHEN k2 > 0.85 THEN CASE WHEN q.kind IN ('verify_documents', 'field_visit', 'confirm_milestone') THEN 'verifier_' || x.parent || '_' || (1 + b.n % 6) ELSE 'manager_' || x.parent || '_1' END END AS held) y
			CROSS JOIN LATERAL (SELECT CASE WHEN held IS NOT NULL THEN now() + (k2 - 0.88) * interval '10 days' END AS lapse) z
			WHERE b.n % 3 < 3 AND $1::integer > 0`, []any{open}},
		// What was decided: three tasks of each case.
		{text: `INSERT INTO tasks (id, case_id, workflow_id, kind, stage, round, review, level, area, path, amount, programme, urgent, state, opened_at, due_at, ranks_at, closed_at, outcome)
			SELECT 'task_' || lpad(to_hex(n * 4 + m), 20, 'f') || md5(n::text), b.id, 'case/' || b.id || '/1', (ARRAY['verify_documents', 'field_visit', 'approve'])[m], 'verification', 2, 1, '', area,
			       ARRAY['VN', a.parent, area], amount, programme, urgent, 'done', at, at + interval '5 days', at + interval '5 days', at + interval '3 days', 'completed'
			FROM bench_cases b JOIN areas a ON a.code = b.area CROSS JOIN generate_series(1, 3) m`},
		{text: `INSERT INTO case_duties (case_id, person, duty, task_id, at) SELECT DISTINCT ON (b.id) b.id, 'verifier_' || a.parent || '_' || (1 + b.n % 6), 'verify', t.id, b.at
			FROM bench_cases b JOIN areas a ON a.code = b.area JOIN tasks t ON t.case_id = b.id AND t.kind = 'verify_documents' AND t.closed_at IS NOT NULL WHERE b.live`},
		{text: `DROP TABLE bench_cases`},
		{text: `SET session_replication_role = DEFAULT`},
		{text: `VACUUM ANALYZE`},
	}
}

// inboxKinds is how often a kind of task is open, as rising shares; up is
// decided in the province.
const inboxKinds = `(VALUES (0.25, 'verify_documents', '', '', false), (0.45, 'field_visit', '', '', false), (0.57, 'approve', 'commune', 'any', false),
	(0.66, 'approve', 'province', 'committee', true), (0.70, 'approve', 'province', 'any', true), (0.72, 'approve', 'central', 'n_of_m', true),
	(0.80, 'prepare_payment', '', '', false), (0.86, 'release_payment', '', '', false), (0.92, 'confirm_milestone', '', '', false),
	(0.97, 'follow_up_visit', '', '', false), (0.98, 'decide_stalled', '', '', false), (0.985, 'resolve_payment', '', '', false),
	(0.995, 'post_publicly', '', '', false), (1.1, 'repair_configuration', '', '', false)) k (upto, kind, level, mode, up)`

// inboxStaff is several hundred people: those of the country, of each province
// and of every tenth commune.
const inboxStaff = `
	WITH who (subject, role, area, level, committee) AS (
		SELECT role || '_VN_' || n, role, 'VN', level, false FROM (VALUES ('manager', '', 1), ('auditor', '', 2), ('approver', 'central', 3), ('releaser', '', 2), ('admin', '', 2)) r (role, level, many), generate_series(1, many) n
		UNION ALL
		SELECT role || tag || '_' || code || '_' || n, role, code, r.level, committee
		FROM areas, (VALUES ('manager', '', 2, '', false), ('auditor', '', 1, '', false), ('verifier', '', 6, '', false), ('approver', 'province', 3, '', true),
			('approver', 'province', 1, '_single', false), ('treasurer', '', 2, '', false), ('releaser', '', 2, '', false), ('intake', '', 2, '', false), ('admin', '', 1, '', false))
			r (role, level, many, tag, committee), generate_series(1, many) n WHERE areas.code ~ '^p[0-9]'
		UNION ALL
		SELECT role || '_' || code, role, code, r.level, false FROM areas, (VALUES ('verifier', ''), ('approver', 'commune')) r (role, level) WHERE code ~ '^c[0-9]*0$'),
	people AS (INSERT INTO staff (subject, name, created_at) SELECT subject, subject, now() FROM who)
	INSERT INTO staff_roles (subject, role, area, level, committee) SELECT subject, role, area, level, committee FROM who`

// words gives the keyed hashes of words, each as often as it is frequent.
func words(v *vault.Vault, list string) [][]byte {
	fields := strings.Fields(list)
	var out [][]byte
	for i := 0; i+1 < len(fields); i += 2 {
		hash := v.Words("search", fields[i])[0]
		n := 0
		_, _ = fmt.Sscan(fields[i+1], &n) // written above
		for range n {
			out = append(out, hash)
		}
	}
	return out
}
