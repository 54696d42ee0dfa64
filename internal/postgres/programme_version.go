package postgres

import (
	"context"
	"time"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/aid/programme"
)

// versionReader reads published versions, within a transaction or outside.
type versionReader struct {
	list       func(dest any, query string, args ...any) error
	definition func(code string, version int) (*programme.Definition, error)
}

func (s *Store) reader(ctx context.Context) versionReader {
	return versionReader{
		list: func(dest any, query string, args ...any) error { return s.list(ctx, dest, query, args...) },
		definition: func(code string, version int) (*programme.Definition, error) {
			return s.Definition(ctx, code, version)
		},
	}
}

func (tx *Tx) reader() versionReader { return versionReader{list: tx.list, definition: tx.Definition} }

// publishedVersion is a row of programmes with what it means.
type publishedVersion struct {
	Code        string     `db:"code"`
	Version     int        `db:"version"`
	PublishedAt time.Time  `db:"published_at"`
	ClosedAt    *time.Time `db:"closed_at"`
	Definition  *programme.Definition
}

// publishedVersions gives the versions of a programme, or of all ("") by code,
// newest first.
func publishedVersions(r versionReader, code string) ([]publishedVersion, error) {
	var rows []publishedVersion
	err := r.list(&rows, `SELECT code, version, published_at, closed_at FROM programmes
		WHERE $1::text IS NULL OR code = $1 ORDER BY code, version DESC`, text(code))
	if err != nil {
		return nil, err
	}
	for i := range rows {
		if rows[i].Definition, err = r.definition(rows[i].Code, rows[i].Version); err != nil {
			return nil, err
		}
	}
	return rows, nil
}

func publishedOf(rows []publishedVersion) []programme.Published {
	out := make([]programme.Published, 0, len(rows))
	for _, r := range rows {
		out = append(out, programme.Published{Definition: r.Definition, RecalledAt: r.ClosedAt})
	}
	return out
}

// byCode parts rows that are sorted by code.
func byCode(rows []publishedVersion) [][]publishedVersion {
	var out [][]publishedVersion
	for i, r := range rows {
		if i == 0 || rows[i-1].Code != r.Code {
			out = append(out, nil)
		}
		out[len(out)-1] = append(out[len(out)-1], r)
	}
	return out
}

// The states of a version beside the standings of a published one.
const (
	VersionProposed  = "proposed"  // waits for a second administrator
	VersionWithdrawn = "withdrawn" // was proposed and never published
)

// VersionRow is a version of a programme, proposed or published, and who made
// it one.
type VersionRow struct {
	Code       string
	Version    int
	State      string // a Standing, or one of the Version words
	Draft      string // id of the draft; "" when a deployment brought the version
	Source     string // the text as it was sent
	Definition *programme.Definition

	ProposedBy  string // "" when a deployment brought it
	ProposedAt  *time.Time
	PublishedBy string // "" when a deployment brought it, or when nobody has
	PublishedAt *time.Time
	WithdrawnBy string
	WithdrawnAt *time.Time
	RecalledAt  *time.Time
	Recalls     []RecallRow // wishes to recall it, oldest first: the second one does
}

// RecallRow is one administrator's wish to recall a version.
type RecallRow struct {
	Code    string    `db:"code"`
	Version int       `db:"version"`
	Actor   string    `db:"actor"`
	Reason  string    `db:"reason"`
	At      time.Time `db:"at"`
}

// ProgrammeVersions gives every version of a programme, proposed, withdrawn or
// published, newest first.
//
// Errors: NotFound programme_not_found.
func (s *Store) ProgrammeVersions(ctx context.Context, code string) ([]VersionRow, error) {
	rows, err := s.versionRows(ctx, code)
	if err == nil && len(rows) == 0 {
		err = aid.Refuse(aid.NotFound, "programme_not_found")
	}
	return rows, err
}

