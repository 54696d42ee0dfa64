-- +goose Up
-- Who of the staff is related to whom, who may therefore not act in which case,
-- and the last wall before money: the duties of a case are in different hands,
-- none of them related to whom the case is for.

CREATE TABLE staff_relations (
    id               text PRIMARY KEY,
    subject          text NOT NULL REFERENCES staff,
    kind             text NOT NULL CHECK (kind IN ('self', 'spouse', 'child', 'parent', 'sibling', 'other')),
    national_id_hash bytea,
    account_hash     bytea,
    sealed           bytea NOT NULL,
    recorded_by      text NOT NULL,
    recorded_at      timestamptz NOT NULL,
    ended_by         text,
    ended_at         timestamptz,
    CHECK (national_id_hash IS NOT NULL OR account_hash IS NOT NULL),
    CHECK ((ended_by IS NULL) = (ended_at IS NULL)),
    CONSTRAINT relations_end_by_others CHECK (ended_by <> subject)
);
CREATE UNIQUE INDEX staff_relations_once ON staff_relations (subject, national_id_hash) WHERE ended_at IS NULL AND national_id_hash IS NOT NULL;
CREATE UNIQUE INDEX staff_relations_account_once ON staff_relations (subject, account_hash) WHERE ended_at IS NULL AND national_id_hash IS NULL;
CREATE INDEX staff_relations_person ON staff_relations (national_id_hash) WHERE ended_at IS NULL;
CREATE INDEX staff_relations_account ON staff_relations (account_hash) WHERE ended_at IS NULL;
CREATE INDEX staff_relations_of ON staff_relations (subject, recorded_at, id);
GRANT SELECT, INSERT ON staff_relations TO aidflow_app;
GRANT UPDATE (ended_by, ended_at) ON staff_relations TO aidflow_app;

CREATE TABLE case_recusals (
    id          text NOT NULL UNIQUE,
    case_id     text NOT NULL REFERENCES cases,
    subject     text NOT NULL REFERENCES staff,
    reason_code text NOT NULL CHECK (reason_code IN ('family', 'friendship', 'business', 'dispute', 'other')),
    recorded_at timestamptz NOT NULL,
    CONSTRAINT case_recusals_once PRIMARY KEY (case_id, subject)
);
CREATE INDEX case_recusals_of ON case_recusals (subject);
GRANT SELECT, INSERT ON case_recusals TO aidflow_app;

CREATE TABLE conflict_reviews (
    decision_id text NOT NULL REFERENCES decisions,
    person      text NOT NULL,
    id          text NOT NULL UNIQUE,
    case_id     text NOT NULL REFERENCES cases,
    reviewer    text NOT NULL REFERENCES staff,
    reason_code text NOT NULL CHECK (reason_code IN ('checked_again', 'began_later', 'remote')),
    sealed      bytea NOT NULL,
    at          timestamptz NOT NULL,
    CONSTRAINT conflict_reviews_once PRIMARY KEY (decision_id, person, reviewer)
);
CREATE INDEX conflict_reviews_case ON conflict_reviews (case_id);
GRANT SELECT, INSERT ON conflict_reviews TO aidflow_app;

-- Every look at who is related to whom is a look at this view.
CREATE VIEW conflicts AS
    SELECT k.owner AS case_id, r.subject AS person, 'named' AS because
      FROM staff_relations r JOIN match_keys k ON k.kind = 'national_id' AND k.hash = r.national_id_hash
     WHERE r.ended_at IS NULL AND starts_with(k.owner, 'case_')
    UNION ALL
    SELECT k.owner, r.subject, 'account'
      FROM staff_relations r JOIN match_keys k ON k.kind = 'account' AND k.hash = r.account_hash
     WHERE r.ended_at IS NULL AND starts_with(k.owner, 'case_')
    UNION ALL
    SELECT c.id, r.subject, 'household'
      FROM staff_relations r JOIN household_members m ON m.national_id_hash = r.national_id_hash JOIN cases c ON c.household_id = m.household_id
     WHERE r.ended_at IS NULL
    UNION ALL
    SELECT c.id, r.subject, 'same_person'
      FROM staff_relations r JOIN persons p ON p.national_id_hash = r.national_id_hash JOIN cases c ON c.person_id = coalesce(p.same_as, p.id)
     WHERE r.ended_at IS NULL
    UNION ALL
    SELECT c.id, r.subject, 'same_person'
      FROM staff_relations r JOIN persons p ON p.national_id_hash = r.national_id_hash
           JOIN persons q ON q.same_as = coalesce(p.same_as, p.id) JOIN cases c ON c.person_id = q.id
     WHERE r.ended_at IS NULL
    UNION ALL
    SELECT case_id, subject, 'declared' FROM case_recusals;

