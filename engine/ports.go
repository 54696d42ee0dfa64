package main

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"syscall"
)

// Ports that the engine chooses itself lie below 32768, where Linux begins to
// give ports to outgoing connections: one of those could otherwise take a port
// between the choice and the server's listen.
const (
	firstPort = 20000
	endPort   = 32768
)

// ports are the addresses of the services of one engine. All but frontend and
// ui are on loopback. internal is the frontend for the server's own workers and
// the UI, used only with TLS: it spares them a client certificate.
type ports struct {
	frontend, internal, history, matching, worker netip.AddrPort
	ui                                            netip.AddrPort // not valid: no UI
	tls                                           bool
}

// internalAddress is where this process reaches its own frontend without TLS.
func (p ports) internalAddress() string {
	if p.tls {
		return p.internal.String()
	}
	return p.frontend.String()
}

// choosePorts takes free ports for the internal services, and where --address
// or --ui-address has port 0. A busy one is a fault here, in one line: inside
// the server it would be a stack trace.
func choosePorts(o options) (ports, error) {
	var held []net.Listener
	defer func() {
		for _, l := range held {
			_ = l.Close()
		}
	}()
	take := func(flag string, a netip.Addr, number uint16) (netip.AddrPort, error) {
		l, err := listen(flag, a, number)
		if err != nil {
			return netip.AddrPort{}, err
		}
		held = append(held, l)
		return netip.AddrPortFrom(a, port(l)), nil
	}
	p := ports{tls: o.tls()}
	var err error
	if p.frontend, err = take("--address", o.Address.Addr(), o.Address.Port()); err != nil {
		return p, err
	}
	if o.UIAddress.IsValid() {
		if p.ui, err = take("--ui-address", o.UIAddress.Addr(), o.UIAddress.Port()); err != nil {
			return p, err
		}
	}
	for _, each := range []*netip.AddrPort{&p.internal, &p.history, &p.matching, &p.worker} {
		if *each, err = take("", loopback(), 0); err != nil {
			return p, err
		}
	}
	return p, nil
}

func loopback() netip.Addr { return netip.AddrFrom4([4]byte{127, 0, 0, 1}) }

func port(l net.Listener) uint16 { return uint16(l.Addr().(*net.TCPAddr).Port) }

// listen opens the port that the flag asks for, or a free one of the range when
// it is 0.
func listen(flag string, a netip.Addr, number uint16) (net.Listener, error) {
	if number != 0 {
		l, err := net.Listen("tcp", netip.AddrPortFrom(a, number).String())
		if errors.Is(err, syscall.EADDRINUSE) {
			return nil, fmt.Errorf("%s: port %d is in use", flag, number)
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", flag, err)
		}
		return l, nil
	}
	for _, offset := range rand.Perm(endPort - firstPort) {
		l, err := net.Listen("tcp", netip.AddrPortFrom(a, uint16(firstPort+offset)).String())
		if err == nil {
			return l, nil
		}
		if !errors.Is(err, syscall.EADDRINUSE) {
			return nil, fmt.Errorf("cannot listen on %s: %w", a, err)
		}
	}
	return nil, fmt.Errorf("no free port from %d to %d", firstPort, endPort-1)
}
