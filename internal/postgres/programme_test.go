package postgres_test

import (
	"context"
	"encoding/json"
	"testing"
	"time"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/aid/programme"
	"github.com/aidflow/aidflow/internal/postgres"
	"github.com/aidflow/aidflow/internal/postgres/pgtest"
)

func definitions(t testing.TB, db *pgtest.DB) []*programme.Definition {
	t.Helper()
	var out []*programme.Definition
	for _, row := range must(db.Programmes(context.Background()))(t) {
		out = append(out, row.Definition)
	}
	return out
}

// newer gives a definition's next version with another ceiling.
func newer(t testing.TB, def *programme.Definition, ceiling int64) *programme.Definition {
	t.Helper()
	raw, err := json.Marshal(def)
	if err != nil {
		t.Fatal(err)
	}
	var fields map[string]any
	if err := json.Unmarshal(raw, &fields); err != nil {
		t.Fatal(err)
	}
	fields["version"], fields["ceiling"] = def.Version+1, ceiling
	if raw, err = json.Marshal(fields); err != nil {
		t.Fatal(err)
	}
	return must(programme.Parse(raw))(t)
}

func TestVersions(t *testing.T) {
	t.Parallel()
	db, ctx := pgtest.New(t), context.Background()
	owner := db.Owner(t)
	old := must(db.Programme(ctx, "medical"))(t)
	if old.Version != 1 || !old.Open || old.Definition.Ceiling != 20_000_000 {
		t.Fatalf("%+v", old)
	}
	c := submit(t, db, "portal1", request(0))
	second := newer(t, old.Definition, 21_000_000)
	for range 2 {
		if err := owner.PublishProgrammes(ctx, []*programme.Definition{second}); err != nil {
			t.Fatal(err)
		}
	}
	wantCode(t, owner.PublishProgrammes(ctx, []*programme.Definition{newer(t, old.Definition, 22_000_000)}), "programme_version_exists")
	if row := must(db.Programme(ctx, "medical"))(t); row.Version != 2 || row.Definition.Ceiling != 21_000_000 {
		t.Fatalf("%+v", row)
	}
	if row := must(db.CaseByID(ctx, db.Partner(t, "portal1"), c.ID))(t); row.ProgrammeVersion != 1 {
		t.Fatalf("the case in flight moved to version %d", row.ProgrammeVersion)
	}
	if c := submit(t, db, "portal1", request(1)); c.ProgrammeVersion != 2 {
		t.Fatalf("a new case has version %d", c.ProgrammeVersion)
	}
	validated := request(2)
	validated.ProgrammeVersion = 1
	_, err := db.CreateCase(ctx, db.Partner(t, "portal1"), postgres.NewID(aid.CaseID), validated, false)
	wantCode(t, err, "programme_version_changed") // it has to be checked against the version of now
	_, err = db.Programme(ctx, "boats")
	wantCode(t, err, "programme_not_found")
	_, err = db.Calendar(ctx, "none")
	wantCode(t, err, "unknown_calendar")
}

func TestObservedDurations(t *testing.T) {
	t.Parallel()
	db, ctx := pgtest.New(t), context.Background()
	if got := must(db.ObservedDurations(ctx, "medical"))(t); len(got) != 0 {
		t.Fatalf("%+v", got)
	}
	for i := range 4 { // verified for 1, 2, 3 and 4 days
		c := submit(t, db, "portal1", request(i))
		openTask(t, db, c.ID, postgres.NewTask{Kind: aid.VerifyDocuments})
		db.Clock.Advance(time.Duration(i+1) * 24 * time.Hour)
		change(t, db, c.ID, func(tx *postgres.Tx, c *postgres.Case) error {
			if err := tx.EndTasks(c, "void"); err != nil {
				return err
			}
			if err := tx.MoveCase(c, aid.EventReject); err != nil {
				return err
			}
			return tx.EndWait(c.ID)
		})
	}
	got := must(db.ObservedDurations(ctx, "medical"))(t)
	if len(got) != 2 || got[0].Stage != aid.Intake || got[1].Stage != aid.Verification || got[1].N != 4 {
		t.Fatalf("%+v", got)
	}
	v := got[1]
	if v.CalendarP50.Round(time.Hour) != 48*time.Hour || v.CalendarP85.Round(time.Hour) != 96*time.Hour || v.WorkingP50 >= v.CalendarP50 || v.WorkingP50 <= 0 {
		t.Fatalf("%+v", v)
	}
}
