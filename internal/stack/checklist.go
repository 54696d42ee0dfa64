package stack

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"sync"
	"time"
)

// checklist prints one line for each thing that was done. Its lock also guards
// the state that several starting parts fill in.
type checklist struct {
	mu  sync.Mutex
	out io.Writer
}

// done says that something was done, and how long it took.
func (l *checklist) done(title string, begun time.Time) {
	l.locked(func() { fmt.Fprintf(l.out, "✓ %-58s %5.1f s\n", title, time.Since(begun).Seconds()) })
}

// note says that something happened that nobody asked for.
func (l *checklist) note(format string, args ...any) {
	l.locked(func() { fmt.Fprintf(l.out, "! "+format+"\n", args...) })
}

func (l *checklist) locked(f func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	f()
}

// users are the people of the development data, as CONTRACT and the seed have
// them, for the newcomer to try.
var users = [][2]string{
	{"intake1", "intake"},
	{"verifier1 verifier2", "verifier"},
	{"verifier3", "verifier in the other province"},
	{"approver1", "approver, commune"},
	{"approver2 approver3", "approver, province committee"},
	{"approver4", "approver, chair of the committee"},
	{"approver5", "approver, province, in no committee"},
	{"treasurer1 treasurer2", "treasurer: prepares payments"},
	{"releaser1", "releaser: releases them"},
	{"manager1", "manager"},
	{"auditor1", "auditor"},
	{"admin1 admin2", "admin"},
}

// summary prints what a person needs to try the stack.
func (l *checklist) summary(s State, took time.Duration) {
	l.locked(func() {
		fmt.Fprintf(l.out, "\nReady in %.1f s. Ctrl-C stops it.\n\n", took.Seconds())
		fmt.Fprintf(l.out, "  API           %s   (documentation: %s/docs)\n", s.API, s.API)
		if s.UI != "" {
			fmt.Fprintf(l.out, "  Temporal UI   %s\n", s.UI)
		}
		fmt.Fprintf(l.out, "  Temporal      %s\n", s.Temporal)
		fmt.Fprintf(l.out, "  PostgreSQL    %s\n", s.Database)
		fmt.Fprintf(l.out, "  Mails         %s   (nothing leaves this machine)\n", s.Mail)
		fmt.Fprintf(l.out, "  Logs          %s/log\n", s.DataDir)
		fmt.Fprintf(l.out, "\n  Partners (Authorization: Bearer KEY)\n")
		for _, name := range slices.Sorted(maps.Keys(s.Keys)) {
			fmt.Fprintf(l.out, "    %-24s %s\n", name, s.Keys[name])
		}
		fmt.Fprintf(l.out, "\n  Staff (Authorization: Bearer $(bin/aidflow token NAME))\n")
		for _, u := range users {
			fmt.Fprintf(l.out, "    %-24s %s\n", u[0], u[1])
		}
		fmt.Fprintln(l.out)
	})
}
