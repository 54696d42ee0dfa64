package e2e

import (
	"syscall"
	"testing"
	"time"
)

// TestStepOutlivesAnOutage: the database of the cases is away for longer than
// any single try of a step may take, while the engine is there. The step is
// tried until it succeeds, and the case goes on by itself.
func TestStepOutlivesAnOutage(t *testing.T) {
	s := theStack(t)
	worker := s.pid("worker")
	if err := syscall.Kill(worker, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	goOn := func() { _ = syscall.Kill(worker, syscall.SIGCONT) }
	t.Cleanup(goOn)
	c := submit(t, s, newRequest(t, s, "medical"))

	closed := s.closeDatabase(t)
	goOn()
	time.Sleep(time.Until(closed.Add(25 * time.Second)))
	s.openDatabase(t)

	s.awaitTask(t, c.ID, "verify_documents", "")
	if s.pid("worker") != worker {
		t.Error("the worker has not lived through it")
	}
}

// closeDatabase lets nobody but the owner into the database of the cases, and
// throws out who is in.
func (s *stack) closeDatabase(t *testing.T) time.Time {
	t.Helper()
	t.Cleanup(func() { s.openDatabase(t) })
	s.sql(t, `ALTER ROLE aidflow_development NOLOGIN`)
	s.sql(t, `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'aidflow_development'`)
	return time.Now()
}

func (s *stack) openDatabase(t *testing.T) {
	t.Helper()
	s.sql(t, `ALTER ROLE aidflow_development LOGIN`)
}

func (s *stack) sql(t *testing.T, statement string) {
	t.Helper()
	if _, err := s.database(t).Exec(statement); err != nil {
		t.Fatal(err)
	}
}
