-- +goose Up
-- Who may be whom: the people named in cases and in partner-delivered aid, the
-- keyed hashes under which they meet, and what persons decided about it.

CREATE TABLE match_people (
    owner          text NOT NULL GENERATED ALWAYS AS (coalesce(case_id, partner_aid_id)) STORED,
    n              integer NOT NULL CHECK (n >= 0),
    case_id        text REFERENCES cases,
    partner_aid_id text REFERENCES partner_aid,
    role           text NOT NULL CHECK (role IN ('applicant', 'member')),
    sealed         bytea NOT NULL,
    PRIMARY KEY (owner, n),
    CHECK ((case_id IS NULL) <> (partner_aid_id IS NULL)),
    CHECK ((role = 'applicant') = (n = 0))
);

CREATE TABLE match_keys (
    kind  text NOT NULL CHECK (kind IN ('national_id', 'name', 'block', 'address', 'account', 'phone', 'household')),
    hash  bytea NOT NULL,
    owner text NOT NULL,
    n     integer NOT NULL,
    PRIMARY KEY (kind, hash, owner, n),
    FOREIGN KEY (owner, n) REFERENCES match_people (owner, n) ON DELETE CASCADE
);
CREATE INDEX match_keys_owner ON match_keys (owner, n);

-- Merged persons point at one of them; nobody points at one who points on.
ALTER TABLE persons ADD COLUMN same_as text REFERENCES persons CHECK (same_as <> id);
CREATE INDEX persons_same_as ON persons (same_as) WHERE same_as IS NOT NULL;

CREATE TABLE person_decisions (
    id        text PRIMARY KEY,
    kind      text NOT NULL CHECK (kind IN ('merge', 'split', 'different')),
    person_id text NOT NULL REFERENCES persons,
    other_id  text NOT NULL REFERENCES persons,
    cases     text[] NOT NULL,
    reason    text NOT NULL CHECK (reason <> ''),
    actor     text NOT NULL,
    at        timestamptz NOT NULL,
    CHECK (person_id <> other_id)
);
CREATE INDEX person_decisions_person ON person_decisions (person_id);
CREATE INDEX person_decisions_other ON person_decisions (other_id);

CREATE TABLE person_differences (
    person_id   text NOT NULL REFERENCES persons,
    other_id    text NOT NULL REFERENCES persons,
    decision_id text NOT NULL REFERENCES person_decisions,
    PRIMARY KEY (person_id, other_id),
    CHECK (person_id < other_id)
);
CREATE INDEX person_differences_other ON person_differences (other_id);

GRANT SELECT, INSERT, DELETE ON match_people, person_differences TO aidflow_app;
GRANT SELECT, INSERT ON match_keys, person_decisions TO aidflow_app;

COMMENT ON TABLE match_people IS 'People named in a case or in partner-delivered aid, as the duplicate check compares them. Replaced with the content that they come from, and deleted with it.';
COMMENT ON COLUMN match_people.owner IS 'The case or the partner-delivered aid.';
COMMENT ON COLUMN match_people.n IS '0 is the applicant, or the person who was helped; members of the household from 1, in the order of the request.';
COMMENT ON COLUMN match_people.case_id IS 'The case, when it is one.';
COMMENT ON COLUMN match_people.partner_aid_id IS 'The partner-delivered aid, when it is one.';
COMMENT ON COLUMN match_people.role IS 'applicant or member.';
COMMENT ON COLUMN match_people.sealed IS 'Name, birth date, sex, id number and phone; of the applicant the address too. Encrypted.';
COMMENT ON TABLE match_keys IS 'Keyed hashes under which people of different cases meet. Equal hashes mean equal values, whatever the values are.';
COMMENT ON COLUMN match_keys.kind IS 'What was hashed: id number; name (words sorted, without accents) with birth date; birth year with commune; address with commune; bank account of a household, guardian or heir; phone; code of the household.';
COMMENT ON COLUMN match_keys.hash IS 'The keyed hash.';
COMMENT ON COLUMN match_keys.owner IS 'Where the person is named.';
COMMENT ON COLUMN match_keys.n IS 'Which person there; keys of the whole case are the applicant''s.';
COMMENT ON COLUMN persons.same_as IS 'The person with whom this one was merged by somebody''s decision; none for a person of its own.';
COMMENT ON TABLE person_decisions IS 'Every merge, split and "not the same" of persons. Never changed.';
COMMENT ON COLUMN person_decisions.id IS 'Id dec_.';
COMMENT ON COLUMN person_decisions.kind IS 'merge: one person; split: the cases are another person''s; different: not the same, though alike.';
COMMENT ON COLUMN person_decisions.person_id IS 'The person that was decided about.';
COMMENT ON COLUMN person_decisions.other_id IS 'The person merged into, split off, or found different.';
COMMENT ON COLUMN person_decisions.cases IS 'Of a split: the cases that went to the other person.';
COMMENT ON COLUMN person_decisions.reason IS 'Coded reason.';
COMMENT ON COLUMN person_decisions.actor IS 'Who decided.';
COMMENT ON COLUMN person_decisions.at IS 'When, on the wall clock.';
COMMENT ON TABLE person_differences IS 'Pairs of persons that are known to be two: alike, and no hit any more. A merge takes them away again.';
COMMENT ON COLUMN person_differences.person_id IS 'One of them, the lesser id.';
COMMENT ON COLUMN person_differences.other_id IS 'The other.';
COMMENT ON COLUMN person_differences.decision_id IS 'The split or the decision that says so.';

-- +goose Down
DROP TABLE person_differences, person_decisions, match_keys, match_people;
ALTER TABLE persons DROP COLUMN same_as;
