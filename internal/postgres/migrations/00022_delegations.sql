-- +goose Up
-- Who acts for whom and for how long, roles for some programmes only, and the
-- two persons of a delegated act.

ALTER TABLE staff
    ADD COLUMN version    integer NOT NULL DEFAULT 1,
    ADD COLUMN updated_at timestamptz;
COMMENT ON COLUMN staff.version IS 'Rises with every change of the person or its roles (ETag).';
COMMENT ON COLUMN staff.updated_at IS 'When the person or its roles changed last, on the wall clock; empty for never.';

ALTER TABLE staff_roles
    ADD COLUMN programmes text[] NOT NULL DEFAULT '{}',
    ADD COLUMN granted_by text NOT NULL DEFAULT '',
    ADD CONSTRAINT staff_roles_by_another CHECK (granted_by <> subject);
COMMENT ON COLUMN staff_roles.programmes IS 'Codes of the programmes for which the role holds; empty for all.';
COMMENT ON COLUMN staff_roles.granted_by IS 'The administrator who gave it, never the person; empty where it came with the installation or a change of areas.';

CREATE TABLE delegations (
    id          text PRIMARY KEY,
    principal   text NOT NULL REFERENCES staff,
    delegate    text NOT NULL REFERENCES staff,
    programmes  text[] NOT NULL DEFAULT '{}',
    ceiling     bigint CHECK (ceiling > 0),
    from_at     timestamptz NOT NULL,
    until_at    timestamptz NOT NULL,
    reason_code text NOT NULL CHECK (reason_code IN ('leave', 'illness', 'travel', 'training', 'vacancy', 'other')),
    created_by  text NOT NULL REFERENCES staff,
    created_at  timestamptz NOT NULL,
    started_at  timestamptz,
    revoked_at  timestamptz,
    revoked_by  text NOT NULL DEFAULT '',
    because     text NOT NULL DEFAULT '',
    settled_at  timestamptz,
    CONSTRAINT delegations_to_another CHECK (principal <> delegate),
    CONSTRAINT delegations_forward CHECK (until_at > from_at)
);
CREATE INDEX delegations_principal ON delegations (principal, from_at);
CREATE INDEX delegations_delegate ON delegations (delegate, until_at) WHERE revoked_at IS NULL;
CREATE INDEX delegations_unsettled ON delegations (from_at) WHERE settled_at IS NULL;
COMMENT ON TABLE delegations IS 'Who acts for whom, for how long and how far. It lends what the principal''s own roles give at each look, never what was lent to the principal.';
COMMENT ON COLUMN delegations.id IS 'del_ and a UUID.';
COMMENT ON COLUMN delegations.principal IS 'In whose name.';
COMMENT ON COLUMN delegations.delegate IS 'Who acts.';
COMMENT ON COLUMN delegations.programmes IS 'Codes of the programmes for which it holds; empty for all.';
COMMENT ON COLUMN delegations.ceiling IS 'The highest amount of a case, in minor units of its currency; empty for none.';
COMMENT ON COLUMN delegations.from_at IS 'From when it holds, on the wall clock.';
COMMENT ON COLUMN delegations.until_at IS 'Until when, on the wall clock; at that instant it holds no more.';
COMMENT ON COLUMN delegations.reason_code IS 'Why the principal is away.';
COMMENT ON COLUMN delegations.created_by IS 'The principal, or the manager who recorded it for an absent person.';
COMMENT ON COLUMN delegations.created_at IS 'When, on the wall clock.';
COMMENT ON COLUMN delegations.started_at IS 'When the principal''s tasks were moved to the delegate; empty before.';
COMMENT ON COLUMN delegations.revoked_at IS 'When it was ended before its time; from then on it holds no more. Wall clock.';
COMMENT ON COLUMN delegations.revoked_by IS 'Who ended it; empty while nobody has.';
COMMENT ON COLUMN delegations.because IS 'Why it ended early: revoked, principal_disabled or delegate_disabled; empty while it has not.';
COMMENT ON COLUMN delegations.settled_at IS 'When, after its end, what the delegate had not decided was given back; empty before.';
GRANT SELECT, INSERT ON delegations TO aidflow_app;
REVOKE UPDATE ON delegations FROM aidflow_app;
GRANT UPDATE (started_at, revoked_at, revoked_by, because, settled_at) ON delegations TO aidflow_app;

