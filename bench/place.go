package main

import (
	"context"
	"maps"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/jmoiron/sqlx"

	"github.com/aidflow/aidflow/internal/postgres"
	"github.com/aidflow/aidflow/internal/stack/cluster"
	"github.com/aidflow/aidflow/internal/vault"
	"github.com/aidflow/aidflow/programmes"
)

// place is a private PostgreSQL with what the development stack begins with,
// for measures that need no engine.
type place struct {
	server *cluster.Cluster
	vault  *vault.Vault
	store  *postgres.Store
	db     *sqlx.DB // for the rows that no request would make
	seeded bool     // the folder had a database already
}

// openPlace starts it; with a folder its database and keys stay there, and are
// used when they are there already.
func openPlace(ctx context.Context, dir string, settings map[string]string) (*place, error) {
	p := &place{}
	if err := p.start(ctx, dir, settings); err != nil {
		p.close()
		return nil, err
	}
	return p, nil
}

func (p *place) start(ctx context.Context, dir string, settings map[string]string) (err error) {
	if dir == "" {
		p.server, err = cluster.Temporary(ctx, cluster.Options{Settings: settings})
	} else {
		_, missing := os.Stat(filepath.Join(dir, "keys.json"))
		p.seeded = missing == nil
		all := map[string]string{"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off", "wal_level": "minimal", "max_wal_senders": "0"}
		maps.Copy(all, settings)
		p.server, err = cluster.Open(ctx, cluster.Options{Dir: dir, Settings: all, NoSync: true})
	}
	if err != nil {
		return err
	}
	if dir == "" {
		p.vault, err = vault.Ephemeral()
	} else {
		p.vault, err = vault.OpenOrCreate(filepath.Join(dir, "keys.json"))
	}
	if err != nil {
		return err
	}
	at := p.server.URL("postgres")
	if err = postgres.Migrate(ctx, at); err != nil {
		return err
	}
	if p.store, err = postgres.Open(ctx, at, p.vault, time.Now); err != nil {
		return err
	}
	if p.db, err = sqlx.ConnectContext(ctx, "postgres", at); err != nil || p.seeded {
		return err
	}
	return seedDevelopment(ctx, p.store)
}

// used is the processor time of the server and of this process so far. It does
// not depend on what else the machine does, as the time that passes does.
func (p *place) used() [2]time.Duration {
	var server time.Duration
	file, _ := os.ReadFile(filepath.Join(p.server.Dir, "data", "postmaster.pid"))
	line, _, _ := strings.Cut(string(file), "\n")
	if pid, err := strconv.Atoi(line); err == nil {
		all, _ := family(pid) // 0 where there is no /proc
		for _, one := range all {
			server += usedBy(one)
		}
	}
	return [2]time.Duration{server, usedBy(os.Getpid())}
}

func (p *place) close() {
	if p.db != nil {
		_ = p.db.Close()
	}
	if p.store != nil {
		_ = p.store.Close()
	}
	if p.server != nil {
		_ = p.server.Stop()
	}
}

func seedDevelopment(ctx context.Context, store *postgres.Store) error {
	definitions, err := programmes.All()
	if err != nil {
		return err
	}
	calendars, err := programmes.Calendars()
	if err != nil {
		return err
	}
	_, err = store.SeedDevelopment(ctx, definitions, calendars)
	return err
}
