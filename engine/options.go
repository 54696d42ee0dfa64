package main

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/netip"
	"os"
	"regexp"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
)

// databaseURLVariable names the environment variable that is read when the
// flag --database-url is absent: a password in a flag is visible to every
// process of the machine.
const databaseURLVariable = "AIDFLOW_ENGINE_DATABASE_URL"

// maxShards bounds --shards: Temporal's largest published clusters use this.
const maxShards = 16384

var (
	databasePattern  = regexp.MustCompile(`^[a-z_][a-z0-9_]{0,49}$`) // leaves room for _visibility within PostgreSQL's 63
	namespacePattern = regexp.MustCompile(`^[a-zA-Z0-9][a-zA-Z0-9._-]{0,62}$`)
	logLevels        = []string{"debug", "info", "warn", "error"}
)

// options are the checked settings of one engine.
type options struct {
	Database     string // of the history; visibility has its own, see visibility()
	Address      netip.AddrPort
	UIAddress    netip.AddrPort // not valid: no UI wanted
	UIWrites     bool
	Namespace    string
	Shards       int32
	TimeSkipping bool
	TLSCert      string
	TLSKey       string
	TLSClientCA  string
	LogLevel     string

	postgres *pgx.ConnConfig // where the maintenance database is
}

// visibility names the second database, where Temporal keeps its list of
// workflows.
func (o options) visibility() string { return o.Database + "_visibility" }

// tls says whether clients must use TLS.
func (o options) tls() bool { return o.TLSCert != "" }

// parseOptions reads flags and checks them. A fault is one line and never
// repeats the database URL, which holds a password. flag.ErrHelp means that
// the usage was asked for and printed.
func parseOptions(args []string, stderr io.Writer) (options, error) {
	var o options
	var databaseURL, address, uiAddress string
	var shards int
	f := flag.NewFlagSet("aidflow-engine", flag.ContinueOnError)
	f.SetOutput(io.Discard)
	f.StringVar(&databaseURL, "database-url", "", "PostgreSQL `URL` of a role that may create databases; default $"+databaseURLVariable)
	f.StringVar(&o.Database, "database", "temporal", "`name` of the database; a second one gets _visibility after it")
	f.StringVar(&address, "address", "127.0.0.1:7233", "`host:port` for clients; port 0 takes a free one")
	f.StringVar(&uiAddress, "ui-address", "127.0.0.1:8233", "`host:port` of the web UI, empty for none; port 0 takes a free one")
	f.BoolVar(&o.UIWrites, "ui-writes", false, "let the web UI change and end workflows; otherwise it only shows them")
	f.StringVar(&o.Namespace, "namespace", "aidflow", "`name` of the namespace to register")
	f.IntVar(&shards, "shards", 16, "`number` of history shards, fixed for ever when the store is made")
	f.BoolVar(&o.TimeSkipping, "time-skipping", false, "let clients fast-forward workflows: development and tests only")
	f.StringVar(&o.TLSCert, "tls-cert", "", "PEM `file` with the server's certificate")
	f.StringVar(&o.TLSKey, "tls-key", "", "PEM `file` with its key")
	f.StringVar(&o.TLSClientCA, "tls-client-ca", "", "PEM `file`: clients must show a certificate of this authority")
	f.StringVar(&o.LogLevel, "log-level", "warn", "`level`: debug, info, warn or error")
	err := f.Parse(args)
	if errors.Is(err, flag.ErrHelp) {
		f.SetOutput(stderr)
		f.Usage()
		return o, err
	}
	if err != nil {
		return o, err
	}
	if f.NArg() > 0 {
		return o, errors.New("arguments without a flag are not known; see --help")
	}
	if databaseURL == "" { // not the flag's default: --help would print it
		databaseURL = os.Getenv(databaseURLVariable)
	}
	return o, o.check(databaseURL, address, uiAddress, shards)
}

// check fills and validates what parseOptions has read as text.
func (o *options) check(databaseURL, address, uiAddress string, shards int) error {
	if databaseURL == "" {
		return errors.New("--database-url (or " + databaseURLVariable + ") is missing")
	}
	var err error
	if o.postgres, err = pgx.ParseConfig(databaseURL); err != nil {
		return errors.New("--database-url is not a PostgreSQL URL")
	}
	if !databasePattern.MatchString(o.Database) {
		return errors.New("--database must be lower-case letters, digits and _, at most 50")
	}
	if !namespacePattern.MatchString(o.Namespace) {
		return errors.New("--namespace must be letters, digits, dot, - and _, at most 63")
	}
	if shards < 1 || shards > maxShards {
		return fmt.Errorf("--shards must be from 1 to %d", maxShards)
	}
	o.Shards = int32(shards)
	if !slices.Contains(logLevels, o.LogLevel) {
		return errors.New("--log-level must be one of " + strings.Join(logLevels, ", "))
	}
	if o.Address, err = parseAddress("--address", address); err != nil {
		return err
	}
	if uiAddress != "" {
		if o.UIAddress, err = parseAddress("--ui-address", uiAddress); err != nil {
			return err
		}
	}
	if err := o.checkTLS(); err != nil {
		return err
	}
	return o.checkReach()
}

// checkReach refuses what other machines could reach without the check that
// was asked for: Temporal has no users, whoever reaches it may do everything.
// The UI cannot ask browsers for certificates.
func (o *options) checkReach() error {
	if !o.tls() && !o.Address.Addr().IsLoopback() {
		return errors.New("--address is not a loopback address: give --tls-cert and --tls-key")
	}
	if !o.UIAddress.IsValid() || o.UIAddress.Addr().IsLoopback() {
		return nil
	}
	if !o.tls() {
		return errors.New("--ui-address is not a loopback address: give --tls-cert and --tls-key")
	}
	if o.TLSClientCA != "" {
		return errors.New("--ui-address must be a loopback address with --tls-client-ca: the web UI asks nobody for a certificate")
	}
	return nil
}

// checkTLS refuses half a TLS configuration, files that do not fit, and clocks
// that clients may move where TLS shows that the engine is in earnest. Without
// TLS it is on loopback only.
func (o *options) checkTLS() error {
	if (o.TLSCert == "") != (o.TLSKey == "") {
		return errors.New("--tls-cert and --tls-key must be given together")
	}
	if o.TLSClientCA != "" && !o.tls() {
		return errors.New("--tls-client-ca needs --tls-cert and --tls-key")
	}
	if !o.tls() {
		return nil
	}
	if o.TimeSkipping {
		return errors.New("--time-skipping is for development and tests: it is refused with --tls-cert")
	}
	if _, err := tls.LoadX509KeyPair(o.TLSCert, o.TLSKey); err != nil {
		return fmt.Errorf("--tls-cert and --tls-key do not load: %w", err)
	}
	if o.TLSClientCA == "" {
		return nil
	}
	pem, err := os.ReadFile(o.TLSClientCA)
	if err != nil {
		return fmt.Errorf("--tls-client-ca does not load: %w", err)
	}
	if !x509.NewCertPool().AppendCertsFromPEM(pem) {
		return errors.New("--tls-client-ca does not load: no certificate in it")
	}
	return nil
}

// parseAddress reads host:port. The host is an IP address or localhost,
// because the server binds to addresses, not to names.
func parseAddress(name, value string) (netip.AddrPort, error) {
	if port, ok := strings.CutPrefix(value, "localhost:"); ok {
		value = "127.0.0.1:" + port
	}
	a, err := netip.ParseAddrPort(value)
	if err != nil {
		return netip.AddrPort{}, errors.New(name + " must be an IP address (or localhost) and a port, as 127.0.0.1:7233")
	}
	return a, nil
}