-- +goose StatementBegin
CREATE FUNCTION conflicted(of_case text, who text) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT who <> '' AND EXISTS (SELECT 1 FROM conflicts WHERE case_id = of_case AND person = who)
$$;
-- +goose StatementEnd

-- Who holds which duty, read from what was decided and from nothing else.
CREATE VIEW case_holders AS
    SELECT DISTINCT d.case_id, p.person, t.duty
      FROM decisions d JOIN tasks t ON t.id = d.task_id CROSS JOIN LATERAL (VALUES (d.actor), (d.behalf)) AS p (person)
     WHERE d.state = 'applied' AND t.duty NOT IN ('', 'follow_up') AND p.person <> ''
    UNION
    SELECT case_id, reviewer, 'review' FROM conflict_reviews;

-- Decisions that somebody made who is, by what is recorded today, related. One
-- that was made again in a later review, or of which a manager has said that it
-- stands, holds nothing back.
CREATE VIEW conflicted_decisions AS
    SELECT d.case_id, d.id AS decision_id, d.task_id, t.kind, t.duty, t.subject, t.round, p.person, d.decided_at,
           EXISTS (SELECT 1 FROM tasks n WHERE n.case_id = t.case_id AND n.kind = t.kind AND n.level = t.level AND n.subject = t.subject
                      AND n.round = t.round AND n.review > t.review AND n.state = 'done') AS made_again,
           EXISTS (SELECT 1 FROM conflict_reviews r WHERE r.decision_id = d.id AND r.person = p.person
                      AND NOT EXISTS (SELECT 1 FROM conflicts x WHERE x.case_id = r.case_id AND x.person = r.reviewer)) AS reviewed
      FROM decisions d JOIN tasks t ON t.id = d.task_id CROSS JOIN LATERAL (VALUES (d.actor), (d.behalf)) AS p (person)
     WHERE d.state = 'applied' AND t.duty NOT IN ('', 'follow_up')
       AND EXISTS (SELECT 1 FROM conflicts c WHERE c.case_id = d.case_id AND c.person = p.person);
GRANT SELECT ON conflicts, case_holders, conflicted_decisions TO aidflow_app;

-- Nobody decides on a case of a relative, in the own name or in another's.
-- +goose StatementBegin
CREATE FUNCTION nobody_related() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF conflicted(NEW.case_id, NEW.actor) OR conflicted(NEW.case_id, NEW.behalf) THEN
        RAISE EXCEPTION 'a relative does not decide' USING ERRCODE = '23514', CONSTRAINT = 'decisions_without_conflict';
    END IF;
    RETURN NEW;
END $$;

-- Whoever says that a relative's decision stands is related to nobody in the
-- case and has no other duty in it, then or later.
CREATE FUNCTION review_by_others() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    held text;
BEGIN
    IF NEW.reviewer = NEW.person OR conflicted(NEW.case_id, NEW.reviewer) THEN
        RAISE EXCEPTION 'a relative does not review' USING ERRCODE = '23514', CONSTRAINT = 'decisions_without_conflict';
    END IF;
    SELECT duty INTO held FROM case_duties WHERE case_id = NEW.case_id AND person = NEW.reviewer;
    IF held IS NULL THEN
        INSERT INTO case_duties (case_id, person, duty, task_id, at)
        SELECT NEW.case_id, NEW.reviewer, 'review', task_id, NEW.at FROM decisions WHERE id = NEW.decision_id;
    ELSIF held <> 'review' THEN
        RAISE EXCEPTION 'a person holds one duty in a case' USING ERRCODE = '23505', CONSTRAINT = 'four_eyes';
    END IF;
    RETURN NEW;
