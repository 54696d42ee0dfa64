package archive_test

import (
	"bytes"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/aidflow/aidflow/internal/archive"
	"github.com/aidflow/aidflow/internal/files"
	"github.com/aidflow/aidflow/internal/postgres"
)

// Eight uploads of 20 MB at once; with -v it tells the most memory that the
// process has had (docs/documents.md).
func TestEightUploadsAtOnce(t *testing.T) {
	r := open(t, archive.Config{Unscanned: true})
	sent := long(files.MaxSize)
	before := peak(t)
	docs := make([]*postgres.File, 8)
	var wait sync.WaitGroup
	for i := range docs {
		wait.Go(func() {
			var err error
			if docs[i], err = r.admit(sent); err == nil {
				err = r.Look(t.Context(), docs[i])
			}
			if err != nil {
				t.Error(err)
			}
		})
	}
	wait.Wait()
	t.Logf("peak resident: %s before, %s after", before, peak(t))
	got, err := r.read(docs[7])
	require.NoError(t, err)
	require.True(t, bytes.Equal(sent, got))
}

// peak is the most memory that the process has had so far, as Linux says.
func peak(t *testing.T) string {
	t.Helper()
	raw, _ := os.ReadFile("/proc/self/status") // elsewhere it tells nothing
	for _, line := range strings.Split(string(raw), "\n") {
		if rest, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			return strings.TrimSpace(rest)
		}
	}
	return "unknown"
}
