package programmes_test

import (
	"os"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/aidflow/aidflow/aid/area"
)

// The sample list is in order, and says three tiers for the past and two for
// the present.
func TestSampleAreas(t *testing.T) {
	t.Parallel()
	file, err := os.Open("areas/sample.csv")
	require.NoError(t, err)
	defer file.Close()
	rows, err := area.ReadCSV(file)
	require.NoError(t, err)
	change, faults := (&area.Tree{}).Plan(rows, time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC))
	require.Empty(t, faults)
	then, now := change.After.On(time.Date(2025, 6, 30, 0, 0, 0, 0, time.UTC)), change.After.On(time.Date(2025, 7, 1, 0, 0, 0, 0, time.UTC))
	require.Equal(t, []string{"S9-D1", "S9"}, []string{then["S9-001"].Parent, now["S9-001"].Parent})
	for code, want := range map[string]string{"S9-002": "S9-001", "S9-004": "S9-011", "S9-005": "S9-011", "S9-006": "S9-012", "S9-003": "", "S9-D1": ""} {
		require.Equal(t, want, now[code].Successor, code)
	}
	require.True(t, now["S9-D1"].Gone)
}
