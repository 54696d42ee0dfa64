-- +goose Up
-- What donors bound their money to, what a programme may promise in a year, the
-- years of the books, and corrections.

-- Bound money: a programme, an area with everything below it, or both.
CREATE TABLE fund_purposes (
    id         text PRIMARY KEY,
    fund_id    text NOT NULL REFERENCES funds,
    programme  text NOT NULL DEFAULT '',
    area       text REFERENCES areas,
    raised     bigint NOT NULL DEFAULT 0,
    available  bigint NOT NULL DEFAULT 0,
    created_at timestamptz NOT NULL,
    UNIQUE (id, fund_id),
    CHECK (programme <> '' OR area IS NOT NULL),
    CONSTRAINT purpose_limit CHECK (available >= 0 AND available <= raised)
);
CREATE UNIQUE INDEX fund_purposes_once ON fund_purposes (fund_id, programme, coalesce(area, ''));

-- What a programme may promise in a business year, and what it has.
CREATE TABLE fund_budgets (
    fund_id   text NOT NULL REFERENCES funds,
    programme text NOT NULL CHECK (programme <> ''),
    year      integer NOT NULL,
    budget    bigint CHECK (budget >= 0),
    promised  bigint NOT NULL DEFAULT 0 CHECK (promised >= 0),
    version   integer NOT NULL DEFAULT 1,
    PRIMARY KEY (fund_id, programme, year),
    CONSTRAINT budget_limit CHECK (promised <= budget)
);

-- Every budget that was set, of a fund as a whole (programme empty, year 0) or of
-- a programme in a year.
CREATE TABLE fund_budget_changes (
    fund_id     text NOT NULL REFERENCES funds,
    programme   text NOT NULL,
    year        integer NOT NULL,
    version     integer NOT NULL,
    budget      bigint NOT NULL CHECK (budget >= 0),
    reason_code text NOT NULL,
    actor       text NOT NULL,
    at          timestamptz NOT NULL,
    PRIMARY KEY (fund_id, programme, year, version)
);

ALTER TABLE contributions ADD COLUMN purpose_id text;
ALTER TABLE contributions ADD FOREIGN KEY (purpose_id, fund_id) REFERENCES fund_purposes (id, fund_id);
ALTER TABLE awards ADD COLUMN budget_year integer;

ALTER TABLE ledger_transactions
    ADD COLUMN award_id    text REFERENCES awards,
    ADD COLUMN programme   text,
    ADD COLUMN year        integer,
    ADD COLUMN reverts     text UNIQUE REFERENCES ledger_transactions,
    ADD COLUMN reference   text NOT NULL DEFAULT '',
    ADD COLUMN reason_code text NOT NULL DEFAULT '',
    ADD CHECK ((kind = 'reversal') = (reverts IS NOT NULL));
CREATE INDEX ledger_transactions_award ON ledger_transactions (award_id) WHERE award_id IS NOT NULL;

UPDATE ledger_transactions t SET award_id = a.id, programme = c.programme, year = extract(year FROM t.at AT TIME ZONE 'Asia/Ho_Chi_Minh')
    FROM awards a JOIN cases c ON c.id = a.case_id WHERE a.id = split_part(t.key, '/', 1);
UPDATE awards a SET budget_year = t.year FROM ledger_transactions t WHERE t.award_id = a.id AND t.kind = 'reserve';
UPDATE ledger_transactions t SET year = a.budget_year FROM awards a WHERE a.id = t.award_id;
INSERT INTO fund_budgets (fund_id, programme, year, promised)
    SELECT t.fund_id, t.programme, t.year, sum(e.amount) FROM ledger_transactions t JOIN ledger_entries e ON e.transaction_id = t.id AND e.account = 'available'
    WHERE t.award_id IS NOT NULL GROUP BY t.fund_id, t.programme, t.year HAVING sum(e.amount) > 0;

ALTER TABLE ledger_entries ADD COLUMN purpose_id text CHECK (purpose_id IS NULL OR account IN ('contributions', 'available'));
ALTER TABLE ledger_entries ADD FOREIGN KEY (purpose_id, fund_id) REFERENCES fund_purposes (id, fund_id);

