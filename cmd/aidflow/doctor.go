package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"github.com/aidflow/aidflow/internal/config"
	"github.com/aidflow/aidflow/internal/stack"
	"github.com/aidflow/aidflow/internal/stack/cluster"
)

// finding is one line of the doctor: what was looked at and what is wrong.
type finding struct {
	what string
	err  error  // with the command that mends it
	note string // worth knowing, not wrong
}

// newDoctorCommand is "aidflow doctor": what keeps the stack from running here.
func newDoctorCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "Say what is missing on this machine, with the command that mends it",
		Args:  cobra.NoArgs,
	}
	dir := dataDirFlag(cmd)
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		return report(cmd.OutOrStdout(), examine(cmd.Context(), *dir))
	}
	return cmd
}

// examine looks at everything; it changes nothing.
func examine(ctx context.Context, dir string) []finding {
	all := []finding{examineDatabase(), examineEngine(), examineFolder(dir), examineConfig()}
	s, err := stack.ReadState(dir)
	if err != nil {
		all = append(all, finding{what: "development stack", note: "does not run (make run)"})
		for what, port := range map[string]int{"API": 8080, "Temporal": 7233, "Temporal UI": 8233} {
			if !cluster.PortFree(port) {
				all = append(all, finding{what: "port of " + what, note: fmt.Sprintf("%d is busy; a free one will be taken", port)})
			}
		}
		return all
	}
	return append(all, finding{what: "development stack", err: examineAPI(ctx, s.API), note: "runs at " + s.API})
}

func examineDatabase() finding {
	if os.Getenv("DATABASE_URL") != "" {
		return finding{what: "PostgreSQL", note: "of DATABASE_URL"}
	}
	b, err := cluster.Find()
	return finding{what: "PostgreSQL", err: err, note: b.Version + " in " + b.Dir}
}

func examineEngine() finding {
	f := finding{what: "Temporal"}
	if os.Getenv("TEMPORAL_ADDRESS") != "" {
		f.note = "of TEMPORAL_ADDRESS"
		return f
	}
	exe, err := os.Executable()
	if err == nil {
		_, err = os.Stat(filepath.Join(filepath.Dir(exe), "aidflow-engine"))
	}
	if err != nil {
		f.err = errors.New("the program aidflow-engine is missing: make build")
	}
	return f
}

func examineFolder(dir string) finding {
	f := finding{what: "state folder", note: dir}
	parent := dir
	for { // the folder itself need not exist yet
		if _, err := os.Stat(parent); err == nil || parent == filepath.Dir(parent) {
			break
		}
		parent = filepath.Dir(parent)
	}
	probe, err := os.CreateTemp(parent, ".probe-*")
	if err != nil {
		f.err = fmt.Errorf("%s cannot be written: choose another with --data-dir", parent)
		return f
	}
	f.err = errors.Join(probe.Close(), os.Remove(probe.Name()))
	return f
}

func examineConfig() finding {
	_, err := config.LoadValid(nil, os.Environ())
	return finding{what: "configuration", err: err}
}

func examineAPI(ctx context.Context, api string) error {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, api+"/readyz", nil)
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return errors.New("its API does not answer: see .aidflow/log/api.log")
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return errors.New("its API is not ready: see .aidflow/log")
	}
	return nil
}

// report prints the findings; the error says how many are wrong.
func report(w io.Writer, all []finding) error {
	wrong := 0
	for _, f := range all {
		switch {
		case f.err != nil:
			wrong++
			fmt.Fprintf(w, "✗ %s: %v\n", f.what, f.err)
		case f.note != "":
			fmt.Fprintf(w, "✓ %s: %s\n", f.what, f.note)
		default:
			fmt.Fprintf(w, "✓ %s\n", f.what)
		}
	}
	if wrong > 0 {
		return fmt.Errorf("%d of %d checks found something to mend", wrong, len(all))
	}
	return nil
}