-- Two delegations of a person for the same programme never hold at once, and
-- none is handed on. Whoever writes one holds both persons' rows, so that two
-- at once are one after the other.
-- +goose StatementBegin
CREATE FUNCTION delegations_apart() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM 1 FROM staff WHERE subject IN (NEW.principal, NEW.delegate) ORDER BY subject FOR NO KEY UPDATE;
    IF EXISTS (SELECT 1 FROM delegations d WHERE d.revoked_at IS NULL AND d.principal = NEW.principal
               AND d.from_at < NEW.until_at AND NEW.from_at < d.until_at
               AND (d.programmes = '{}' OR NEW.programmes = '{}' OR d.programmes && NEW.programmes)) THEN
        RAISE EXCEPTION 'two delegations at once' USING ERRCODE = '23505', CONSTRAINT = 'delegations_no_overlap';
    END IF;
    IF EXISTS (SELECT 1 FROM delegations d WHERE d.revoked_at IS NULL AND (d.principal = NEW.delegate OR d.delegate = NEW.principal)
               AND d.from_at < NEW.until_at AND NEW.from_at < d.until_at) THEN
        RAISE EXCEPTION 'a delegation is not handed on' USING ERRCODE = '23505', CONSTRAINT = 'delegations_no_chain';
    END IF;
    RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER delegations_apart BEFORE INSERT ON delegations FOR EACH ROW EXECUTE FUNCTION delegations_apart();

-- Whose deciders have changed: the tasks of the area and of everything below it
-- are looked at again, by order of their ids.
CREATE TABLE task_rechecks (
    id        bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    area      text NOT NULL REFERENCES areas,
    looked_to text NOT NULL DEFAULT '',
    asked_at  timestamptz NOT NULL
);
COMMENT ON TABLE task_rechecks IS 'Looks that are still to be taken at open tasks, because roles have changed: whether somebody can decide them. Emptied as they are taken.';
COMMENT ON COLUMN task_rechecks.id IS 'Running number.';
COMMENT ON COLUMN task_rechecks.area IS 'The area, with everything below it.';
COMMENT ON COLUMN task_rechecks.looked_to IS 'The last task that was looked at; empty before the first.';
COMMENT ON COLUMN task_rechecks.asked_at IS 'When, on the wall clock.';
GRANT SELECT, INSERT, DELETE ON task_rechecks TO aidflow_app;
GRANT UPDATE (looked_to) ON task_rechecks TO aidflow_app;

-- A task that a delegate has in hand for somebody. Whoever gives the task to
-- another without saying for whom ends that.
ALTER TABLE tasks ADD COLUMN assigned_for text;
COMMENT ON COLUMN tasks.assigned_for IS 'The principal from whom the task came to its assignee by a delegation; empty when it did not.';
GRANT UPDATE (assigned_for) ON tasks TO aidflow_app;
CREATE INDEX tasks_assigned_for ON tasks (assigned_for) WHERE closed_at IS NULL AND assigned_for IS NOT NULL;
-- +goose StatementBegin
CREATE FUNCTION keep_assigned_for() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.assigned_for IS NOT DISTINCT FROM OLD.assigned_for THEN
        NEW.assigned_for := NULL;
    END IF;
    RETURN NEW;
END $$;
-- +goose StatementEnd
CREATE TRIGGER tasks_keep_assigned_for BEFORE UPDATE OF assignee ON tasks FOR EACH ROW
    WHEN (OLD.assigned_for IS NOT NULL AND NEW.assignee IS DISTINCT FROM OLD.assignee) EXECUTE FUNCTION keep_assigned_for();

-- Both persons of a delegated act.
ALTER TABLE decisions ADD CONSTRAINT decisions_behalf_of_another CHECK (behalf <> actor);
CREATE UNIQUE INDEX decisions_once_behalf ON decisions (task_id, behalf) WHERE behalf <> '' AND state IN ('intent', 'applied');
ALTER TABLE case_duties ADD COLUMN beside text NOT NULL DEFAULT '';
COMMENT ON COLUMN case_duties.beside IS 'The other person of a delegated act: the principal in the delegate''s row, the delegate in the principal''s; empty when the person acted alone.';
ALTER TABLE audit ADD COLUMN behalf text NOT NULL DEFAULT '';
COMMENT ON COLUMN audit.behalf IS 'In whose name, when a delegate acted; empty when in the own.';
ALTER TABLE case_findings ADD COLUMN overridden_behalf text NOT NULL DEFAULT '';
COMMENT ON COLUMN case_findings.overridden_behalf IS 'In whose name the approver went on, as a delegate; empty when in the own.';
GRANT UPDATE (overridden_behalf) ON case_findings TO aidflow_app;