ALTER TABLE fund_balances
    ADD COLUMN free         bigint NOT NULL DEFAULT 0,
    ADD COLUMN closed_until timestamptz NOT NULL DEFAULT '-infinity';
UPDATE fund_balances SET free = available;
ALTER TABLE fund_balances
    ADD CONSTRAINT free_limit CHECK (free >= 0),
    ADD CONSTRAINT fund_advances_not_negative CHECK (advances >= 0 AND receivable >= 0);

CREATE TABLE fund_years (
    fund_id    text NOT NULL REFERENCES funds,
    year       integer NOT NULL,
    ends_at    timestamptz NOT NULL,
    closing_id text NOT NULL UNIQUE REFERENCES ledger_transactions,
    opening_id text NOT NULL UNIQUE REFERENCES ledger_transactions,
    closed_by  text NOT NULL,
    closed_at  timestamptz NOT NULL,
    PRIMARY KEY (fund_id, year)
);

-- +goose StatementBegin
-- An area, those above it, and those whose place any of them took, the nearest
-- first.
CREATE FUNCTION areas_over(a text) RETURNS TABLE (code text, depth integer) LANGUAGE sql STABLE AS $$
    WITH RECURSIVE up (code, depth, gone) AS (
        SELECT a, 0, false
        UNION SELECT n.code, up.depth + 1, n.gone FROM up, LATERAL (
            SELECT parent, false FROM areas WHERE areas.code = up.code AND parent IS NOT NULL AND NOT up.gone
            UNION ALL SELECT predecessor, true FROM area_predecessors WHERE area = up.code AND takes) n (code, gone)
        WHERE up.depth < 12)
    SELECT up.code, min(up.depth) FROM up GROUP BY up.code
$$;

-- The bound money that a case of a programme in an area may use, in the order
-- in which it is taken: what is bound to both first, then to the area, the
-- nearest first, then to the programme.
CREATE FUNCTION fund_pots(f text, prog text, a text) RETURNS TABLE (purpose text, amount bigint, place bigint) LANGUAGE sql STABLE AS $$
    SELECT p.id, p.available, row_number() OVER (ORDER BY p.programme = '' OR p.area IS NULL, p.area IS NULL, u.depth, p.id)
    FROM fund_purposes p LEFT JOIN areas_over(a) u ON u.code = p.area
    WHERE p.fund_id = f AND p.available > 0 AND p.programme IN ('', prog) AND (p.area IS NULL OR u.code IS NOT NULL)
$$;

-- Whether the year's budget of a programme is too small for an amount.
CREATE FUNCTION budget_blocks(f text, prog text, y integer, need bigint) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT EXISTS (SELECT 1 FROM fund_budgets WHERE fund_id = f AND programme = prog AND year = y AND budget - promised < need)
$$;

-- Whether a case that waits holds back nothing from a case of a programme: it
-- was skipped and the money does not suffice for it, or the budget of its own,
-- other programme does not.
CREATE FUNCTION waits_idly(f text, w text, skipped boolean, prog text, a text, other text, rest bigint, free bigint, y integer) RETURNS boolean
LANGUAGE plpgsql STABLE AS $$
DECLARE
    need bigint;
BEGIN
    IF NOT skipped AND prog = other THEN
        RETURN false;
    END IF;
    SELECT awards.amount INTO need FROM awards JOIN cases ON cases.id = case_id AND cases.round = awards.round WHERE case_id = w;
    RETURN skipped AND need > least(rest, free + (SELECT coalesce(sum(amount), 0) FROM fund_pots(f, prog, a)))
        OR prog <> other AND budget_blocks(f, prog, y, need);
END $$;

