package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/aidflow/aidflow/internal/postgres/pgtest"
	"github.com/aidflow/aidflow/internal/vault"
)

// An operator imports the sample list: dry, then for good, then once more.
func TestImportAreas(t *testing.T) {
	db, keys := pgtest.New(t), filepath.Join(t.TempDir(), "keys")
	_, err := vault.OpenOrCreate(keys)
	require.NoError(t, err)
	t.Setenv("DATABASE_URL", db.URL)
	t.Setenv("AIDFLOW_KEY_FILE", keys)
	for _, tc := range []struct {
		args []string
		says string
	}{
		{[]string{"--dry-run"}, "dry run: nothing was changed\n13 rows: 13 periods begin"},
		{nil, "13 rows: 13 periods begin, 0 are different, 0 are known; 5 links to predecessors\n"},
		{nil, "13 rows: 0 periods begin, 0 are different, 13 are known; 0 links to predecessors\n"},
	} {
		out, err := aidflow(t, append([]string{"import", "areas", "../../programmes/areas/sample.csv"}, tc.args...)...)
		require.NoError(t, err, out)
		require.True(t, strings.HasPrefix(out, tc.says), out)
	}
	area, err := db.Area(t.Context(), "S9-005")
	require.NoError(t, err)
	require.Equal(t, "S9-011", *area.Successor)

	bad := filepath.Join(t.TempDir(), "bad.csv")
	require.NoError(t, os.WriteFile(bad, []byte("code;name;level;parent;valid_from;valid_to;urban;predecessors\nX1;=1;commune;none;2030-01-01;;no;\nX2;;commune;;x;;;\n"), 0o600))
	out, err := aidflow(t, "import", "areas", bad, "--lang", "vi")
	require.ErrorContains(t, err, "nothing was imported: 3 faults")
	require.Contains(t, out, "/rows/2/urban bad_boolean: Hãy ghi true hoặc false.\n")
	require.Contains(t, out, "/rows/3/valid_from bad_date: ")
	_, err = aidflow(t, "import", "areas", filepath.Join(t.TempDir(), "none"))
	require.ErrorIs(t, err, os.ErrNotExist)
}
