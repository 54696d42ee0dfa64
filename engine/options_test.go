package main

import (
	"bytes"
	"errors"
	"flag"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const someURL = "postgres://engine:s3cret@127.0.0.1:5432/postgres"

func TestOptionsDefaults(t *testing.T) {
	o, err := parseOptions([]string{"--database-url", someURL}, io.Discard)
	require.NoError(t, err)
	require.Equal(t, "127.0.0.1:7233", o.Address.String())
	require.Equal(t, "127.0.0.1:8233", o.UIAddress.String())
	require.Equal(t, "temporal", o.Database)
	require.Equal(t, "temporal_visibility", o.visibility())
	require.Equal(t, "aidflow", o.Namespace)
	require.Equal(t, int32(16), o.Shards)
	require.False(t, o.TimeSkipping)
	require.False(t, o.UIWrites)
	require.False(t, o.tls())
	require.Equal(t, "s3cret", o.postgres.Password)
}

func TestOptionsTakeTheURLFromTheEnvironment(t *testing.T) {
	t.Setenv(databaseURLVariable, "postgres://a@/postgres?host=/run/here&port=5433")
	o, err := parseOptions([]string{"--address", "localhost:0"}, io.Discard)
	require.NoError(t, err)
	require.Equal(t, "/run/here", o.postgres.Host)
	require.Equal(t, uint16(5433), o.postgres.Port)
	require.Equal(t, "127.0.0.1:0", o.Address.String())
}

// Every fault is one line, names its flag and never repeats the URL.
func TestOptionsFaults(t *testing.T) {
	dir := t.TempDir()
	garbage := filepath.Join(dir, "garbage.pem")
	require.NoError(t, os.WriteFile(garbage, []byte("no certificate"), 0o600))
	cert, key := selfSigned(t, dir)
	tls := []string{"--tls-cert", cert, "--tls-key", key}
	for _, c := range []struct {
		name string
		args []string
		want string
	}{
		{"no url", []string{"--database-url", ""}, "--database-url"},
		{"not a url", []string{"--database-url", "postgres://u:s3cret@[::1/x"}, "--database-url is not"},
		{"not postgres", []string{"--database-url", "mysql://u:s3cret@h/x"}, "--database-url is not"},
		{"upper-case database", []string{"--database", "Temporal"}, "--database must"},
		{"quote in database", []string{"--database", `a"b`}, "--database must"},
		{"long database", []string{"--database", strings.Repeat("a", 51)}, "--database must"},
		{"empty namespace", []string{"--namespace", ""}, "--namespace"},
		{"slash in namespace", []string{"--namespace", "a/b"}, "--namespace"},
		{"no shards", []string{"--shards", "0"}, "--shards"},
		{"too many shards", []string{"--shards", "16385"}, "--shards"},
		{"word as shards", []string{"--shards", "many"}, "shards"},
		{"unknown level", []string{"--log-level", "loud"}, "--log-level"},
		{"host name", []string{"--address", "example.org:7233"}, "--address must"},
		{"no port", []string{"--address", "127.0.0.1"}, "--address must"},
		{"open without tls", []string{"--address", "0.0.0.0:7233"}, "loopback"},
		{"open v6 without tls", []string{"--address", "[::]:7233"}, "loopback"},
		{"open ui without tls", []string{"--ui-address", "0.0.0.0:8233"}, "--ui-address is not a loopback"},
		{"open ui with client authority", append([]string{"--ui-address", "0.0.0.0:8233", "--tls-client-ca", cert}, tls...), "--ui-address must be a loopback"},
		{"broken ui address", []string{"--ui-address", "8233"}, "--ui-address must"},
		{"certificate alone", []string{"--tls-cert", cert}, "--tls-key"},
		{"key alone", []string{"--tls-key", key}, "--tls-cert"},
		{"client authority alone", []string{"--tls-client-ca", cert}, "--tls-client-ca needs"},
		{"missing file", []string{"--tls-cert", cert, "--tls-key", filepath.Join(dir, "none")}, "do not load"},
		{"garbage", []string{"--tls-cert", garbage, "--tls-key", garbage}, "do not load"},
		{"missing client authority", append([]string{"--tls-client-ca", filepath.Join(dir, "none")}, tls...), "--tls-client-ca does not load"},
		{"garbage client authority", append([]string{"--tls-client-ca", garbage}, tls...), "--tls-client-ca does not load"},
		{"time skipping with tls", append([]string{"--time-skipping"}, tls...), "--time-skipping is for development"},
		{"open and time skipping", append([]string{"--time-skipping", "--address", "0.0.0.0:7233"}, tls...), "--time-skipping is for development"},
		{"unknown flag", []string{"--shard", "4"}, "shard"},
		{"argument", []string{"start"}, "arguments"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := parseOptions(append([]string{"--database-url", someURL}, c.args...), io.Discard)
			require.ErrorContains(t, err, c.want)
			require.NotContains(t, oneLine(err), "\n")
			require.NotContains(t, err.Error(), "s3cret")
		})
	}
}

func TestOptionsOpenAddressWithTLS(t *testing.T) {
	cert, key := selfSigned(t, t.TempDir())
	o, err := parseOptions([]string{
		"--database-url", someURL, "--address", "0.0.0.0:7233",
		"--tls-cert", cert, "--tls-key", key, "--tls-client-ca", cert,
	}, io.Discard)
	require.NoError(t, err)
	require.True(t, o.tls())
}

func TestOptionsOpenUI(t *testing.T) {
	cert, key := selfSigned(t, t.TempDir())
	with := func(args ...string) options {
		o, err := parseOptions(append([]string{"--database-url", someURL, "--tls-cert", cert, "--tls-key", key}, args...), io.Discard)
		require.NoError(t, err)
		return o
	}
	require.Equal(t, "0.0.0.0:8233", with("--ui-address", "0.0.0.0:8233").UIAddress.String())
	require.Equal(t, "127.0.0.1:8233", with("--tls-client-ca", cert).UIAddress.String())
	require.False(t, with("--ui-address", "").UIAddress.IsValid())
}

func TestHelpHidesThePassword(t *testing.T) {
	t.Setenv(databaseURLVariable, someURL)
	var usage bytes.Buffer
	_, err := parseOptions([]string{"--help"}, &usage)
	require.True(t, errors.Is(err, flag.ErrHelp))
	require.Contains(t, usage.String(), "-time-skipping")
	require.NotContains(t, usage.String(), "s3cret")
}