-- What a case may take of its fund, which is locked first: every query after it
-- sees what those before have committed. Cases that wait before it hold back
-- what they may use themselves; a skipped one for which the money does not
-- suffice holds nothing, one whose programme's budget does not suffice holds
-- only cases of the same programme. Without bound money nobody passes, so that
-- one look at the head of the list is enough.
CREATE FUNCTION fund_room(f text, k text, first boolean, decided timestamptz, y integer,
                          OUT closing boolean, OUT room bigint, OUT pots jsonb) LANGUAGE plpgsql AS $$
DECLARE
    b record;
    c record;
    own bigint;
    held record;
BEGIN
    SELECT fb.free, fb.budget - fb.reserved - fb.in_transit - fb.spent AS rest, fu.closing INTO b
        FROM fund_balances fb JOIN funds fu ON fu.id = fb.fund_id WHERE fb.fund_id = f FOR UPDATE OF fb;
    closing := b.closing;
    SELECT programme, area INTO c FROM cases WHERE id = k;
    SELECT budget - promised INTO own FROM fund_budgets WHERE fund_id = f AND programme = c.programme AND year = y;
    SELECT coalesce(jsonb_agg(jsonb_build_object('Purpose', purpose, 'Amount', amount) ORDER BY place), '[]') INTO pots FROM fund_pots(f, c.programme, c.area);
    room := least(b.rest, own);
    IF NOT EXISTS (
        SELECT 1 FROM cases w WHERE w.fund_id = f AND w.status = 'waiting_funds' AND w.id <> k AND (NOT w.urgent, w.decided_at, w.id) < (NOT first, decided, k)
          AND NOT waits_idly(f, w.id, w.skipped, w.programme, w.area, c.programme, b.rest, b.free, y)) THEN
        pots := pots || jsonb_build_object('Purpose', '', 'Amount', b.free);
        RETURN;
    END IF;
    IF pots = '[]' THEN
        RETURN;
    END IF;
    SELECT sum(a.amount) AS need, coalesce(sum(a.amount) FILTER (WHERE w.programme = c.programme), 0) AS own,
           array_agg(DISTINCT ARRAY[w.programme, w.area]) AS kinds INTO held
        FROM cases w JOIN awards a ON a.case_id = w.id AND a.round = w.round
        WHERE w.fund_id = f AND w.status = 'waiting_funds' AND w.id <> k AND (NOT w.urgent, w.decided_at, w.id) < (NOT first, decided, k)
          AND NOT waits_idly(f, w.id, w.skipped, w.programme, w.area, c.programme, b.rest, b.free, y);
    room := least(b.rest - held.need, own - held.own);
    SELECT coalesce(jsonb_agg(jsonb_build_object('Purpose', p.purpose, 'Amount', p.amount) ORDER BY p.place), '[]') INTO pots FROM fund_pots(f, c.programme, c.area) p
        WHERE NOT EXISTS (SELECT 1 FROM generate_subscripts(held.kinds, 1) i, fund_pots(f, held.kinds[i][1], held.kinds[i][2]) h WHERE h.purpose = p.purpose);
END $$;

