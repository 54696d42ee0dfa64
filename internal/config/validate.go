package config

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"

	"github.com/spf13/pflag"
)

// Faults is every fault of a configuration, one line each, without the values.
type Faults struct{ Lines []string }

// Error gives the lines.
func (f *Faults) Error() string { return strings.Join(f.Lines, "\n") }

func asError(lines []string) error {
	if len(lines) == 0 {
		return nil
	}
	return &Faults{Lines: lines}
}

// Validate checks all settings and that those named in required (by their
// environment names) are set. The error is a *Faults with a line per fault,
// all of them. In live mode it refuses what would be unsafe with real money
// and real people.
func (c Config) Validate(required ...string) error {
	var faults []string
	add := func(name, fault string) { faults = append(faults, name+": "+fault) }
	for _, name := range required {
		if !c.set(name) {
			add(name, "must be set")
		}
	}
	if _, port, err := net.SplitHostPort(c.Addr); err != nil || port == "" {
		add("AIDFLOW_ADDR", "must be host:port")
	}
	if c.Mode != ModeTest && c.Mode != ModeLive {
		add("AIDFLOW_MODE", "must be test or live")
	}
	if !slices.Contains([]string{"debug", "info", "warn", "error"}, c.LogLevel) {
		add("AIDFLOW_LOG_LEVEL", "must be debug, info, warn or error")
	}
	if len(c.PhoneRegion) != 2 || strings.Trim(c.PhoneRegion, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") != "" {
		add("AIDFLOW_PHONE_REGION", "must be two capital letters of ISO 3166")
	}
	if c.ClaimHours < 0 || c.ClaimHours > 1000 {
		add("AIDFLOW_CLAIM_HOURS", "must be between 0 and 1000")
	}
	c.checkURLs(add)
	c.checkFiles(add)
	c.checkUploads(add)
	c.registers(add)
	c.checkNotifications(add)
	for _, p := range c.TrustedProxies {
		if !isProxy(p) {
			add("AIDFLOW_TRUSTED_PROXIES", "must be addresses or CIDRs with commas between them")
			break
		}
	}
	if c.Mode == ModeLive {
		c.checkLive(add)
	}
	return asError(faults)
}

// LoadValid is Load and Validate in one, so that a person who starts the
// program is told every fault of both at once.
func LoadValid(fs *pflag.FlagSet, environ []string, required ...string) (Config, error) {
	c, loading := Load(fs, environ)
	var faults []string
	var unread *Faults
	if errors.As(loading, &unread) {
		faults = unread.Lines
	}
	told := slices.Clone(faults)
	var wrong *Faults
	if errors.As(c.Validate(required...), &wrong) {
		for _, line := range wrong.Lines {
			name, _, _ := strings.Cut(line, ":")
			if !slices.ContainsFunc(told, func(s string) bool { return strings.HasPrefix(s, name+"_FILE:") }) {
				faults = append(faults, line)
			}
		}
	}
	return c, asError(faults)
}

// set says whether the setting of that environment name has a value.
func (c Config) set(name string) bool {
	found := false
	eachField(func(f reflect.StructField) {
		if f.Tag.Get("env") == name {
			found = !reflect.ValueOf(c).FieldByName(f.Name).IsZero()
		}
	})
	return found
}

func (c Config) checkURLs(add func(name, fault string)) {
	for _, u := range []struct{ name, value, schemes string }{
		{"DATABASE_URL", c.DatabaseURL, "postgres postgresql"},
		{"AIDFLOW_MIGRATE_URL", c.MigrateURL, "postgres postgresql"},
		{"AIDFLOW_OIDC_ISSUER", c.OIDCIssuer, "https http"},
		{"AIDFLOW_SIMULATOR_URL", c.SimulatorURL, "https http"},
	} {
		if u.value == "" || (u.name == "AIDFLOW_MIGRATE_URL" && u.value == c.DatabaseURL) {
			continue // not set, or told once already
		}
		p, err := url.Parse(u.value)
		if err != nil || p.Host == "" || !slices.Contains(strings.Fields(u.schemes), p.Scheme) {
			add(u.name, "must be a URL that begins with "+strings.ReplaceAll(u.schemes, " ", ":// or ")+"://")
		}
	}
	if (c.SimulatorURL == "") != (c.SimulatorSecret == "") {
		add("AIDFLOW_SIMULATOR_URL", "goes with AIDFLOW_SIMULATOR_SECRET: set both or none")
	}
}

func (c Config) checkFiles(add func(name, fault string)) {
	if c.KeyFile != "" {
		if st, err := os.Stat(c.KeyFile); err != nil || !st.Mode().IsRegular() {
			add("AIDFLOW_KEY_FILE", "is not a file that can be read")
		}
	}
	if c.ProgrammesDir != "" {
		if st, err := os.Stat(c.ProgrammesDir); err != nil || !st.IsDir() {
			add("AIDFLOW_PROGRAMMES_DIR", "is not a folder")
		}
	}
}

