package stack

import (
	"errors"
	"net"
	"strconv"
	"strings"

	"github.com/aidflow/aidflow/internal/stack/cluster"
)

// reserve gives the wished port of 127.0.0.1 for a child to listen on, or
// another when it is busy (0: any), and holds it.
func (s *Stack) reserve(wished int) (address string, err error) {
	for range 100 {
		port := wished
		if port == 0 {
			if port, err = cluster.FreePort(); err != nil {
				return "", err
			}
		}
		if address, err = s.hold(net.JoinHostPort("127.0.0.1", strconv.Itoa(port))); err == nil {
			return address, nil
		}
		wished = 0
	}
	return "", errors.New("no free port on 127.0.0.1")
}

// hold keeps an address for a child of this stack. Between the choice and the
// child's own listening some seconds pass, in which another stack would find
// the port free. So it is held until this stack ends, by a UDP socket of the
// same number, which nobody speaks to: the kernel gives it to one process of
// the machine, whoever its user is, and frees it at any death.
// It returns the address with port 0 replaced by a free one.
func (s *Stack) hold(address string) (string, error) {
	held, err := net.ListenPacket("udp", address)
	if err != nil {
		return "", err
	}
	address = held.LocalAddr().String()
	l, err := net.Listen("tcp", address) // only under the hold: a look must not hinder another's child
	if err != nil {
		return "", errors.Join(err, held.Close())
	}
	s.list.locked(func() { s.held = append(s.held, held) })
	return address, l.Close()
}

// letGo frees the ports that were held.
func (s *Stack) letGo() {
	s.list.locked(func() {
		for _, held := range s.held {
			_ = held.Close()
		}
		s.held = nil
	})
}

// wish gives the port that the documentation names, or says which it is now.
func (s *Stack) wish(what string, port int) (string, error) {
	address, err := s.reserve(port)
	if err == nil && !strings.HasSuffix(address, ":"+strconv.Itoa(port)) {
		s.list.note("port %d is busy: %s is at %s", port, what, address)
	}
	return address, err
}