-- Whom a fund's waiting list tells to try again: the head, and before it those
-- that let others pass; behind it the first of a programme and area for which
-- bound money may suffice, or before which only programmes without a budget
-- wait. Each then looks with the fund locked, so that one too many does no harm.
CREATE FUNCTION fund_wakes(f text, y integer) RETURNS TABLE (workflow text) LANGUAGE plpgsql STABLE AS $$
BEGIN
    IF NOT EXISTS (SELECT 1 FROM fund_purposes WHERE fund_id = f AND available > 0)
       AND NOT EXISTS (SELECT 1 FROM fund_budgets WHERE fund_id = f AND year = y AND budget IS NOT NULL) THEN
        RETURN QUERY
            SELECT w.workflow_id FROM cases w LEFT JOIN (
                SELECT id, urgent, decided_at FROM cases WHERE fund_id = f AND status = 'waiting_funds' AND NOT skipped
                ORDER BY urgent DESC, decided_at, id LIMIT 1) h ON true
            WHERE w.fund_id = f AND w.status = 'waiting_funds'
              AND (w.id = h.id OR w.skipped AND (h.id IS NULL OR (NOT w.urgent, w.decided_at, w.id) < (NOT h.urgent, h.decided_at, h.id)))
            ORDER BY w.urgent DESC, w.decided_at, w.id;
        RETURN;
    END IF;
    RETURN QUERY
        WITH list AS MATERIALIZED (
            SELECT w.id, w.workflow_id, w.programme, w.area, w.urgent, w.decided_at, w.skipped, a.amount
            FROM cases w JOIN awards a ON a.case_id = w.id AND a.round = w.round WHERE w.fund_id = f AND w.status = 'waiting_funds'),
        heads AS MATERIALIZED (
            SELECT DISTINCT ON (l.programme, l.area) * FROM list l WHERE NOT l.skipped ORDER BY l.programme, l.area, NOT l.urgent, l.decided_at, l.id)
        SELECT w.workflow_id FROM (SELECT * FROM heads UNION ALL SELECT * FROM list l WHERE l.skipped) w
        WHERE NOT EXISTS (
            SELECT 1 FROM heads h WHERE (NOT h.urgent, h.decided_at, h.id) < (NOT w.urgent, w.decided_at, w.id)
              AND (h.programme = w.programme AND h.area = w.area OR NOT (
                   (SELECT coalesce(sum(p.amount), 0) FROM fund_pots(f, w.programme, w.area) p) >= w.amount
                   OR h.programme <> w.programme AND budget_blocks(f, h.programme, y, h.amount))))
        ORDER BY w.urgent DESC, w.decided_at, w.id;
END $$;

-- The balances follow the ledger, as before; free is what of available nobody
-- bound. Then bound money and the year's promises of the programme follow, and
-- what is bound is used for its purpose only. The fund's row is locked by then,
-- so that every posting of a fund sees the one before.
CREATE OR REPLACE FUNCTION keep_fund_balances() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
DECLARE
    bound boolean;
    p record;
BEGIN
    SELECT bool_or(purpose_id IS NOT NULL) INTO bound FROM new_entries;
    UPDATE fund_balances b SET
        cash          = b.cash          + d.cash,
        advances      = b.advances      + d.advances,
        receivable    = b.receivable    + d.receivable,
        contributions = b.contributions - d.contributions,
        aid_paid      = b.aid_paid      + d.aid_paid,
        recovered     = b.recovered     - d.recovered,
        funding       = b.funding       + d.funding,
        available     = b.available     - d.available,
        free          = b.free          - d.free,
        reserved      = b.reserved      - d.reserved,
        in_transit    = b.in_transit    - d.in_transit,
        spent         = b.spent         - d.spent,
        version       = b.version + 1
    FROM (SELECT fund_id,
        coalesce(sum(amount) FILTER (WHERE account = 'cash'), 0) AS cash,
        coalesce(sum(amount) FILTER (WHERE account = 'advances'), 0) AS advances,
        coalesce(sum(amount) FILTER (WHERE account = 'receivable'), 0) AS receivable,
        coalesce(sum(amount) FILTER (WHERE account = 'contributions'), 0) AS contributions,
        coalesce(sum(amount) FILTER (WHERE account = 'aid_paid'), 0) AS aid_paid,
        coalesce(sum(amount) FILTER (WHERE account = 'recovered'), 0) AS recovered,
        coalesce(sum(amount) FILTER (WHERE account = 'funding'), 0) AS funding,
        coalesce(sum(amount) FILTER (WHERE account = 'available'), 0) AS available,
        coalesce(sum(amount) FILTER (WHERE account = 'available' AND purpose_id IS NULL), 0) AS free,
        coalesce(sum(amount) FILTER (WHERE account = 'reserved'), 0) AS reserved,
        coalesce(sum(amount) FILTER (WHERE account = 'in_transit'), 0) AS in_transit,
        coalesce(sum(amount) FILTER (WHERE account = 'spent'), 0) AS spent
        FROM new_entries GROUP BY fund_id) d
    WHERE b.fund_id = d.fund_id;
    IF bound THEN
        UPDATE fund_purposes q SET raised = q.raised - d.raised, available = q.available - d.available
        FROM (SELECT purpose_id, coalesce(sum(amount) FILTER (WHERE account = 'contributions'), 0) AS raised,
                     coalesce(sum(amount) FILTER (WHERE account = 'available'), 0) AS available
              FROM new_entries WHERE purpose_id IS NOT NULL GROUP BY purpose_id) d
        WHERE q.id = d.purpose_id;
    END IF;
    FOR p IN SELECT e.fund_id, t.kind, t.at, t.programme, t.year, t.case_id, coalesce(sum(e.amount) FILTER (WHERE e.account = 'available'), 0) AS promised
             FROM new_entries e JOIN ledger_transactions t ON t.id = e.transaction_id GROUP BY e.fund_id, t.id LOOP
        IF p.kind NOT IN ('year_close', 'year_open') AND EXISTS (SELECT 1 FROM fund_balances WHERE fund_id = p.fund_id AND closed_until > p.at) THEN
            RAISE EXCEPTION 'the year is closed' USING ERRCODE = '23514', CONSTRAINT = 'ledger_year_closed';
        END IF;
        CONTINUE WHEN p.promised = 0 OR p.programme IS NULL OR p.year IS NULL;
        UPDATE fund_budgets SET promised = promised + p.promised WHERE fund_id = p.fund_id AND programme = p.programme AND year = p.year;
        IF NOT FOUND THEN
            INSERT INTO fund_budgets (fund_id, programme, year, promised) VALUES (p.fund_id, p.programme, p.year, p.promised);
        END IF;
    END LOOP;
    IF bound AND EXISTS (
        SELECT 1 FROM new_entries e JOIN ledger_transactions t ON t.id = e.transaction_id AND t.kind = 'reserve' JOIN fund_purposes q ON q.id = e.purpose_id
               LEFT JOIN cases c ON c.id = t.case_id
        WHERE c.id IS NULL OR q.programme NOT IN ('', c.programme) OR NOT (q.area IS NULL OR EXISTS (SELECT 1 FROM areas_over(c.area) o WHERE o.code = q.area))) THEN
        RAISE EXCEPTION 'bound money is used for its purpose' USING ERRCODE = '23514', CONSTRAINT = 'purpose_kept';
    END IF;
    RETURN NULL;