END $$;

-- The last wall: when money is committed to a rail, the duties are looked up
-- from the decisions themselves. What has arrived in spite of everything is
-- booked: two persons have seen it.
CREATE FUNCTION money_in_clean_hands() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT 1 FROM tasks t WHERE t.case_id = NEW.case_id AND t.kind = 'resolve_payment' AND t.subject = NEW.retry_of
                 AND t.state = 'done' AND t.closed_at = NEW.created_at) THEN
        RETURN NEW;
    END IF;
    IF EXISTS (SELECT 1 FROM case_holders WHERE case_id = NEW.case_id GROUP BY person HAVING count(DISTINCT duty) > 1) THEN
        RAISE EXCEPTION 'a person holds one duty in a case' USING ERRCODE = '23505', CONSTRAINT = 'four_eyes';
    END IF;
    IF NOT EXISTS (SELECT 1 FROM case_holders WHERE case_id = NEW.case_id AND duty = 'verify')
       OR NOT EXISTS (
           SELECT 1 FROM awards a JOIN tasks t ON t.case_id = a.case_id AND t.round = a.round JOIN decisions d ON d.task_id = t.id
           WHERE a.id = NEW.award_id AND t.kind = 'approve' AND t.state = 'done' AND t.outcome = 'approved'
             AND d.state = 'applied' AND d.action = 'approve' AND d.amount >= a.amount
             AND d.bound_hash = sha256((SELECT account_hash FROM payee_accounts WHERE id = NEW.payee_account_id)
                                       || convert_to(NEW.fund_id, 'UTF8') || convert_to(NEW.currency::text, 'UTF8'))) THEN
        RAISE EXCEPTION 'nobody has approved this payment' USING ERRCODE = '23514', CONSTRAINT = 'payments_as_approved';
    END IF;
    IF EXISTS (SELECT 1 FROM conflicted_decisions x WHERE x.case_id = NEW.case_id AND NOT x.made_again AND NOT x.reviewed
                 AND (x.kind NOT IN ('prepare_payment', 'release_payment') OR x.subject IN (NEW.id, NEW.retry_of))) THEN
        RAISE EXCEPTION 'a relative has decided' USING ERRCODE = '23514', CONSTRAINT = 'payments_without_conflict';
    END IF;
    RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER decisions_nobody_related BEFORE INSERT OR UPDATE OF state ON decisions
    FOR EACH ROW WHEN (NEW.state = 'applied') EXECUTE FUNCTION nobody_related();
CREATE TRIGGER conflict_reviews_by_others BEFORE INSERT ON conflict_reviews FOR EACH ROW EXECUTE FUNCTION review_by_others();
CREATE TRIGGER payments_in_clean_hands BEFORE UPDATE OF state ON payments
    FOR EACH ROW WHEN (NEW.state = 'instructed' AND NEW.state <> OLD.state) EXECUTE FUNCTION money_in_clean_hands();

