package main

import (
	"bufio"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"

	"github.com/jmoiron/sqlx"
	"github.com/xuri/excelize/v2"

	"github.com/aidflow/aidflow/internal/imports"
	"github.com/aidflow/aidflow/internal/postgres"
	"github.com/aidflow/aidflow/internal/sheet"
	"github.com/aidflow/aidflow/internal/stack/cluster"
	"github.com/aidflow/aidflow/internal/vault"
	"github.com/aidflow/aidflow/programmes"
)

// The child processes of this measurement: one makes the files, one reads one
// file in, so that its memory is its own.
const (
	registerFiles = "register-files"
	registerRun   = "register-run"
)

// benchRegister measures the import of a review list of so many rows: dry run
// and import, CSV and XLSX, and the same file again.
func benchRegister(ctx context.Context, rows int) error {
	fmt.Printf("# aidflow bench -import %d, %s\n# %s, %d CPUs, %s\n\n", rows, time.Now().UTC().Format(time.RFC3339), runtime.Version(), runtime.NumCPU(), cpuName())
	dir, err := os.MkdirTemp("/tmp", "aidflow-bench-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if err := child(ctx, registerFiles, dir, strconv.Itoa(rows)); err != nil {
		return err
	}
	server, err := cluster.Temporary(ctx, cluster.Options{})
	if err != nil {
		return err
	}
	defer func() { _ = server.Stop() }()
	keys := filepath.Join(dir, "keys")
	for _, format := range []string{sheet.CSV, sheet.XLSX} {
		// A database for each format: both begin with an empty register.
		url, err := freshDatabase(ctx, server, format, keys)
		if err != nil {
			return err
		}
		file := filepath.Join(dir, "register."+format)
		info, err := os.Stat(file)
		if err != nil {
			return err
		}
		fmt.Printf("## %s, %.1f MB\n", format, float64(info.Size())/1e6)
		if err := child(ctx, registerRun, url, keys, file); err != nil {
			return err
		}
		fmt.Println()
	}
	return nil
}

func child(ctx context.Context, args ...string) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, self, args...)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	return cmd.Run()
}

func freshDatabase(ctx context.Context, server *cluster.Cluster, name, keys string) (string, error) {
	plain, err := sqlx.ConnectContext(ctx, "postgres", server.URL("postgres"))
	if err != nil {
		return "", err
	}
	_, err = plain.ExecContext(ctx, `CREATE DATABASE `+name) //nolint:forbidigo // a database is not made in a transaction
	if err := errors.Join(err, plain.Close()); err != nil {
		return "", err
	}
	url := server.URL(name)
	if err := postgres.Migrate(ctx, url); err != nil {
		return "", err
	}
	store, err := openStore(ctx, url, keys)
	if err != nil {
		return "", err
	}
	defer store.Close()
	definitions, err := programmes.All()
	if err != nil {
		return "", err
	}
	_, err = store.SeedDevelopment(ctx, definitions, nil)
	return url, err
}

func openStore(ctx context.Context, url, keys string) (*postgres.Store, error) {
	v, err := vault.OpenOrCreate(keys)
	if err != nil {
		return nil, err
	}
	return postgres.Open(ctx, url, v, time.Now)
}

// runRegister reads one file in: as a dry run, in earnest, and both again.
func runRegister(ctx context.Context, url, keys, file string) error {
	store, err := openStore(ctx, url, keys)
	if err != nil {
		return err
	}
	defer store.Close()
	rules, err := programmes.Means()
	if err != nil {
		return err
	}
	caller, err := store.StaffBySubject(ctx, "manager1")
	if err != nil {
		return err
	}
	runner := &imports.Runner{Store: store, Rules: rules[programmes.MeansVN], Log: slog.New(slog.DiscardHandler)}
	follows := ""
	for _, name := range []string{"dry run", "import", "dry run again", "import again"} {
		if strings.HasPrefix(name, "dry") {
			follows = ""
		}
		begun := time.Now()
		row, err := bring(ctx, store, caller, file, follows)
		if err != nil {
			return err
		}
		uploaded := time.Since(begun)
		if _, err := runner.Once(ctx); err != nil {
			return err
		}
		took := time.Since(begun)
		if row, err = store.Import(ctx, caller, row.ID); err != nil {
			return err
		}
		if row.State != "done" {
			return errors.New("the import failed: " + row.Reason)
		}
		follows = row.ID
		fmt.Printf("%-14s %6.1f s (upload %.1f s) %7d rows: %d applied, %d unchanged, %d faulty, %d warned; peak memory %d MB\n", name,
			took.Seconds(), uploaded.Seconds(), row.Position, row.Applied, row.Unchanged, row.Faulty, row.Warned, peakMemory()/1e6)
	}
	return nil
}