END $$;

-- A reversal takes back exactly what the other transaction of its fund posted.
CREATE FUNCTION reversal_mirrors() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT 1 FROM ledger_transactions WHERE id = NEW.reverts AND fund_id = NEW.fund_id
                   AND kind IN ('contribution', 'advance_out', 'advance_in', 'fee', 'fee_repaid'))
       OR EXISTS (
        SELECT 1 FROM (SELECT * FROM ledger_entries WHERE transaction_id = NEW.id) n
               FULL JOIN (SELECT * FROM ledger_entries WHERE transaction_id = NEW.reverts) o
               ON o.n = n.n AND o.account = n.account AND o.amount = -n.amount AND o.currency = n.currency AND o.purpose_id IS NOT DISTINCT FROM n.purpose_id
        WHERE n.n IS NULL OR o.n IS NULL) THEN
        RAISE EXCEPTION 'a reversal mirrors what it reverts' USING ERRCODE = '23514', CONSTRAINT = 'reversal_mirrors';
    END IF;
    RETURN NULL;
END $$;

-- Nothing is posted any more into a year that is closed. Years are closed in
-- their order, when they are over.
CREATE FUNCTION year_closes() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    UPDATE fund_balances SET closed_until = NEW.ends_at, version = version + 1 WHERE fund_id = NEW.fund_id AND closed_until < NEW.ends_at;
    IF NOT FOUND OR NEW.ends_at > NEW.closed_at THEN
        RAISE EXCEPTION 'years are closed in their order' USING ERRCODE = '23514', CONSTRAINT = 'fund_years_in_order';
    END IF;
    RETURN NULL;
