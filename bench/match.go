package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/aid/programme"
	"github.com/aidflow/aidflow/internal/postgres"
)

// matching measures the search for duplicates: how many of the planted ones it
// finds, how much of what it finds is one, and what it costs.
const matching = "-match"

// matchBench is a register of cases in a database of its own.
type matchBench struct {
	store    *postgres.Store
	db       *sqlx.DB // for the rows that no request would make
	def      *programme.Definition
	town     *town
	base     []request
	ids      []string          // of the base
	people   map[string]string // number -> per_ id
	homes    map[string]string // code -> hh_ id
	partners []string
	loaded   int
}

// runMatch is the program behind -match.
func runMatch(ctx context.Context) error {
	flags := flag.NewFlagSet("bench -match", flag.ContinueOnError)
	cases := flags.Int("cases", 100_000, "cases of the register")
	each := flags.Int("each", 100, "requests of each plant")
	seed := flags.Uint64("seed", 1, "seed of everything invented")
	communes := flags.Int("communes", 96, "communes of the province")
	if err := flags.Parse(os.Args[2:]); err != nil {
		return err
	}
	p, err := openPlace(ctx, "", nil)
	if err != nil {
		return err
	}
	defer p.close()
	fmt.Printf("# aidflow bench %s -cases %d -each %d -communes %d -seed %d, %s\n# %s, %d CPUs, %s\n\n", matching, *cases, *each, *communes, *seed,
		time.Now().UTC().Format(time.RFC3339), runtime.Version(), runtime.NumCPU(), cpuName())
	b, err := newMatchBench(ctx, p.store, p.db, *seed, *communes)
	if err != nil {
		return err
	}
	begun := time.Now()
	if err := b.register(ctx, *cases); err != nil {
		return err
	}
	if err := b.size(ctx, os.Stdout, time.Since(begun)); err != nil {
		return err
	}
	tally, err := b.measure(ctx, *each)
	if err != nil {
		return err
	}
	tally.print(os.Stdout)
	return b.explain(ctx, os.Stdout)
}

// newMatchBench prepares communes and the rules of the medical programme, with
// every kind of hit shown and help repeated after two years.
func newMatchBench(ctx context.Context, store *postgres.Store, db *sqlx.DB, seed uint64, communes int) (*matchBench, error) {
	row, err := store.Programme(ctx, "medical")
	if err != nil {
		return nil, err
	}
	def := *row.Definition
	def.Hits = nil // every kind is a hint
	def.Repeat = []programme.RepeatRule{{After: programme.Period{Years: 2}, Of: []string{"medical"}, Who: "household"}}
	b := &matchBench{store: store, db: db, def: &def, people: map[string]string{}, homes: map[string]string{},
		town: &town{r: rand.New(rand.NewPCG(seed, 0)), used: map[string]bool{}}}
	for n := range communes {
		code := fmt.Sprintf("51%03d", 500+n)
		b.town.communes = append(b.town.communes, code)
		if err := b.exec(ctx, `INSERT INTO areas (code, name, level, parent) VALUES ($1, $1, 'commune', '51')`, code); err != nil {
			return nil, err
		}
	}
	return b, b.db.SelectContext(ctx, &b.partners, `SELECT id FROM partners ORDER BY code`)
}

// register loads the cases in which duplicates are looked for.
func (b *matchBench) register(ctx context.Context, cases int) error {
	for n := range cases {
		b.base = append(b.base, request{KeySource: b.town.household(n), programme: "medical"})
	}
	for at := 0; at < len(b.base); at += 2000 {
		ids, err := b.load(ctx, b.base[at:min(at+2000, len(b.base))], b.partners[0])
		if err != nil {
			return err
		}
		b.ids = append(b.ids, ids...)
	}
	return b.exec(ctx, `ANALYZE`)
}

// exec runs one statement with the owner's role.
func (b *matchBench) exec(ctx context.Context, statement string, args ...any) error {
	tx, err := b.db.BeginTxx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }()
	if _, err := tx.ExecContext(ctx, statement, args...); err != nil {
		return err
	}
	return tx.Commit()
}

