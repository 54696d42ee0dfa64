package postgres

import (
	"context"
	"encoding/json"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/aid/programme"
	"github.com/aidflow/aidflow/aid/worktime"
)

// ProgrammeRow is a published version of a programme.
type ProgrammeRow struct {
	Code        string
	Version     int
	Open        bool   // takes new cases
	Why         string // code of why it takes none: programme_closed, programme_not_in_force
	PublishedAt time.Time
	Definition  *programme.Definition
}

// Programmes gives every programme, by code, in the version that a case of now
// would be pinned to. Where there is none it gives the newest version, which is
// not open.
func (s *Store) Programmes(ctx context.Context) ([]ProgrammeRow, error) {
	return s.programmes(ctx, "")
}

// Programme gives one programme in that version.
//
// Errors: NotFound programme_not_found.
func (s *Store) Programme(ctx context.Context, code string) (ProgrammeRow, error) {
	rows, err := s.programmes(ctx, code)
	if err == nil && len(rows) == 0 {
		err = aid.Refuse(aid.NotFound, "programme_not_found")
	}
	if err != nil {
		return ProgrammeRow{}, err
	}
	return rows[0], nil
}

func (s *Store) programmes(ctx context.Context, code string) ([]ProgrammeRow, error) {
	rows, err := publishedVersions(s.reader(ctx), code)
	if err != nil {
		return nil, err
	}
	out := []ProgrammeRow{}
	for _, versions := range byCode(rows) {
		shown := versions[0] // the newest
		current, err := programme.Current(publishedOf(versions), s.Now())
		for _, v := range versions {
			if v.Definition == current {
				shown = v
			}
		}
		out = append(out, ProgrammeRow{Code: shown.Code, Version: shown.Version, Open: err == nil, Why: aid.CodeOf(err), PublishedAt: shown.PublishedAt, Definition: shown.Definition})
	}
	return out, nil
}

// openProgramme gives the version of a programme that a case submitted now is
// pinned to. Validated is the version that its content was checked against; 0
// when it was not.
//
// Errors: Invalid with the fault unknown_programme; Conflict programme_closed,
// programme_not_in_force, programme_version_changed when another version has
// come into force since the check.
func (tx *Tx) openProgramme(code string, validated int) (*programme.Definition, error) {
	versions, err := publishedVersions(tx.reader(), code)
	if err != nil {
		return nil, err
	}
	if code == "" || len(versions) == 0 {
		return nil, aid.RefuseAll([]aid.Fault{{Pointer: "/programme", Code: "unknown_programme"}})
	}
	def, err := programme.Current(publishedOf(versions), tx.Now)
	if err != nil {
		return nil, err
	}
	if validated != 0 && validated != def.Version {
		return nil, aid.Refuse(aid.Conflict, "programme_version_changed")
	}
	return def, nil
}

// PublishProgrammes adds the versions that a deployment brings and that are
// not there yet. A programme that administrators have taken into their own
// hands, by publishing the same or a later version, is left to them. It needs
// the owner's role.
//
// Errors: Conflict programme_version_exists (param programme) when an earlier
// deployment has brought a version with another content: a case is pinned to it.
func (s *Store) PublishProgrammes(ctx context.Context, definitions []*programme.Definition) error {
	return s.Write(ctx, func(tx *Tx) error {
		for _, def := range definitions {
			if err := tx.publish(def); err != nil {
				return err
			}
		}
		return nil
	})
}

func (tx *Tx) publish(def *programme.Definition) error {
	raw, err := json.Marshal(def)
	if err != nil {
		return err
	}
	var theirs bool
	err = tx.get(&theirs, `SELECT EXISTS (SELECT 1 FROM programmes WHERE code = $1 AND version >= $2 AND draft_id IS NOT NULL)`, def.Code, def.Version)
	if err != nil || theirs {
		return err
	}
	var there string
	err = tx.get(&there, `
		WITH added AS (INSERT INTO programmes (code, version, definition, source, published_at) VALUES ($1, $2, $3, $4, $5)
			ON CONFLICT DO NOTHING RETURNING definition)
		SELECT definition FROM added UNION ALL SELECT definition FROM programmes WHERE code = $1 AND version = $2`,
		def.Code, def.Version, string(raw), def.Text(), tx.Wall)
	if err != nil || there == string(raw) {
		return err
	}
	return sameDefinition(there, raw, def.Code)
}

// sameDefinition compares what two versions mean, not how they are written: a
// later release may write a field that an earlier one left out.
func sameDefinition(there string, raw []byte, code string) error {
	stored, err := programme.Parse([]byte(there))
	if err != nil {
		return err
	}
	again, err := json.Marshal(stored)
	if err == nil && string(again) != string(raw) {
		return aid.Refuse(aid.Conflict, "programme_version_exists", "programme", code)
	}
	return err
}

// Observed is how long a stage of a programme really took.
type Observed struct {
	Stage       aid.Stage
	N           int // cases counted
	CalendarP50 time.Duration
	CalendarP85 time.Duration
	WorkingP50  time.Duration
	WorkingP85  time.Duration
}

// observedCases is how many of the newest cases the observation counts.
const observedCases = 200

// ObservedDurations gives the durations of the stages that the newest 200
// ended cases of a programme went through, in the order of the process. A
// stage's time is the sum of its intervals, waits for others included.
func (s *Store) ObservedDurations(ctx context.Context, code string) ([]Observed, error) {
	row, err := s.Programme(ctx, code)
	if err != nil {
		return nil, err
	}
	calendar, err := s.Calendar(ctx, row.Definition.Calendar)
	if err != nil {
		return nil, err
	}
	var intervals []Interval
	err = s.list(ctx, &intervals, `
		SELECT i.case_id, i.n, i.stage, i.task_id, i.level, i.claimed, i.owner, i.from_at, i.to_at
		FROM (SELECT id FROM cases WHERE programme = $1 AND status IN ('closed', 'rejected', 'withdrawn') AND submitted_at IS NOT NULL
		      ORDER BY created_at DESC, id DESC LIMIT $2) c
		JOIN intervals i ON i.case_id = c.id WHERE i.to_at IS NOT NULL`, code, observedCases)
	return observe(intervals, calendar), err
}

func observe(intervals []Interval, calendar *worktime.Calendar) []Observed {
	type key struct{ stage, caseID string }
	elapsed, working := map[key]time.Duration{}, map[key]time.Duration{}
	for _, i := range intervals {
		k := key{string(i.Stage), i.CaseID}
		elapsed[k] += i.To.Sub(i.From)
		working[k] += calendar.Between(i.From, *i.To)
	}
	byStage := map[string][2][]time.Duration{}
	for k := range elapsed {
		both := byStage[k.stage]
		both[0], both[1] = append(both[0], elapsed[k]), append(both[1], working[k])
		byStage[k.stage] = both
	}
	var out []Observed
	for _, stage := range []aid.Stage{aid.Intake, aid.Verification, aid.Approval, aid.Disbursement, aid.FollowUp} {
		if both, ok := byStage[string(stage)]; ok {
			out = append(out, Observed{Stage: stage, N: len(both[0]), CalendarP50: percentile(both[0], 50), CalendarP85: percentile(both[0], 85),
				WorkingP50: percentile(both[1], 50), WorkingP85: percentile(both[1], 85)})
		}
	}
	return out
}

// percentile gives the smallest value that at least p percent do not exceed.
func percentile(values []time.Duration, p float64) time.Duration {
	slices.Sort(values)
	return values[max(0, int(math.Ceil(p/100*float64(len(values))))-1)]
}

// sortedKeys gives the keys of a map in order.
func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, strings.Compare)
	return keys
}
