package config_test

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/spf13/pflag"

	"github.com/aidflow/aidflow/internal/config"
)

func load(t *testing.T, args []string, environ ...string) (config.Config, error) {
	t.Helper()
	fs := pflag.NewFlagSet("test", pflag.ContinueOnError)
	config.AddFlags(fs)
	if err := fs.Parse(args); err != nil {
		t.Fatal(err)
	}
	return config.Load(fs, environ)
}

func TestDefaults(t *testing.T) {
	c, err := config.Load(nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	if c.Addr != "127.0.0.1:8080" || c.Mode != "test" || !c.Sandbox || c.TemporalAddress != "127.0.0.1:7233" ||
		c.TemporalNamespace != "aidflow" || c.OIDCAudience != "aidflow" || c.LogLevel != "info" || c.TrustedProxies != nil {
		t.Fatalf("%+v", c)
	}
	if err := c.Validate(); err != nil {
		t.Fatal(err)
	}
}

func TestFlagsWinOverEnvironmentOverFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(file, []byte("from-file\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := load(t, []string{"--addr", "127.0.0.1:1", "--temporal-namespace", "other"},
		"AIDFLOW_ADDR=127.0.0.1:2", "AIDFLOW_LOG_LEVEL=debug", "AIDFLOW_SIMULATOR_SECRET_FILE="+file,
		"DATABASE_URL=postgres://a:pw@127.0.0.1/x", "DATABASE_URL_FILE=/nowhere")
	if err != nil {
		t.Fatal(err)
	}
	if c.Addr != "127.0.0.1:1" || c.LogLevel != "debug" || c.SimulatorSecret != "from-file" ||
		c.TemporalNamespace != "other" || c.MigrateURL != c.DatabaseURL {
		t.Fatalf("%+v", c)
	}
}

// live is a safe configuration for real use; each row below breaks it.
func live(t *testing.T) (environ []string, keys string) {
	keys = filepath.Join(t.TempDir(), "keys.json")
	if err := os.WriteFile(keys, []byte(`{}`), 0o600); err != nil {
		t.Fatal(err)
	}
	return []string{
		"AIDFLOW_MODE=live", "DATABASE_URL=postgres://app:pw@db.example.org/aidflow?sslmode=verify-full",
		"AIDFLOW_KEY_FILE=" + keys, "AIDFLOW_OIDC_ISSUER=https://id.example.org", "TEMPORAL_ADDRESS=temporal.example.org:7233",
		"TEMPORAL_TLS=true", "AIDFLOW_TRUSTED_PROXIES=10.0.0.0/8,::1", "AIDFLOW_SCANNER=clamd://scanner.example.org:3310",
	}, keys
}

const webhookKey = "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="

func TestFaults(t *testing.T) {
	safe, keys := live(t)
	development := filepath.Join(filepath.Dir(keys), config.DevelopmentKeyFile)
	open := filepath.Join(filepath.Dir(keys), "open.json")
	for _, file := range []string{development, open} {
		if err := os.WriteFile(file, []byte("{}"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	link := filepath.Join(filepath.Dir(keys), "link.json")
	if err := errors.Join(os.Chmod(open, 0o644), os.Symlink(development, link)); err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct {
		name    string
		environ []string
		want    []string // beginnings of the lines; none: valid
	}{
		{"safe live", nil, nil},
		{"live on one machine", []string{"DATABASE_URL=postgres://a@127.0.0.1/x?sslmode=disable", "TEMPORAL_ADDRESS=127.0.0.1:7233", "TEMPORAL_TLS=false"}, nil},
		{"mode", []string{"AIDFLOW_MODE=prod"}, []string{"AIDFLOW_MODE: must be test or live"}},
		{"address", []string{"AIDFLOW_ADDR=8080"}, []string{"AIDFLOW_ADDR: must be host:port"}},
		{"level", []string{"AIDFLOW_LOG_LEVEL=loud"}, []string{"AIDFLOW_LOG_LEVEL: "}},
		{"database of another kind", []string{"DATABASE_URL=mysql://x/y"}, []string{"DATABASE_URL: must be a URL that begins with postgres:// or postgresql://"}},
		{"boolean", []string{"AIDFLOW_SANDBOX=perhaps"}, []string{"AIDFLOW_SANDBOX: must be true or false"}},
		{"no key file", []string{"AIDFLOW_KEY_FILE=/nowhere/keys"}, []string{"AIDFLOW_KEY_FILE: is not a file"}},
		{"programmes", []string{"AIDFLOW_PROGRAMMES_DIR=/nowhere"}, []string{"AIDFLOW_PROGRAMMES_DIR: is not a folder"}},
		{"hours of a claim", []string{"AIDFLOW_CLAIM_HOURS=1001"}, []string{"AIDFLOW_CLAIM_HOURS: must be between 0 and 1000"}},
		{"region of telephones", []string{"AIDFLOW_PHONE_REGION=Vietnam"}, []string{"AIDFLOW_PHONE_REGION: must be two capital letters"}},
		{"half a simulator", []string{"AIDFLOW_MODE=test", "AIDFLOW_SIMULATOR_URL=http://127.0.0.1:1"}, []string{"AIDFLOW_SIMULATOR_URL: goes with"}},
		{"proxies", []string{"AIDFLOW_TRUSTED_PROXIES=10.0.0.1,nonsense"}, []string{"AIDFLOW_TRUSTED_PROXIES: must be addresses"}},
		{"registers", []string{"AIDFLOW_REGISTERS=population=https://register.example.org/x,insurance=http://127.0.0.1:9", "AIDFLOW_REGISTER_TOKENS=population=" + keys}, nil},
		{"a register without a name", []string{"AIDFLOW_REGISTERS=https://register.example.org"}, []string{"AIDFLOW_REGISTERS: must be name=value"}},
		{"a register with an odd name", []string{"AIDFLOW_REGISTERS=Population!=https://register.example.org"}, []string{"AIDFLOW_REGISTERS: must be name=value"}},
		{"a register twice", []string{"AIDFLOW_REGISTERS=pop=https://a.example.org,pop=https://b.example.org"}, []string{"AIDFLOW_REGISTERS: pop is there twice"}},
		{"a register at no URL", []string{"AIDFLOW_REGISTERS=pop=ftp://a,ins=https://u:pw@b,two=https://c?d=e"},
			[]string{"AIDFLOW_REGISTERS: pop must be a URL", "AIDFLOW_REGISTERS: ins must be a URL", "AIDFLOW_REGISTERS: two must be a URL"}},
		{"a token of no register", []string{"AIDFLOW_REGISTER_TOKENS=pop=" + keys}, []string{"AIDFLOW_REGISTER_TOKENS: pop is no register"}},
		{"a token that is not there", []string{"AIDFLOW_REGISTERS=pop=https://a.example.org", "AIDFLOW_REGISTER_TOKENS=pop=/nowhere"}, []string{"AIDFLOW_REGISTER_TOKENS: the file of pop"}},
		{"live: a register in the open", []string{"AIDFLOW_REGISTERS=pop=http://register.example.org"}, []string{"AIDFLOW_REGISTERS: live mode needs https to pop"}},
		{"mail and webhook", []string{"AIDFLOW_SMTP_URL=smtp://fund:pw@mail.example.org:587", "AIDFLOW_MAIL_FROM=aid@example.org", "AIDFLOW_PUBLIC_URL=https://aid.example.org",
			"AIDFLOW_NOTIFY_WEBHOOK_URL=https://chat.example.org/hook?room=1", "AIDFLOW_NOTIFY_WEBHOOK_SECRET=" + webhookKey, "AIDFLOW_NOTIFY_WEBHOOK_NETWORKS=10.1.0.0/16"}, nil},
		{"a mail server on this machine", []string{"AIDFLOW_SMTP_URL=smtp://127.0.0.1:25?tls=off", "AIDFLOW_MAIL_FROM=aid@example.org", "AIDFLOW_PUBLIC_URL=https://aid.example.org"}, nil},
		{"mail without a sender", []string{"AIDFLOW_SMTP_URL=ftp://mail.example.org", "AIDFLOW_PUBLIC_URL=https://u:pw@x", "AIDFLOW_MAIL_REPLY_TO=The Fund <a@example.org>", "AIDFLOW_SMTP_CA_FILE=/nowhere"},
			[]string{"AIDFLOW_PUBLIC_URL: must be a URL", "AIDFLOW_MAIL_REPLY_TO: must be a mail address", "AIDFLOW_SMTP_CA_FILE: is not a file", "AIDFLOW_MAIL_FROM: must be set", "AIDFLOW_SMTP_URL: must be smtp://"}},
		{"a password in the open", []string{"AIDFLOW_MODE=test", "AIDFLOW_SMTP_URL=smtp://fund:pw@mail.example.org?tls=off", "AIDFLOW_MAIL_FROM=aid@example.org"}, []string{"AIDFLOW_SMTP_URL: a password"}},
		{"live: mail in the open", []string{"AIDFLOW_SMTP_URL=smtp://mail.example.org?tls=off", "AIDFLOW_MAIL_FROM=aid@example.org"},
			[]string{"AIDFLOW_PUBLIC_URL: live mode", "AIDFLOW_SMTP_URL: live mode needs TLS"}},
		{"half a webhook", []string{"AIDFLOW_NOTIFY_WEBHOOK_URL=https://chat.example.org", "AIDFLOW_NOTIFY_WEBHOOK_NETWORKS=inside"},
			[]string{"AIDFLOW_NOTIFY_WEBHOOK_URL: goes with", "AIDFLOW_NOTIFY_WEBHOOK_NETWORKS: must be CIDRs"}},
		{"a weak webhook", []string{"AIDFLOW_NOTIFY_WEBHOOK_URL=http://chat.example.org", "AIDFLOW_NOTIFY_WEBHOOK_SECRET=whsec_c2hvcnQ="},
			[]string{"AIDFLOW_NOTIFY_WEBHOOK_URL: live mode needs https", "AIDFLOW_NOTIFY_WEBHOOK_SECRET: must be whsec_"}},
		{"temporal's certificate", []string{"TEMPORAL_TLS_CLIENT_CERT_PATH=/nowhere"}, []string{"TEMPORAL_ settings: cannot be read"}},
		{"secret file", []string{"AIDFLOW_SIMULATOR_SECRET_FILE=/nowhere"}, []string{"AIDFLOW_SIMULATOR_SECRET_FILE: cannot be read"}},
		{"live: development issuer", []string{"AIDFLOW_OIDC_ISSUER=http://127.0.0.1:4444"}, []string{"AIDFLOW_OIDC_ISSUER: live mode"}},
		{"live: issuer without TLS", []string{"AIDFLOW_OIDC_ISSUER=http://id.example.org"}, []string{"AIDFLOW_OIDC_ISSUER: live mode"}},
		{"live: all proxies", []string{"AIDFLOW_TRUSTED_PROXIES=0.0.0.0/0"}, []string{"AIDFLOW_TRUSTED_PROXIES: live mode"}},
		{"live: all proxies in halves", []string{"AIDFLOW_TRUSTED_PROXIES=0.0.0.0/1,128.0.0.0/1"}, []string{"AIDFLOW_TRUSTED_PROXIES: live mode"}},
		{"live: all proxies, v6", []string{"AIDFLOW_TRUSTED_PROXIES=::/0"}, []string{"AIDFLOW_TRUSTED_PROXIES: live mode"}},
		{"live: open Temporal", []string{"TEMPORAL_TLS=false"}, []string{"TEMPORAL_ADDRESS: live mode"}},
		{"live: open database", []string{"DATABASE_URL=postgres://a@db.example.org/x?sslmode=disable"}, []string{"DATABASE_URL: live mode"}},
		{"live: database with TLS if it likes", []string{"DATABASE_URL=postgres://a@db.example.org/x?sslmode=prefer"}, []string{"DATABASE_URL: live mode"}},
		{"live: database with TLS if it must", []string{"DATABASE_URL=postgres://a@db.example.org/x?sslmode=allow"}, []string{"DATABASE_URL: live mode"}},
		{"live: database for which the environment decides", []string{"DATABASE_URL=postgres://a@db.example.org/x", "PGSSLMODE=disable"}, []string{"DATABASE_URL: live mode"}},
		{"live: simulator", []string{"AIDFLOW_SIMULATOR_URL=http://127.0.0.1:1", "AIDFLOW_SIMULATOR_SECRET=x"}, []string{"AIDFLOW_SIMULATOR_URL: live mode"}},
		{"scanner", []string{"AIDFLOW_SCANNER=http://x:1"}, []string{"AIDFLOW_SCANNER: must be clamd://"}},
		{"scanner on a socket, files in a bucket", []string{"AIDFLOW_SCANNER=clamd:///run/clamd.ctl", "AIDFLOW_FILES_URL=s3://bucket?region=x"}, nil},
		{"bucket", []string{"AIDFLOW_FILES_URL=ftp://x"}, []string{"AIDFLOW_FILES_URL: must be s3://"}},
		{"live: no scanner", []string{"AIDFLOW_SCANNER=none"}, []string{"AIDFLOW_SCANNER: live mode"}},
		{"live: files in memory", []string{"AIDFLOW_FILES_URL=mem://"}, []string{"AIDFLOW_FILES_URL: live mode"}},
		{"live: sandbox", []string{"AIDFLOW_SANDBOX=true"}, []string{"AIDFLOW_SANDBOX: live mode"}},
		{"live: development keys", []string{"AIDFLOW_KEY_FILE=" + development}, []string{"AIDFLOW_KEY_FILE: live mode"}},
		{"live: development keys by a link", []string{"AIDFLOW_KEY_FILE=" + link}, []string{"AIDFLOW_KEY_FILE: live mode"}},
		{"live: readable keys", []string{"AIDFLOW_KEY_FILE=" + open}, []string{"AIDFLOW_KEY_FILE: others can read it"}},
		{"all at once", []string{"AIDFLOW_ADDR=x", "AIDFLOW_LOG_LEVEL=y", "TEMPORAL_TLS=false", "AIDFLOW_KEY_FILE=/nowhere"},
			[]string{"AIDFLOW_ADDR: ", "AIDFLOW_LOG_LEVEL: ", "AIDFLOW_KEY_FILE: ", "TEMPORAL_ADDRESS: "}},
	} {
		t.Run(row.name, func(t *testing.T) {
			c, err := load(t, nil, slices.Concat(safe, row.environ)...)
			if err == nil {
				err = c.Validate("DATABASE_URL", "AIDFLOW_KEY_FILE", "AIDFLOW_OIDC_ISSUER")
			}
			expectLines(t, err, row.want)
		})
	}
}

func expectLines(t *testing.T, err error, want []string) {
	t.Helper()
	var f *config.Faults
	if len(want) == 0 {
		if err != nil {
			t.Fatal(err)
		}
		return
	}
	if !errors.As(err, &f) || len(f.Lines) != len(want) {
		t.Fatalf("got %v, want %d lines", err, len(want))
	}
	for i, w := range want {
		if !strings.HasPrefix(f.Lines[i], w) || strings.Contains(f.Lines[i], "\n") {
			t.Errorf("line %d is %q, want %q", i, f.Lines[i], w)
		}
	}
}

func TestRequired(t *testing.T) {
	c, err := config.Load(nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	expectLines(t, c.Validate("DATABASE_URL", "AIDFLOW_KEY_FILE", "AIDFLOW_ADDR"),
		[]string{"DATABASE_URL: must be set", "AIDFLOW_KEY_FILE: must be set"})
}

func TestFaultsOfReadingAndOfContentAtOnce(t *testing.T) {
	_, err := config.LoadValid(nil, []string{"AIDFLOW_SANDBOX=perhaps", "AIDFLOW_LOG_LEVEL=loud", "DATABASE_URL_FILE=/nowhere/at/all"},
		"DATABASE_URL", "AIDFLOW_KEY_FILE")
	want := []string{"DATABASE_URL_FILE: cannot be read", "AIDFLOW_SANDBOX: must be true or false",
		"AIDFLOW_KEY_FILE: must be set", "AIDFLOW_LOG_LEVEL: must be debug, info, warn or error"}
	var faults *config.Faults
	if !errors.As(err, &faults) || !slices.Equal(faults.Lines, want) {
		t.Fatalf("got %v", err)
	}
	if _, err := config.LoadValid(nil, []string{"DATABASE_URL=postgres://db/x"}, "DATABASE_URL"); err != nil {
		t.Fatal(err)
	}
}

func TestPrintMasksSecretsAndNamesSources(t *testing.T) {
	c, err := load(t, []string{"--addr", "127.0.0.1:9"},
		"DATABASE_URL=postgres://app:hunter2@db/aidflow?sslmode=require&sslpassword=hunter3",
		"AIDFLOW_SIMULATOR_SECRET=hunter4", "AIDFLOW_TRUSTED_PROXIES=10.0.0.1,10.0.0.2")
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := c.Print(&b); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(b.String(), "hunter") {
		t.Fatalf("a secret is shown:\n%s", b.String())
	}
	lines := map[string][]string{}
	for _, l := range strings.Split(b.String(), "\n") {
		if f := strings.Fields(l); len(f) > 2 {
			lines[f[0]] = []string{f[1], strings.Join(f[2:], " ")}
		}
	}
	for name, want := range map[string][]string{
		"AIDFLOW_ADDR":             {"127.0.0.1:9", "flag --addr"},
		"AIDFLOW_MODE":             {"test", "default"},
		"DATABASE_URL":             {"postgres://app:***@db/aidflow?sslmode=require&sslpassword=***", "environment"},
		"AIDFLOW_MIGRATE_URL":      {"postgres://app:***@db/aidflow?sslmode=require&sslpassword=***", "DATABASE_URL"},
		"AIDFLOW_SIMULATOR_SECRET": {"***", "environment"},
		"AIDFLOW_TRUSTED_PROXIES":  {"10.0.0.1,10.0.0.2", "environment"},
		"AIDFLOW_SANDBOX":          {"true", "AIDFLOW_MODE"},
		"AIDFLOW_KEY_FILE":         {"-", "default"},
	} {
		if !slices.Equal(lines[name], want) {
			t.Errorf("%s: %q, want %q", name, lines[name], want)
		}
	}
}

func TestTemporalOptions(t *testing.T) {
	c, err := load(t, nil, "TEMPORAL_ADDRESS=t:1", "TEMPORAL_TLS=true", "HOME="+t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	o, err := c.TemporalOptions()
	if err != nil || o.HostPort != "t:1" || o.Namespace != "aidflow" || o.ConnectionOptions.TLS == nil {
		t.Fatalf("%+v %v", o, err)
	}
}

func TestRegisterList(t *testing.T) {
	file := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(file, []byte("hunter5\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c, err := load(t, nil, "AIDFLOW_REGISTERS=population=https://r.example.org/x, insurance=https://i.example.org", "AIDFLOW_REGISTER_TOKENS=population="+file)
	if err != nil {
		t.Fatal(err)
	}
	list, err := c.RegisterList()
	want := []config.Register{{Name: "population", URL: "https://r.example.org/x", Token: "hunter5"}, {Name: "insurance", URL: "https://i.example.org"}}
	if err != nil || !slices.Equal(list, want) {
		t.Fatalf("%+v %v", list, err)
	}
	var b bytes.Buffer
	if err := c.Print(&b); err != nil || strings.Contains(b.String(), "hunter5") {
		t.Fatalf("%v\n%s", err, b.String())
	}
	c.RegisterTokens = []string{"population=/nowhere"}
	if _, err := c.RegisterList(); err == nil {
		t.Fatal("a token that is not there is given")
	}
}
