package main

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"maps"
	"os"
	"slices"
	"time"
	_ "time/tzdata" // business dates need the zones on every machine

	"github.com/spf13/cobra"
	"go.temporal.io/sdk/client"
	sdklog "go.temporal.io/sdk/log"

	"github.com/aidflow/aidflow/aid/programme"
	"github.com/aidflow/aidflow/internal/archive"
	"github.com/aidflow/aidflow/internal/config"
	"github.com/aidflow/aidflow/internal/postgres"
	"github.com/aidflow/aidflow/internal/telemetry"
	"github.com/aidflow/aidflow/internal/vault"
	"github.com/aidflow/aidflow/programmes"
	"github.com/aidflow/aidflow/rails"
	"github.com/aidflow/aidflow/rails/bankfile"
	"github.com/aidflow/aidflow/rails/simulator"
	"github.com/aidflow/aidflow/registers"
	"github.com/aidflow/aidflow/registers/httpregister"
)

// parts is what api and worker have in common.
type parts struct {
	cfg      config.Config
	log      *slog.Logger
	store    *postgres.Store
	temporal client.Client
	byFile   map[string]rails.FileRail // ways to pay by files, by name
}

// assemble reads the settings and opens the connections. Settings that are
// wrong or lack, those of required among them, are told all at once. Temporal
// need not answer yet: the API takes requests while it is away.
func assemble(cmd *cobra.Command, part string, required ...string) (*parts, error) {
	cfg, err := config.LoadValid(cmd.Flags(), os.Environ(), append([]string{"DATABASE_URL", "AIDFLOW_KEY_FILE"}, required...)...)
	if err != nil {
		return nil, err
	}
	log := telemetry.NewLogger(cmd.ErrOrStderr(), cfg.LogLevel, part)
	v, err := vault.Open(cfg.KeyFile)
	if err != nil {
		return nil, err
	}
	store, err := postgres.Open(cmd.Context(), cfg.DatabaseURL, v, time.Now)
	if err != nil {
		return nil, err
	}
	store.SetClaimTime(time.Duration(cfg.ClaimHours) * time.Hour)
	files, err := fileRails(cfg)
	if err != nil {
		return nil, err
	}
	store.SetFileRails(slices.Sorted(maps.Keys(files))...)
	if err := store.SetPhoneRegion(cfg.PhoneRegion); err != nil {
		return nil, err
	}
	options, err := cfg.TemporalOptions()
	if err != nil {
		return nil, err
	}
	options.Logger = sdklog.NewStructuredLogger(log)
	temporal, err := client.NewLazyClient(options)
	return &parts{cfg: cfg, log: log, store: store, temporal: temporal, byFile: files}, err
}

func (p *parts) close() {
	p.temporal.Close()
	_ = p.store.Close()
}

// files opens the archive of uploaded files. The caller closes it.
func (p *parts) files(ctx context.Context) (*archive.Archive, error) {
	return archive.New(ctx, p.store, archive.Config{Bucket: p.cfg.FilesURL, Scanner: p.cfg.Scanner, Unscanned: p.cfg.Mode == config.ModeTest, Log: p.log})
}

// rails gives the ways to pay of this deployment, by name.
func (p *parts) rails() (map[string]rails.Rail, error) {
	if p.cfg.SimulatorURL == "" {
		return map[string]rails.Rail{}, nil
	}
	bank, err := simulator.NewClient(simulator.ClientConfig{URL: p.cfg.SimulatorURL, Secret: p.cfg.SimulatorSecret})
	return map[string]rails.Rail{simulator.RailName: bank}, err
}

// fileRails gives the ways to pay by files, by name.
func fileRails(cfg config.Config) (map[string]rails.FileRail, error) {
	bank, err := bankfile.New(bankfile.Settings{Format: bankfile.Format(cfg.BankfileFormat), Version: cfg.BankfileVersion})
	if err != nil {
		return nil, err
	}
	return map[string]rails.FileRail{bank.Name(): bank}, nil
}

// registers gives the external registers of this deployment, by name.
func (p *parts) registers() (map[string]registers.Register, error) {
	list, err := p.cfg.RegisterList()
	if err != nil {
		return nil, err
	}
	byName := map[string]registers.Register{}
	for _, r := range list {
		if byName[r.Name], err = httpregister.New(httpregister.Config{URL: r.URL, Token: r.Token}); err != nil {
			return nil, err
		}
	}
	return byName, nil
}

// definitions gives the programmes of this deployment: those of a folder, or
// the shipped ones.
func definitions(dir string) ([]*programme.Definition, error) {
	if dir != "" {
		return programmes.Load(dir)
	}
	return programmes.All()
}

// ready tells whoever started the process that it answers.
func ready(w io.Writer, address string) error {
	line := map[string]any{"ready": true}
	if address != "" {
		line["address"] = address
	}
	return json.NewEncoder(w).Encode(line)
}

// seed fills a development database.
func seed(ctx context.Context, ownerURL, keyFile string) (map[string]string, error) {
	v, err := vault.OpenOrCreate(keyFile)
	if err != nil {
		return nil, err
	}
	if err := postgres.Migrate(ctx, ownerURL); err != nil {
		return nil, err
	}
	store, err := postgres.Open(ctx, ownerURL, v, time.Now)
	if err != nil {
		return nil, err
	}
	defer store.Close()
	defs, err := programmes.All()
	if err != nil {
		return nil, err
	}
	calendars, err := programmes.Calendars()
	if err != nil {
		return nil, err
	}
	rules, err := programmes.Means()
	if err != nil {
		return nil, err
	}
	keys, err := store.SeedDevelopment(ctx, defs, calendars)
	if err != nil {
		return nil, err
	}
	return keys, store.SeedRegister(ctx, defs, rules[programmes.MeansVN])
}
