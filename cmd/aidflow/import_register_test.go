package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aidflow/aidflow/internal/postgres/pgtest"
	"github.com/aidflow/aidflow/internal/vault"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }

// imported runs "aidflow import" on a file with this content.
func imported(t *testing.T, content string, args ...string) (string, error) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "list.csv")
	if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	root := newRootCommand()
	root.SetOut(&out)
	root.SetErr(&out)
	root.SetArgs(append([]string{"import", args[0], file}, args[1:]...))
	err := root.ExecuteContext(t.Context())
	return out.String(), err
}

func TestImportOfLists(t *testing.T) {
	db := pgtest.New(t)
	keys := filepath.Join(t.TempDir(), "keys")
	if err := vault.Create(keys); err != nil {
		t.Fatal(err)
	}
	t.Setenv("DATABASE_URL", db.URL)
	t.Setenv("AIDFLOW_KEY_FILE", keys)
	count := func() (n int) {
		if err := db.SQL(t).QueryRow(`SELECT count(*) FROM households WHERE code LIKE 'CLI-%'`).Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	const header = "household_code,area_code,head,full_name,birth_date,score_a,score_b\n"
	const good, bad = "CLI-1,51001,yes,Canary An,1984-03-02,120,30\n", "CLI-2,51001,yes,Canary Ba,02/03/1984,120,30\n"
	said, err := imported(t, header+good+bad, "register", "--year", "2026", "--as", "manager1")
	if err == nil || !strings.Contains(said, "2 rows: 1 would change something, 0 say what is known, 1 are refused") || !strings.Contains(said, "3,birth_date,date_format,fault,") || count() != 0 {
		t.Errorf("%v\n%s", err, said)
	}
	if strings.Contains(said, "Canary") {
		t.Error("a name is printed")
	}
	if said, err = imported(t, header+good, "register", "--year", "2026", "--as", "manager1", "--dry-run"); err != nil || count() != 0 {
		t.Errorf("%v\n%s", err, said)
	}
	if said, err = imported(t, header+good+bad, "register", "--year", "2026", "--as", "manager1", "--skip-faulty"); err != nil || count() != 1 || !strings.Contains(said, "imported: 1 rows changed something") {
		t.Errorf("%v\n%s", err, said)
	}
	if said, err = imported(t, header+good, "register", "--year", "2026", "--as", "manager1"); err != nil || !strings.Contains(said, "imported: 0 rows changed something, 1 said what is known") {
		t.Errorf("%v\n%s", err, said)
	}
	if said, err = imported(t, "a,b\n", "totals", "--year", "2026", "--as", "manager1"); err == nil || !strings.Contains(said, "column_missing") {
		t.Errorf("%v\n%s", err, said)
	}
	if _, err = imported(t, header+good, "register", "--year", "2026", "--as", "verifier1"); err == nil {
		t.Error("a verifier has imported a register")
	}
}