END $$;
-- +goose StatementEnd
CREATE CONSTRAINT TRIGGER ledger_reversals AFTER INSERT ON ledger_transactions
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (NEW.reverts IS NOT NULL) EXECUTE FUNCTION reversal_mirrors();
CREATE TRIGGER fund_years_close AFTER INSERT ON fund_years FOR EACH ROW EXECUTE FUNCTION year_closes();

GRANT SELECT ON fund_purposes, fund_budgets, fund_budget_changes, fund_years TO aidflow_app;
GRANT INSERT (id, fund_id, programme, area, created_at) ON fund_purposes TO aidflow_app;
GRANT INSERT (fund_id, programme, year, budget), UPDATE (budget, version) ON fund_budgets TO aidflow_app;
GRANT INSERT ON fund_budget_changes, fund_years TO aidflow_app;
GRANT UPDATE (version) ON fund_balances TO aidflow_app;
GRANT UPDATE (budget_year) ON awards TO aidflow_app;

COMMENT ON TABLE fund_purposes IS 'What contributions to a fund are bound to. Kept by a trigger of the ledger; raised less available is promised: reserved, in transit and spent.';
COMMENT ON COLUMN fund_purposes.id IS 'Id pur_.';
COMMENT ON COLUMN fund_purposes.fund_id IS 'The fund.';
COMMENT ON COLUMN fund_purposes.programme IS 'Code of the programme; empty: any.';
COMMENT ON COLUMN fund_purposes.area IS 'The area, with everything below it; none: any.';
COMMENT ON COLUMN fund_purposes.raised IS 'Contributed for it, in minor units.';
COMMENT ON COLUMN fund_purposes.available IS 'Of that, promised to nobody.';
COMMENT ON COLUMN fund_purposes.created_at IS 'When it was first named.';
COMMENT ON TABLE fund_budgets IS 'What a programme may promise of a fund in a business year, and has promised; kept by a trigger of the ledger.';
COMMENT ON COLUMN fund_budgets.fund_id IS 'The fund.';
COMMENT ON COLUMN fund_budgets.programme IS 'Code of the programme.';
COMMENT ON COLUMN fund_budgets.year IS 'Business year of the reservation, in the programme''s time zone.';
COMMENT ON COLUMN fund_budgets.budget IS 'Limit in minor units; none: the limits of the fund alone.';
COMMENT ON COLUMN fund_budgets.promised IS 'Reserved, in transit and spent of the cases reserved in that year.';
COMMENT ON COLUMN fund_budgets.version IS 'Rises with every change of the budget; the ETag.';
COMMENT ON TABLE fund_budget_changes IS 'Every budget that was set, by whom. Insert-only.';
COMMENT ON COLUMN fund_budget_changes.fund_id IS 'The fund.';
COMMENT ON COLUMN fund_budget_changes.programme IS 'Code of the programme; empty: the fund as a whole.';
COMMENT ON COLUMN fund_budget_changes.year IS 'Business year; 0 of the fund as a whole.';
COMMENT ON COLUMN fund_budget_changes.version IS 'Version that the change made.';
COMMENT ON COLUMN fund_budget_changes.budget IS 'The limit from then on, in minor units.';
COMMENT ON COLUMN fund_budget_changes.reason_code IS 'Why, as a code.';
COMMENT ON COLUMN fund_budget_changes.actor IS 'Who set it.';
COMMENT ON COLUMN fund_budget_changes.at IS 'When, on the wall clock.';
COMMENT ON COLUMN contributions.purpose_id IS 'What it is bound to; none: free money.';
COMMENT ON COLUMN awards.budget_year IS 'Business year on whose budget it was reserved; none before.';
COMMENT ON COLUMN ledger_transactions.award_id IS 'The award, if it is about one.';
COMMENT ON COLUMN ledger_transactions.programme IS 'Programme of the case.';
COMMENT ON COLUMN ledger_transactions.year IS 'Business year whose budget it counts on.';
COMMENT ON COLUMN ledger_transactions.reverts IS 'The transaction that it takes back; each at most once.';
COMMENT ON COLUMN ledger_transactions.reference IS 'The office''s own number of the paper or the bank''s entry.';
COMMENT ON COLUMN ledger_transactions.reason_code IS 'Why it was taken back.';
COMMENT ON COLUMN ledger_entries.purpose_id IS 'Of contributions and available: what the money is bound to; none: free.';
COMMENT ON COLUMN fund_balances.free IS 'Of available, what nobody bound.';
COMMENT ON COLUMN fund_balances.closed_until IS 'Nothing is posted before this instant any more.';
COMMENT ON TABLE fund_years IS 'Business years of funds that are closed: their balances were carried over. Insert-only.';
COMMENT ON COLUMN fund_years.fund_id IS 'The fund.';
COMMENT ON COLUMN fund_years.year IS 'The year.';
COMMENT ON COLUMN fund_years.ends_at IS 'First instant of the next.';
COMMENT ON COLUMN fund_years.closing_id IS 'Transaction that takes the balances out of it.';
COMMENT ON COLUMN fund_years.opening_id IS 'Transaction that brings them into the next.';
COMMENT ON COLUMN fund_years.closed_by IS 'Who closed it.';
COMMENT ON COLUMN fund_years.closed_at IS 'When, on the wall clock.';