// checkUploads checks where uploaded files go and who looks at them.
func (c Config) checkUploads(add func(name, fault string)) {
	if u, err := url.Parse(c.FilesURL); c.FilesURL != "" && (err != nil || !slices.Contains([]string{"s3", "file", "mem"}, u.Scheme)) {
		add("AIDFLOW_FILES_URL", "must be s3://NAME or file:///FOLDER")
	}
	if c.Scanner != "" && c.Scanner != "none" {
		u, err := url.Parse(c.Scanner)
		if err != nil || u.Scheme != "clamd" || (u.Port() == "") == (strings.Trim(u.Path, "/") == "") {
			add("AIDFLOW_SCANNER", "must be clamd://HOST:PORT, clamd:///SOCKET or none")
		}
	}
	if c.Mode == ModeLive && (c.Scanner == "" || c.Scanner == "none") {
		add("AIDFLOW_SCANNER", "live mode needs a virus scanner for uploaded files")
	}
	if c.Mode == ModeLive && strings.HasPrefix(c.FilesURL, "mem:") {
		add("AIDFLOW_FILES_URL", "live mode does not keep files in memory")
	}
}

// checkLive refuses settings that are fine on a developer's machine only.
func (c Config) checkLive(add func(name, fault string)) {
	if u, err := url.Parse(c.OIDCIssuer); err == nil && c.OIDCIssuer != "" && (u.Scheme != "https" || loopback(u.Hostname())) {
		add("AIDFLOW_OIDC_ISSUER", "live mode needs an https issuer; the development issuer signs in anybody")
	}
	for name, value := range map[string]string{"DATABASE_URL": c.DatabaseURL, "AIDFLOW_MIGRATE_URL": c.MigrateURL} {
		if name == "AIDFLOW_MIGRATE_URL" && value == c.DatabaseURL {
			continue
		}
		// The URL has to say it: without, PGSSLMODE would decide.
		modes := []string{"require", "verify-ca", "verify-full"}
		if u, err := url.Parse(value); err == nil && strings.HasPrefix(u.Scheme, "postgres") && !loopback(u.Hostname()) && !slices.Contains(modes, u.Query().Get("sslmode")) {
			add(name, "live mode needs TLS to a database on another machine: sslmode=verify-full")
		}
	}
	if slices.ContainsFunc(c.TrustedProxies, trustsAll) {
		add("AIDFLOW_TRUSTED_PROXIES", "live mode does not trust every address")
	}
	host, _, _ := net.SplitHostPort(c.TemporalAddress)
	if o, err := c.TemporalOptions(); err == nil && o.ConnectionOptions.TLS == nil && !loopback(host) {
		add("TEMPORAL_ADDRESS", "live mode needs TLS to a Temporal on another machine: TEMPORAL_TLS=true")
	}
	if c.CrashAt != "" {
		add("AIDFLOW_CRASH_AT", "live mode has no worker that ends itself: unset it")
	}
	if c.SimulatorURL != "" {
		add("AIDFLOW_SIMULATOR_URL", "live mode does not pay through the simulator: unset it")
	}
	if c.Sandbox {
		add("AIDFLOW_SANDBOX", "live mode has no sandbox")
	}
	c.checkKeys(add)
}

// DevelopmentKeyFile is the name of the key file that the development stack
// makes; live mode refuses it.
const DevelopmentKeyFile = "development-keys.json"

// checkKeys refuses keys that the development stack made, or that others on
// the machine can read.
func (c Config) checkKeys(add func(name, fault string)) {
	st, err := os.Stat(c.KeyFile)
	if err != nil {
		return // told by checkFiles
	}
	if st.Mode().Perm()&0o077 != 0 {
		add("AIDFLOW_KEY_FILE", fmt.Sprintf("others can read it (mode %o): chmod 600", st.Mode().Perm()))
	}
	if path, err := filepath.EvalSymlinks(c.KeyFile); err != nil || filepath.Base(path) == DevelopmentKeyFile {
		add("AIDFLOW_KEY_FILE", "live mode does not use the keys of the development stack")
	}
}

func loopback(host string) bool {
	if host == "localhost" || host == "" { // no host: a Unix socket
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.Unmap().IsLoopback()
}

func isProxy(s string) bool {
	if s == "*" {
		return true // refused in live mode
	}
	_, err1 := netip.ParseAddr(s)
	_, err2 := netip.ParsePrefix(s)
	return err1 == nil || err2 == nil
}

// trustsAll also catches halves of the address space, which two make whole.
func trustsAll(s string) bool {
	p, err := netip.ParsePrefix(s)
	return s == "*" || (err == nil && p.Bits() < 8)
}