// load writes cases as a submit would leave them, without what the search does
// not look at.
func (b *matchBench) load(ctx context.Context, requests []request, partner string) ([]string, error) {
	var ids, people, homes, areas, codes, refs []string
	var paid []bool
	var entries []postgres.KeyEntry
	var newPeople, newHomes, homeCodes, homeAreas []string
	for _, r := range requests {
		id := postgres.NewID(aid.CaseID)
		person, known := b.people[r.Applicant.NationalID]
		if !known || r.Applicant.NationalID == "" {
			person = postgres.NewID(aid.PersonID)
			b.people[r.Applicant.NationalID] = person
			newPeople = append(newPeople, person)
		}
		home := ""
		if r.HouseholdCode != "" {
			if home, known = b.homes[r.HouseholdCode]; !known {
				home = postgres.NewID(aid.HouseholdID)
				b.homes[r.HouseholdCode] = home
				newHomes, homeCodes, homeAreas = append(newHomes, home), append(homeCodes, r.HouseholdCode), append(homeAreas, r.Area)
			}
		}
		b.loaded++
		ids, people, homes, areas = append(ids, id), append(people, person), append(homes, home), append(areas, r.Area)
		codes, paid, refs = append(codes, r.programme), append(paid, r.paid), append(refs, fmt.Sprintf("B-%07d", b.loaded))
		entries = append(entries, postgres.KeyEntry{KeyOwner: postgres.KeyOwner{Case: id}, KeySource: r.KeySource})
	}
	return ids, b.store.Write(ctx, func(tx *postgres.Tx) error {
		// The number's hash is that of the key of the same person: it is made below.
		if _, err := tx.ExecContext(ctx, `INSERT INTO persons (id, sealed, created_at) SELECT i, '', now() FROM unnest($1::text[]) i`, pq.Array(newPeople)); err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, `INSERT INTO households (id, code, area, created_at) SELECT i, c, a, now() FROM unnest($1::text[], $2::text[], $3::text[]) h (i, c, a)`,
			pq.Array(newHomes), pq.Array(homeCodes), pq.Array(homeAreas)); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, `
			INSERT INTO cases (id, reference, partner_id, programme, programme_version, area, person_id, household_id, status, stage, requested_amount,
				currency, sealed, tracking_hash, created_at, submitted_at, paid_at, closed_at, updated_at)
			SELECT i, r, $1, c, (SELECT max(version) FROM programmes WHERE code = c), a, p, nullif(h, ''), CASE WHEN d THEN 'closed' ELSE 'in_review' END,
				CASE WHEN d THEN 'closed' ELSE 'verification' END, 1, 'VND', '', convert_to(i, 'UTF8'), now(), now() - interval '1 year',
				CASE WHEN d THEN now() - interval '1 year' END, CASE WHEN d THEN now() - interval '1 year' END, now()
			FROM unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::boolean[]) x (i, r, p, h, a, c, d)`,
			partner, pq.Array(ids), pq.Array(refs), pq.Array(people), pq.Array(homes), pq.Array(areas), pq.Array(codes), pq.Array(paid))
		if err != nil {
			return err
		}
		if err := tx.SaveAllKeys(entries); err != nil {
			return err
		}
		if _, err = tx.ExecContext(ctx, `UPDATE persons p SET national_id_hash = k.hash FROM cases c JOIN match_keys k ON k.owner = c.id AND k.n = 0 AND k.kind = 'national_id'
			WHERE c.person_id = p.id AND p.id = ANY($1) AND p.national_id_hash IS NULL`, pq.Array(newPeople)); err != nil {
			return err
		}
		// The register has the households that are new here, with the members who have a number.
		_, err = tx.ExecContext(ctx, `INSERT INTO household_members (household_id, national_id_hash, member_key)
			SELECT c.household_id, k.hash, k.hash FROM cases c JOIN match_keys k ON k.owner = c.id AND k.kind = 'national_id'
			WHERE c.household_id = ANY($1) ON CONFLICT DO NOTHING`, pq.Array(newHomes))
		return err
	})
}

// measure plants requests, looks for duplicates of each, and counts.
func (b *matchBench) measure(ctx context.Context, each int) (*tally, error) {
	t := newTally()
	free := b.town.r.Perm(len(b.base))
	for _, p := range plants() {
		for n, at := 0, 0; n < each && at < len(free); at++ {
			target := free[at]
			if target < 0 || !p.fits(b.base[target].KeySource) {
				continue
			}
			free[at] = -1
			n++
			r := request{KeySource: p.change(b.town, b.base[target].KeySource), plant: p.name, target: target, same: p.kinds != nil, kinds: p.kinds, programme: p.another}
			if r.programme == "" {
				r.programme = "medical"
			}
			if err := b.one(ctx, t, r, p.helped); err != nil {
				return nil, err
			}
		}
		free = slices.DeleteFunc(free, func(n int) bool { return n < 0 })
	}
	return t, nil
}

// one submits a request and looks for its duplicates.
func (b *matchBench) one(ctx context.Context, t *tally, r request, helped bool) error {
	about := b.ids[r.target]
	if helped {
		if err := b.exec(ctx, `UPDATE cases SET status = 'closed', stage = 'closed', paid_at = now() - interval '1 year', closed_at = now() WHERE id = $1`, about); err != nil {
			return err
		}
	}
	ids, err := b.load(ctx, []request{r}, b.partners[1])
	if err != nil {
		return err
	}
	var hits []postgres.Hit
	var took time.Duration
	err = b.store.Write(ctx, func(tx *postgres.Tx) error {
		c, err := tx.LockCase(ids[0])
		if err != nil {
			return err
		}
		begun := time.Now()
		hits, err = tx.Hits(c, b.def)
		took = time.Since(begun)
		return err
	})
	t.count(r, about, hits, took)
	return err
}

func (b *matchBench) size(ctx context.Context, out io.Writer, took time.Duration) error {
	var s struct {
		Cases  int    `db:"cases"`
		People int    `db:"people"`
		Keys   int    `db:"keys"`
		Size   string `db:"size"`
	}
	err := b.db.GetContext(ctx, &s, `SELECT (SELECT count(*) FROM cases) AS cases, (SELECT count(*) FROM match_people) AS people, (SELECT count(*) FROM match_keys) AS keys,
		pg_size_pretty(pg_total_relation_size('match_people') + pg_total_relation_size('match_keys')) AS size`)
	fmt.Fprintf(out, "## register\ncases %d, people %d, keys %d, both tables with indexes %s, loaded in %.0f s\n\n", s.Cases, s.People, s.Keys, s.Size, took.Seconds())
	return err
}

// explain shows what the database does for one case.
func (b *matchBench) explain(ctx context.Context, out io.Writer) error {
	return b.store.Write(ctx, func(tx *postgres.Tx) error {
		c, err := tx.LockCase(b.ids[len(b.ids)/2])
		if err != nil {
			return err
		}
		plan, err := tx.ExplainHits(c)
		fmt.Fprintf(out, "## EXPLAIN (ANALYZE, BUFFERS) of the search for one case\n%s\n", strings.Join(plan, "\n"))
		return err
	})
}