func bring(ctx context.Context, store *postgres.Store, caller *postgres.Caller, name, follows string) (*postgres.ImportRow, error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	return store.Upload(ctx, caller, postgres.NewImport{ID: postgres.NewID("imp"), What: postgres.ImportRegister, Year: 2026, Follows: follows}, file, sheet.Format)
}

// peakMemory gives the highest resident set of this process so far, in bytes.
func peakMemory() int64 {
	b, _ := os.ReadFile("/proc/self/status")
	for line := range strings.SplitSeq(string(b), "\n") {
		if value, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			kb, _ := strconv.ParseInt(strings.Fields(value)[0], 10, 64)
			return kb * 1024
		}
	}
	return 0
}

// makeRegisterFiles writes one review list as CSV and as XLSX. The same rows
// every time; one in a hundred has a fault.
func makeRegisterFiles(dir, rows string) error {
	n, err := strconv.Atoi(rows)
	if err != nil {
		return err
	}
	out, err := os.Create(filepath.Join(dir, "register.csv"))
	if err != nil {
		return err
	}
	defer out.Close()
	buffered := bufio.NewWriter(out)
	text := csv.NewWriter(buffered)
	book := excelize.NewFile()
	defer book.Close()
	table, err := book.NewStreamWriter("Sheet1")
	if err != nil {
		return err
	}
	line := 0
	for row := range registerRows(n) {
		line++
		cells := make([]any, len(row))
		for i, c := range row {
			cells[i] = c
		}
		if err := errors.Join(text.Write(row), table.SetRow("A"+strconv.Itoa(line), cells)); err != nil {
			return err
		}
	}
	text.Flush()
	return errors.Join(text.Error(), buffered.Flush(), table.Flush(), book.SaveAs(filepath.Join(dir, "register.xlsx")))
}

func registerRows(n int) func(yield func([]string) bool) {
	random := rand.New(rand.NewPCG(2026, 11))
	communes := []string{"51001", "51002", "51003", "51004", "51005"}
	return func(yield func([]string) bool) {
		if !yield([]string{"household_code", "area_code", "review_year", "head", "relation", "full_name", "id_number", "birth_date", "sex", "phone", "address",
			"score_a", "score_b", "income_per_head", "indicators", "classification"}) {
			return
		}
		for i, h := 0, 0; i < n; h++ {
			members := postgres.DevelopmentHousehold(h)
			area := communes[random.IntN(len(communes))]
			for m := range 1 + random.IntN(5) {
				if i++; i > n {
					return
				}
				if !yield(registerRow(random, members[m%len(members)], h, m, i, area)) {
					return
				}
			}
		}
	}
}

func registerRow(random *rand.Rand, p postgres.DevelopmentPerson, household, member, line int, area string) []string {
	year := p.BirthDate[:4]
	century := map[string]string{"19male": "0", "19female": "1", "20male": "2", "20female": "3"}[year[:2]+p.Sex]
	number := fmt.Sprintf("051%s%s%06d", century, year[2:], line)
	if member == 4 {
		number = "" // a newborn
	}
	row := []string{fmt.Sprintf("HN-%06d", household), area, "2026", "no", p.Relation, p.FullName + " " + strconv.Itoa(member), number, p.BirthDate, p.Sex,
		p.Phone, "Thôn " + strconv.Itoa(1+household%12), "", "", "", "", ""}
	if member == 0 {
		row[3] = "yes"
		row[11], row[12] = strconv.Itoa(60+random.IntN(120)), strconv.Itoa(10*random.IntN(10))
	}
	if line%100 == 0 {
		row[7] = "31/12/1970"
	}
	return row
}