// ProgrammeVersion gives one version: the published one, else the newest draft
// of it.
//
// Errors: NotFound version_not_found.
func (s *Store) ProgrammeVersion(ctx context.Context, code string, version int) (VersionRow, error) {
	rows, err := s.versionRows(ctx, code)
	if err != nil {
		return VersionRow{}, err
	}
	for _, r := range rows {
		if r.Version == version {
			return r, nil
		}
	}
	return VersionRow{}, aid.Refuse(aid.NotFound, "version_not_found")
}

func (s *Store) versionRows(ctx context.Context, code string) ([]VersionRow, error) {
	var rows []struct {
		Code        string     `db:"code"`
		Version     int        `db:"version"`
		State       string     `db:"state"`
		Draft       string     `db:"draft"`
		Source      string     `db:"source"`
		Definition  string     `db:"definition"`
		ProposedBy  string     `db:"proposed_by"`
		ProposedAt  *time.Time `db:"proposed_at"`
		DecidedBy   string     `db:"decided_by"`
		DecidedAt   *time.Time `db:"decided_at"`
		PublishedAt *time.Time `db:"published_at"`
	}
	err := s.list(ctx, &rows, `
		SELECT coalesce(p.code, d.code) AS code, coalesce(p.version, d.version) AS version, coalesce(d.state, 'published') AS state,
		       coalesce(d.id, '') AS draft, coalesce(p.source, d.source) AS source, coalesce(p.definition, d.definition) AS definition,
		       coalesce(d.proposed_by, '') AS proposed_by, d.proposed_at, coalesce(d.decided_by, '') AS decided_by, d.decided_at, p.published_at
		FROM programmes p FULL JOIN programme_drafts d ON d.id = p.draft_id
		WHERE coalesce(p.code, d.code) = $1
		ORDER BY 2 DESC, p.published_at IS NULL, d.proposed_at DESC`, code)
	if err != nil {
		return nil, err
	}
	standing, err := s.standings(ctx, code)
	if err != nil {
		return nil, err
	}
	out := make([]VersionRow, 0, len(rows))
	for _, r := range rows {
		v := VersionRow{Code: r.Code, Version: r.Version, State: r.State, Draft: r.Draft, Source: r.Source, ProposedBy: r.ProposedBy, ProposedAt: r.ProposedAt}
		if v.Definition, err = programme.Parse([]byte(r.Definition)); err != nil && r.PublishedAt != nil {
			return nil, err // a draft of old may be none by the rules of a later release
		}
		switch {
		case r.PublishedAt != nil:
			known := standing[r.Version]
			v.State, v.PublishedBy, v.PublishedAt, v.RecalledAt, v.Recalls = known.state, r.DecidedBy, r.PublishedAt, known.recalledAt, known.recalls
		case r.State == VersionWithdrawn:
			v.WithdrawnBy, v.WithdrawnAt = r.DecidedBy, r.DecidedAt
		}
		out = append(out, v)
	}
	return out, nil
}

// standingOf is what a published version is today.
type standingOf struct {
	state      string
	recalledAt *time.Time
	recalls    []RecallRow
}

func (s *Store) standings(ctx context.Context, code string) (map[int]standingOf, error) {
	versions, err := publishedVersions(s.reader(ctx), code)
	if err != nil {
		return nil, err
	}
	var recalls []RecallRow
	if err := s.list(ctx, &recalls, `SELECT code, version, actor, reason, at FROM programme_recalls WHERE code = $1 ORDER BY at, actor`, code); err != nil {
		return nil, err
	}
	out := map[int]standingOf{}
	for i, state := range programme.Standings(publishedOf(versions), s.Now()) {
		one := standingOf{state: string(state), recalledAt: versions[i].ClosedAt}
		for _, r := range recalls {
			if r.Version == versions[i].Version {
				one.recalls = append(one.recalls, r)
			}
		}
		out[versions[i].Version] = one
	}
	return out, nil
}
