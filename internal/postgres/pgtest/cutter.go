package pgtest

import (
	"bufio"
	"encoding/binary"
	"io"
	"net"
	"net/url"
	"strings"
	"sync"
	"testing"
)

// What a Cutter does with a COMMIT.
const (
	CutNothing = iota
	CutAnswer  // PostgreSQL commits, and its answer never comes
	CutCommit  // PostgreSQL never hears of it and rolls back
)

// Cutter stands between a store and PostgreSQL, reads the protocol and breaks
// the connection: at COMMIT, by its script, or in the middle of the server's
// answers, before one message. Else it lets everything pass.
type Cutter struct {
	URL    string // of the database, through the cutter
	server string

	mu    sync.Mutex
	todo  []int
	cuts  int
	tear  int  // before how many more messages of the server the connection breaks; 0: never
	reset bool // by RST, not by FIN
}

// NewCutter makes one before the database of a URL; it ends with the test.
func NewCutter(t testing.TB, database string) *Cutter {
	t.Helper()
	u, err := url.Parse(database)
	if err != nil {
		t.Fatal(err)
	}
	door, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c := &Cutter{server: u.Host}
	u.Host = door.Addr().String()
	c.URL = u.String()
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

// Arm says what happens to the next COMMITs, one after the other.
func (c *Cutter) Arm(script ...int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.todo, c.cuts = script, 0
}

// Tear breaks the connection before the nth message from now of what the
// server says, with RST or with FIN: the client has sent what it was to send,
// and the server has done it.
func (c *Cutter) Tear(n int, reset bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.tear, c.reset, c.cuts = n, reset, 0
}

// Disarm lets everything pass again; it gives the number of cuts.
func (c *Cutter) Disarm() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.todo, c.tear = nil, 0
	return c.cuts
}

// torn counts a message of the server, and tells whether the connection breaks
// before it, and how.
func (c *Cutter) torn() (now, reset bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.tear == 0 {
		return false, false
	}
	c.tear--
	if c.tear > 0 {
		return false, false
	}
	c.cuts++
	return true, c.reset
}

// next says what happens to the next COMMIT.
func (c *Cutter) next() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.todo) == 0 {
		return CutNothing
	}
	what := c.todo[0]
	c.todo = c.todo[1:]
	if what != CutNothing {
		c.cuts++
	}
	return what
}

func (c *Cutter) serve(client net.Conn) {
	defer func() { _ = client.Close() }()
	server, err := net.Dial("tcp", c.server)
	if err != nil {
		return
	}
	defer func() { _ = server.Close() }()
	answers := &answers{from: server, to: client, torn: c.torn, over: make(chan struct{})}
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
func (c *Cutter) forward(server net.Conn, a *answers, m []byte) error {
	what := CutNothing
	if m[0] == 'Q' && strings.HasPrefix(string(m[5:]), "COMMIT") {
		what = c.next()
	}
	if what == CutCommit {
		return io.EOF
	}
	if what == CutAnswer {
		a.keep()
	}
	if _, err := server.Write(m); err != nil || what == CutNothing {
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
	torn     func() (now, reset bool)
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
	defer func() { _ = a.to.Close() }()
	from := bufio.NewReader(a.from)
	for {
		m, err := message(from, 1)
		a.mu.Lock()
		kept := a.kept
		a.mu.Unlock()
		if err != nil || kept {
			return
		}
		if now, reset := a.torn(); now {
			if tcp, ok := a.to.(*net.TCPConn); ok && reset {
				_ = tcp.SetLinger(0) // closed with RST
			}
			return
		}
		if _, err := a.to.Write(m); err != nil {
			return
		}
	}
}