-- A decision enters the duty of its task for whoever decides and for the
-- principal, and neither of the two has another duty in the case or another
-- vote on the task.
-- +goose StatementBegin
CREATE OR REPLACE FUNCTION take_duty() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    wanted text;
    held   text;
    who    text;
    hands  text[] := ARRAY[NEW.actor];
BEGIN
    IF NEW.state <> 'applied' THEN
        RETURN NEW;
    END IF;
    IF NEW.behalf <> '' THEN
        hands := hands || NEW.behalf;
    END IF;
    SELECT duty INTO STRICT wanted FROM tasks WHERE id = NEW.task_id FOR NO KEY UPDATE;
    IF EXISTS (SELECT 1 FROM decisions d WHERE d.task_id = NEW.task_id AND d.id <> NEW.id AND d.state = 'applied'
               AND (d.actor = ANY(hands) OR d.behalf = ANY(hands))) THEN
        RAISE EXCEPTION 'a person decides a task once' USING ERRCODE = '23505', CONSTRAINT = 'decisions_once';
    END IF;
    IF wanted = '' THEN
        RETURN NEW;
    END IF;
    FOREACH who IN ARRAY hands LOOP
        SELECT duty INTO held FROM case_duties WHERE case_id = NEW.case_id AND person = who;
        IF wanted = 'follow_up' THEN
            IF held = 'verify' THEN
                RAISE EXCEPTION 'follow-up by the person who verified' USING ERRCODE = '23505', CONSTRAINT = 'four_eyes';
            END IF;
        ELSIF held IS NULL THEN
            INSERT INTO case_duties (case_id, person, duty, task_id, at, beside)
            VALUES (NEW.case_id, who, wanted, NEW.task_id, NEW.decided_at, CASE WHEN who = NEW.actor THEN NEW.behalf ELSE NEW.actor END);
        ELSIF held <> wanted THEN
            RAISE EXCEPTION 'a person holds one duty in a case' USING ERRCODE = '23505', CONSTRAINT = 'four_eyes';
        END IF;
    END LOOP;
    RETURN NEW;
END $$;
-- +goose StatementEnd

-- +goose Down
-- +goose StatementBegin
CREATE OR REPLACE FUNCTION take_duty() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    wanted text;
    held   text;
BEGIN
    IF NEW.state <> 'applied' THEN
        RETURN NEW;
    END IF;
    SELECT duty INTO STRICT wanted FROM tasks WHERE id = NEW.task_id;
    IF wanted = '' THEN
        RETURN NEW;
    END IF;
    SELECT duty INTO held FROM case_duties WHERE case_id = NEW.case_id AND person = NEW.actor;
    IF wanted = 'follow_up' THEN
        IF held = 'verify' THEN
            RAISE EXCEPTION 'follow-up by the person who verified' USING ERRCODE = '23505', CONSTRAINT = 'four_eyes';
        END IF;
        RETURN NEW;
    END IF;
    IF held IS NULL THEN
        INSERT INTO case_duties (case_id, person, duty, task_id, at)
        VALUES (NEW.case_id, NEW.actor, wanted, NEW.task_id, NEW.decided_at);
    ELSIF held <> wanted THEN
        RAISE EXCEPTION 'a person holds one duty in a case' USING ERRCODE = '23505', CONSTRAINT = 'four_eyes';
    END IF;
    RETURN NEW;
END $$;
-- +goose StatementEnd
ALTER TABLE case_findings DROP COLUMN overridden_behalf;
ALTER TABLE audit DROP COLUMN behalf;
ALTER TABLE case_duties DROP COLUMN beside;
DROP INDEX decisions_once_behalf;
ALTER TABLE decisions DROP CONSTRAINT decisions_behalf_of_another;
DROP TRIGGER tasks_keep_assigned_for ON tasks;
DROP FUNCTION keep_assigned_for;
ALTER TABLE tasks DROP COLUMN assigned_for;
DROP TABLE task_rechecks;
DROP TABLE delegations;
DROP FUNCTION delegations_apart;
ALTER TABLE staff_roles DROP COLUMN granted_by, DROP COLUMN programmes;
ALTER TABLE staff DROP COLUMN updated_at, DROP COLUMN version;
