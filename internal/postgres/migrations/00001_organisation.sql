-- +goose Up
-- Who works here and where: areas, partners and their keys, staff and roles,
-- calendars and the published programmes.

CREATE TABLE areas (
    code       text PRIMARY KEY,
    name       text NOT NULL,
    level      text NOT NULL,
    parent     text REFERENCES areas,
    valid_from date NOT NULL DEFAULT '1900-01-01',
    valid_to   date,
    CHECK (valid_to IS NULL OR valid_to > valid_from)
);
CREATE INDEX areas_parent ON areas (parent);

CREATE TABLE partners (
    id         text PRIMARY KEY,
    code       text NOT NULL UNIQUE,
    name       text NOT NULL,
    area       text NOT NULL REFERENCES areas,
    created_at timestamptz NOT NULL,
    ended_at   timestamptz
);

CREATE TABLE partner_keys (
    id         text PRIMARY KEY,
    partner_id text NOT NULL REFERENCES partners,
    key_hash   bytea NOT NULL UNIQUE,
    mode       text NOT NULL CHECK (mode IN ('test', 'live')),
    scopes     text[] NOT NULL,
    created_at timestamptz NOT NULL,
    expires_at timestamptz,
    revoked_at timestamptz
);
CREATE INDEX partner_keys_partner ON partner_keys (partner_id);

CREATE TABLE staff (
    subject     text PRIMARY KEY,
    name        text NOT NULL,
    created_at  timestamptz NOT NULL,
    disabled_at timestamptz
);

CREATE TABLE staff_roles (
    subject   text NOT NULL REFERENCES staff,
    role      text NOT NULL CHECK (role IN ('intake', 'verifier', 'approver', 'treasurer', 'releaser', 'manager', 'auditor', 'admin')),
    area      text NOT NULL REFERENCES areas,
    level     text NOT NULL DEFAULT '',
    committee boolean NOT NULL DEFAULT false,
    chair     boolean NOT NULL DEFAULT false,
    PRIMARY KEY (subject, role, area, level),
    CHECK (level = '' OR role = 'approver'),
    CHECK (committee OR NOT chair)
);
CREATE INDEX staff_roles_role ON staff_roles (role, area);

CREATE TABLE calendars (
    code       text PRIMARY KEY,
    definition jsonb NOT NULL
);

CREATE TABLE programmes (
    code         text NOT NULL,
    version      integer NOT NULL CHECK (version > 0),
    definition   text NOT NULL,
    published_at timestamptz NOT NULL,
    closed_at    timestamptz,
    PRIMARY KEY (code, version)
);

-- +goose Down
DROP TABLE programmes, calendars, staff_roles, staff, partner_keys, partners, areas;
