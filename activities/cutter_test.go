package activities_test

import (
	"encoding/binary"
	"io"
	"net"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// What the cutter does with a COMMIT.
const (
	cutNothing = iota
	cutAnswer  // PostgreSQL commits, and its answer never comes
	cutCommit  // PostgreSQL never hears of it and rolls back
)

// script says what happens to the COMMITs of an activity that is run until it
// answers. One transaction: the first two runs are broken. Two transactions:
// the first of them is broken in two runs, the second in the next two.
var script = []int{cutCommit, cutAnswer, cutNothing, cutCommit, cutNothing, cutAnswer}

// cutter stands between a store and PostgreSQL, reads the client's half of the
// protocol and breaks the connection at COMMIT, by its script.
type cutter struct {
	url    string
	server string

	mu   sync.Mutex
	todo []int
	cuts int
}

func newCutter(t *testing.T, database string) *cutter {
	t.Helper()
	u, err := url.Parse(database)
	require.NoError(t, err)
	door, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	c := &cutter{server: u.Host}
	u.Host = door.Addr().String()
	c.url = u.String()
	t.Cleanup(func() { _ = door.Close() })
	go func() {
		for {
			client, err := door.Accept()
			if err != nil {
				return
			}
			go c.serve(client)
		}
	}()
	return c
}

func (c *cutter) arm() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.todo, c.cuts = script, 0
}

// disarm lets everything pass again; it gives the number of cuts.
func (c *cutter) disarm() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.todo = nil
	return c.cuts
}

// next says what happens to the next COMMIT.
func (c *cutter) next() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.todo) == 0 {
		return cutNothing
	}
	what := c.todo[0]
	c.todo = c.todo[1:]
	if what != cutNothing {
		c.cuts++
	}
	return what
}

func (c *cutter) serve(client net.Conn) {
	defer client.Close()
	server, err := net.Dial("tcp", c.server)
	if err != nil {
		return
	}
	defer server.Close()
	answers := &answers{from: server, to: client, over: make(chan struct{})}
	go answers.copy()
	if first, err := message(client, 0); err == nil {
		_, err = server.Write(first) // the start of the session has no type
		for err == nil {
			var m []byte
			if m, err = message(client, 1); err == nil {
				err = c.forward(server, answers, m)
			}
		}
	}
}

// forward brings one message to the server, or ends the connection.
func (c *cutter) forward(server net.Conn, a *answers, m []byte) error {
	what := cutNothing
	if m[0] == 'Q' && strings.HasPrefix(string(m[5:]), "COMMIT") {
		what = c.next()
	}
	if what == cutCommit {
		return io.EOF
	}
	if what == cutAnswer {
		a.keep()
	}
	if _, err := server.Write(m); err != nil || what == cutNothing {
		return err
	}
	<-a.over // it has been committed
	return io.EOF
}

// message reads one message of the protocol: an optional type, the length.
func message(from io.Reader, typed int) ([]byte, error) {
	head := make([]byte, typed+4)
	if _, err := io.ReadFull(from, head); err != nil {
		return nil, err
	}
	body := make([]byte, int(binary.BigEndian.Uint32(head[typed:]))-4)
	_, err := io.ReadFull(from, body)
	return append(head, body...), err
}

// answers is the server's half of a connection.
type answers struct {
	from, to net.Conn
	mu       sync.Mutex
	kept     bool
	over     chan struct{}
}

func (a *answers) keep() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.kept = true
}

func (a *answers) copy() {
	defer close(a.over)
	defer a.to.Close()
	buf := make([]byte, 32<<10)
	for {
		n, err := a.from.Read(buf)
		a.mu.Lock()
		kept := a.kept
		a.mu.Unlock()
		if err != nil || kept {
			return
		}
		if _, err := a.to.Write(buf[:n]); err != nil {
			return
		}
	}
}