COMMENT ON TABLE staff_relations IS 'Whom a member of staff is related to, themselves included: what keeps them out of the cases of these people. Never deleted; ended by somebody else.';
COMMENT ON COLUMN staff_relations.id IS 'Id rel_.';
COMMENT ON COLUMN staff_relations.subject IS 'The member of staff.';
COMMENT ON COLUMN staff_relations.kind IS 'What the other person is to the member of staff; self for the member''s own numbers.';
COMMENT ON COLUMN staff_relations.national_id_hash IS 'Keyed hash of the other person''s id number; as in persons and match_keys.';
COMMENT ON COLUMN staff_relations.account_hash IS 'Keyed hash of an account of theirs; as in match_keys.';
COMMENT ON COLUMN staff_relations.sealed IS 'Name, id number and account, encrypted.';
COMMENT ON COLUMN staff_relations.recorded_by IS 'Who recorded it: the member or an administrator.';
COMMENT ON COLUMN staff_relations.recorded_at IS 'When, on the wall clock.';
COMMENT ON COLUMN staff_relations.ended_by IS 'The administrator who ended it, never the member.';
COMMENT ON COLUMN staff_relations.ended_at IS 'When, on the wall clock; empty while it holds.';
COMMENT ON TABLE case_recusals IS 'Members of staff who have declared that they do not act in a case. Never changed.';
COMMENT ON COLUMN case_recusals.id IS 'Id rec_.';
COMMENT ON COLUMN case_recusals.case_id IS 'The case.';
COMMENT ON COLUMN case_recusals.subject IS 'Who.';
COMMENT ON COLUMN case_recusals.reason_code IS 'Why, as a code.';
COMMENT ON COLUMN case_recusals.recorded_at IS 'When, on the wall clock.';
COMMENT ON TABLE conflict_reviews IS 'A manager''s word that the decision of somebody who turned out to be related stands. Never changed.';
COMMENT ON COLUMN conflict_reviews.decision_id IS 'The decision.';
COMMENT ON COLUMN conflict_reviews.person IS 'Who of actor and principal is related.';
COMMENT ON COLUMN conflict_reviews.id IS 'Id rvw_.';
COMMENT ON COLUMN conflict_reviews.case_id IS 'The case.';
COMMENT ON COLUMN conflict_reviews.reviewer IS 'The manager, who holds no other duty in the case.';
COMMENT ON COLUMN conflict_reviews.reason_code IS 'Why it stands, as a code.';
COMMENT ON COLUMN conflict_reviews.sealed IS 'What the manager found, encrypted.';
COMMENT ON COLUMN conflict_reviews.at IS 'When, on the wall clock.';
COMMENT ON VIEW conflicts IS 'Who of the staff is related to whom a case is for, by what is recorded now.';
COMMENT ON COLUMN conflicts.case_id IS 'The case.';
COMMENT ON COLUMN conflicts.person IS 'Who may not act in it.';
COMMENT ON COLUMN conflicts.because IS 'named: applicant or member of the request; account: the payee''s; household: member of the register''s household; same_person: merged with the applicant; declared: recusal.';
COMMENT ON VIEW case_holders IS 'Who holds which duty of a case, read from the applied decisions, for actor and principal.';
COMMENT ON COLUMN case_holders.case_id IS 'The case.';
COMMENT ON COLUMN case_holders.person IS 'Who.';
COMMENT ON COLUMN case_holders.duty IS 'The duty; review for a manager''s word on a conflict.';
COMMENT ON VIEW conflicted_decisions IS 'Applied decisions with a duty that somebody made who is related by what is recorded now.';
COMMENT ON COLUMN conflicted_decisions.case_id IS 'The case.';
COMMENT ON COLUMN conflicted_decisions.decision_id IS 'The decision.';
COMMENT ON COLUMN conflicted_decisions.task_id IS 'Its task.';
COMMENT ON COLUMN conflicted_decisions.kind IS 'Kind of the task.';
COMMENT ON COLUMN conflicted_decisions.duty IS 'The duty it took.';
COMMENT ON COLUMN conflicted_decisions.subject IS 'What the task is about.';
COMMENT ON COLUMN conflicted_decisions.round IS 'Round of the case.';
COMMENT ON COLUMN conflicted_decisions.person IS 'Who of actor and principal is related.';
COMMENT ON COLUMN conflicted_decisions.decided_at IS 'When it was made, on the case''s clock.';
COMMENT ON COLUMN conflicted_decisions.made_again IS 'The same was decided again in a later review.';
COMMENT ON COLUMN conflicted_decisions.reviewed IS 'A manager has said that it stands.';

-- +goose Down
DROP TRIGGER payments_in_clean_hands ON payments;
DROP TRIGGER decisions_nobody_related ON decisions;
DROP VIEW conflicted_decisions, case_holders;
DROP FUNCTION conflicted;
DROP VIEW conflicts;
DROP TABLE conflict_reviews, case_recusals, staff_relations;
DROP FUNCTION money_in_clean_hands, review_by_others, nobody_related;
DELETE FROM case_duties WHERE duty = 'review';
