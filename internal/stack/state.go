package stack

import (
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"

	"github.com/aidflow/aidflow/internal/stack/cluster"
)

const (
	stateFile = "run/state.json"
	pidFile   = "run/pids.json"
)

// State is what a running stack tells other programs. The first fields are
// the ready file of the contract; the rest is only in run/state.json of the
// state folder. It holds secrets of this machine's development data.
type State struct {
	API       string            `json:"api"`       // URL
	UI        string            `json:"ui"`        // URL of Temporal's UI, "" with a foreign Temporal
	Temporal  string            `json:"temporal"`  // host:port
	Database  string            `json:"database"`  // URL, as the owner of the schema
	Keys      map[string]string `json:"keys"`      // of the partners, by name
	Issuer    string            `json:"issuer"`    // URL
	Simulator string            `json:"simulator"` // URL
	Mail      string            `json:"mail"`      // folder with the mails that were sent
	DataDir   string            `json:"data_dir"`  // state folder

	Ready       bool              `json:"ready,omitempty"`
	AppDatabase string            `json:"app_database,omitempty"` // URL, as the program's role
	PID         int               `json:"pid,omitempty"`          // of the supervisor
	PIDs        map[string]int    `json:"pids,omitempty"`         // postgres, engine, simulator, mail, worker, api
	Environment map[string]string `json:"environment,omitempty"`  // that worker and api run with
}

// ReadState gives the state of the stack that runs in dir. Errors:
// ErrNotRunning, also while it is still starting.
func ReadState(dir string) (State, error) {
	if !locked(dir) {
		return State{}, ErrNotRunning
	}
	s, err := readStateFile(dir)
	if err != nil || !s.Ready || !cluster.Alive(s.PID) { // a dead writer: the next one is just starting
		return State{}, ErrNotRunning
	}
	return s, nil
}

func readStateFile(dir string) (State, error) {
	var s State
	b, err := os.ReadFile(filepath.Join(dir, stateFile))
	if err != nil {
		return s, err
	}
	return s, json.Unmarshal(b, &s)
}

// recordPID notes a new process of a part, so that a start after a kill can
// find what was left, and tests can find what to kill.
func (s *Stack) recordPID(name string, pid int) {
	s.list.locked(func() { s.state.PIDs[name] = pid })
	s.recordPIDs()
}

func (s *Stack) recordPIDs() {
	s.list.locked(func() {
		_ = writeJSON(filepath.Join(s.o.Dir, pidFile), s.state.PIDs)
		if s.state.Ready {
			_ = writeJSON(filepath.Join(s.o.Dir, stateFile), s.state)
		}
	})
}

// writeReadyFile writes the part of the state that the contract names.
func writeReadyFile(path string, s State) error {
	s.Ready, s.AppDatabase, s.PID, s.PIDs, s.Environment = false, "", 0, nil, nil
	return writeJSON(path, s)
}

// writeJSON replaces a private file, whole or not at all.
func writeJSON(path string, v any) error {
	b, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return err
	}
	return replaceFile(path, append(b, '\n'))
}

// replaceFile writes a file that only its owner can read, whole or not at all.
func replaceFile(path string, b []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*") // mode 0600
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return nil
}

func randomSecret() string {
	b := make([]byte, 32)
	_, _ = rand.Read(b) // never fails (documented)
	return hex.EncodeToString(b)
}
