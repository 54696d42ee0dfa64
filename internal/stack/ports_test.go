package stack

import (
	"context"
	"io"
	"net"
	"path/filepath"
	"strconv"
	"sync"
	"testing"

	"github.com/aidflow/aidflow/internal/stack/cluster"
)

// Stacks that start at the same moment find the documented port free, all of
// them, for as long as no child of theirs listens. One gets it.
func TestNoTwoStacksReserveOnePort(t *testing.T) {
	wished, err := cluster.FreePort()
	if err != nil {
		t.Fatal(err)
	}
	const stacks = 40
	var all sync.WaitGroup
	addresses := make([]string, stacks)
	for i := range addresses {
		s := &Stack{list: &checklist{out: io.Discard}}
		t.Cleanup(s.letGo)
		all.Go(func() {
			var err error
			if addresses[i], err = s.reserve(wished); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	owners := map[string]int{}
	for i, a := range addresses {
		if other, taken := owners[a]; taken {
			t.Errorf("stacks %d and %d have %s", i, other, a)
		}
		owners[a] = i
		l, err := net.Listen("tcp", a) // what the child will do
		if err != nil {
			t.Fatal(err)
		}
		_ = l.Close()
	}
	if _, ok := owners[net.JoinHostPort("127.0.0.1", strconv.Itoa(wished))]; !ok {
		t.Error("nobody has the wished port")
	}
	if cluster.PortFree(wished) {
		t.Error("a held port is said to be free")
	}
}

func TestAReservedPortIsFreeAfterwards(t *testing.T) {
	s := &Stack{list: &checklist{out: io.Discard}}
	address, err := s.reserve(0)
	if err != nil {
		t.Fatal(err)
	}
	other := &Stack{list: &checklist{out: io.Discard}}
	t.Cleanup(other.letGo)
	if _, err := other.hold(address); err == nil {
		t.Fatal("held twice")
	}
	s.letGo()
	if got, err := other.hold(address); err != nil || got != address {
		t.Fatalf("%s %v", got, err)
	}
}

// Several stacks, begun together, with PostgreSQL and processes of their own.
func TestStacksThatStartTogether(t *testing.T) {
	const stacks = 3
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, stacks)
	var options []Options
	for range stacks {
		o := optionsFor(stateDir(t))
		o.ReadyFile = filepath.Join(filepath.Dir(o.Dir), "ready.json")
		options = append(options, o)
		go func() { ended <- Run(ctx, o) }()
	}
	owners := map[string]string{}
	for _, o := range options {
		s := await(t, "a stack is ready", func() (State, bool) {
			select {
			case err := <-ended:
				t.Fatalf("ended: %v", err)
			default:
			}
			s, err := ReadState(o.Dir)
			return s, err == nil
		})
		for what, address := range map[string]string{"api": s.API, "temporal": "http://" + s.Temporal, "simulator": s.Simulator, "issuer": s.Issuer, "database": "http://" + hostOf(s.Database)} {
			if other, taken := owners[address]; taken {
				t.Errorf("%s of %s is at %s, as %s", what, o.Dir, address, other)
			}
			owners[address] = what + " of " + o.Dir
		}
	}
	cancel()
	for range stacks {
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
}
