package main

import (
	"net"
	"net/netip"
	"strconv"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestChosenPortsAreLowAndDifferent(t *testing.T) {
	for range 20 {
		p, err := choosePorts(options{Address: netip.MustParseAddrPort("127.0.0.1:0"), UIAddress: netip.MustParseAddrPort("127.0.0.1:0")})
		require.NoError(t, err)
		seen := map[uint16]bool{}
		for _, a := range []netip.AddrPort{p.frontend, p.internal, p.history, p.matching, p.worker, p.ui} {
			require.True(t, a.Addr().IsLoopback())
			require.GreaterOrEqual(t, a.Port(), uint16(firstPort))
			require.Less(t, a.Port(), uint16(endPort))
			require.False(t, seen[a.Port()])
			seen[a.Port()] = true
		}
	}
}

func TestBusyAddress(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer func() { _ = l.Close() }()
	busy := netip.MustParseAddrPort(l.Addr().String())
	_, err = choosePorts(options{Address: busy})
	require.EqualError(t, err, "--address: port "+strconv.Itoa(int(busy.Port()))+" is in use")
	_, err = choosePorts(options{Address: netip.MustParseAddrPort("127.0.0.1:0"), UIAddress: busy})
	require.EqualError(t, err, "--ui-address: port "+strconv.Itoa(int(busy.Port()))+" is in use")
}

func TestNoUIPort(t *testing.T) {
	p, err := choosePorts(options{Address: netip.MustParseAddrPort("127.0.0.1:0")})
	require.NoError(t, err)
	require.False(t, p.ui.IsValid())
}

func TestForeignAddress(t *testing.T) {
	_, err := choosePorts(options{Address: netip.MustParseAddrPort("192.0.2.1:0")})
	require.ErrorContains(t, err, "cannot listen on 192.0.2.1")
}

func TestInternalAddressAvoidsTLS(t *testing.T) {
	p := ports{frontend: netip.MustParseAddrPort("127.0.0.1:1"), internal: netip.MustParseAddrPort("127.0.0.1:2")}
	require.Equal(t, "127.0.0.1:1", p.internalAddress())
	p.tls = true
	require.Equal(t, "127.0.0.1:2", p.internalAddress())
}