-- +goose Down
DROP TRIGGER ledger_reversals ON ledger_transactions;
DROP TABLE fund_years;
DROP FUNCTION fund_room, fund_wakes, waits_idly, budget_blocks, fund_pots, reversal_mirrors, year_closes;
-- +goose StatementBegin
CREATE OR REPLACE FUNCTION keep_fund_balances() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp AS $$
BEGIN
    UPDATE fund_balances b SET
        cash = b.cash + d.cash, advances = b.advances + d.advances, receivable = b.receivable + d.receivable,
        contributions = b.contributions - d.contributions, aid_paid = b.aid_paid + d.aid_paid, recovered = b.recovered - d.recovered,
        funding = b.funding + d.funding, available = b.available - d.available, reserved = b.reserved - d.reserved,
        in_transit = b.in_transit - d.in_transit, spent = b.spent - d.spent, version = b.version + 1
    FROM (SELECT fund_id,
        coalesce(sum(amount) FILTER (WHERE account = 'cash'), 0) AS cash,
        coalesce(sum(amount) FILTER (WHERE account = 'advances'), 0) AS advances,
        coalesce(sum(amount) FILTER (WHERE account = 'receivable'), 0) AS receivable,
        coalesce(sum(amount) FILTER (WHERE account = 'contributions'), 0) AS contributions,
        coalesce(sum(amount) FILTER (WHERE account = 'aid_paid'), 0) AS aid_paid,
        coalesce(sum(amount) FILTER (WHERE account = 'recovered'), 0) AS recovered,
        coalesce(sum(amount) FILTER (WHERE account = 'funding'), 0) AS funding,
        coalesce(sum(amount) FILTER (WHERE account = 'available'), 0) AS available,
        coalesce(sum(amount) FILTER (WHERE account = 'reserved'), 0) AS reserved,
        coalesce(sum(amount) FILTER (WHERE account = 'in_transit'), 0) AS in_transit,
        coalesce(sum(amount) FILTER (WHERE account = 'spent'), 0) AS spent
        FROM new_entries GROUP BY fund_id) d
    WHERE b.fund_id = d.fund_id;
    RETURN NULL;
END $$;
-- +goose StatementEnd
REVOKE UPDATE (version) ON fund_balances FROM aidflow_app;
ALTER TABLE fund_balances DROP COLUMN free, DROP COLUMN closed_until, DROP CONSTRAINT fund_advances_not_negative;
ALTER TABLE ledger_entries DROP COLUMN purpose_id;
ALTER TABLE ledger_transactions DROP COLUMN award_id, DROP COLUMN programme, DROP COLUMN year, DROP COLUMN reverts, DROP COLUMN reference, DROP COLUMN reason_code;
ALTER TABLE awards DROP COLUMN budget_year;
ALTER TABLE contributions DROP COLUMN purpose_id;
DROP TABLE fund_budget_changes, fund_budgets, fund_purposes;
DROP FUNCTION areas_over;
