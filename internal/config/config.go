// Package config holds every setting of the program in one struct, read from
// flags, the environment and files for secrets. Names and meaning are the
// contract with operators; nothing else in the program reads the environment.
package config

import (
	"fmt"
	"os"
	"reflect"
	"strings"

	"github.com/caarlos0/env/v11"
	"github.com/spf13/pflag"
)

// The modes of a deployment: one is either for trying or for real households.
const (
	ModeTest = "test"
	ModeLive = "live"
)

// Config is every setting. The tag secret:"yes" hides a value in Print,
// secret:"url" hides the password inside it. Every NAME of a secret may come
// from the file that NAME_FILE names.
type Config struct {
	Addr                  string   `env:"AIDFLOW_ADDR" envDefault:"127.0.0.1:8080" flag:"addr" usage:"address of API and console"`
	Mode                  string   `env:"AIDFLOW_MODE" envDefault:"test" flag:"mode" usage:"test or live"`
	DatabaseURL           string   `env:"DATABASE_URL" flag:"database-url" secret:"url" usage:"PostgreSQL of the app"`
	MigrateURL            string   `env:"AIDFLOW_MIGRATE_URL" flag:"migrate-url" secret:"url" usage:"PostgreSQL for the owner of the schema (default: DATABASE_URL)"`
	KeyFile               string   `env:"AIDFLOW_KEY_FILE" flag:"key-file" usage:"file with the keys that seal personal data"`
	OIDCIssuer            string   `env:"AIDFLOW_OIDC_ISSUER" flag:"oidc-issuer" usage:"issuer of the staff's tokens"`
	OIDCAudience          string   `env:"AIDFLOW_OIDC_AUDIENCE" envDefault:"aidflow" flag:"oidc-audience" usage:"audience that a token must name"`
	OIDCSecret            string   `env:"AIDFLOW_OIDC_CLIENT_SECRET" flag:"oidc-client-secret" secret:"yes" usage:"secret of the console at the issuer; none for a public client"`
	SimulatorURL          string   `env:"AIDFLOW_SIMULATOR_URL" flag:"simulator-url" usage:"the pretended bank of test deployments"`
	SimulatorSecret       string   `env:"AIDFLOW_SIMULATOR_SECRET" flag:"simulator-secret" secret:"yes" usage:"secret shared with the simulator"`
	CrashAt               string   `env:"AIDFLOW_CRASH_AT" flag:"crash-at" usage:"tests only: folder of moments at which the worker ends itself"`
	BankfileFormat        string   `env:"AIDFLOW_BANKFILE_FORMAT" envDefault:"pain.001" flag:"bankfile-format" usage:"format of the files of pay runs: pain.001, csv or xlsx"`
	BankfileVersion       string   `env:"AIDFLOW_BANKFILE_VERSION" envDefault:"09" flag:"bankfile-version" usage:"version of pain.001.001 that the bank takes: 03, 09 or 11"`
	Registers             []string `env:"AIDFLOW_REGISTERS" flag:"registers" usage:"external registers that programmes check at: name=https://host/path, with commas"`
	RegisterTokens        []string `env:"AIDFLOW_REGISTER_TOKENS" flag:"register-tokens" usage:"files with the registers' tokens: name=/path, with commas"`
	TrustedProxies        []string `env:"AIDFLOW_TRUSTED_PROXIES" flag:"trusted-proxies" usage:"addresses or CIDRs whose X-Forwarded-For is believed, with commas"`
	FilesURL              string   `env:"AIDFLOW_FILES_URL" flag:"files-url" secret:"url" usage:"bucket for uploaded files: s3://NAME, file:///FOLDER (default: in PostgreSQL)"`
	Scanner               string   `env:"AIDFLOW_SCANNER" flag:"scanner" usage:"virus scanner of uploaded files: clamd://HOST:PORT, clamd:///SOCKET, or none in test mode"`
	PublicURL             string   `env:"AIDFLOW_PUBLIC_URL" flag:"public-url" usage:"address under which people reach the console; mails link to it (default: http://ADDR)"`
	SMTPURL               string   `env:"AIDFLOW_SMTP_URL" flag:"smtp-url" secret:"url" usage:"mail server: smtp://USER:PASSWORD@HOST:PORT (STARTTLS), smtps://...; smtp://...?tls=off on this machine (default: no mail)"`
	SMTPCAFile            string   `env:"AIDFLOW_SMTP_CA_FILE" flag:"smtp-ca-file" usage:"authority that signed the mail server's certificate, PEM (default: those of the machine)"`
	MailFrom              string   `env:"AIDFLOW_MAIL_FROM" flag:"mail-from" usage:"sender of mails"`
	MailReplyTo           string   `env:"AIDFLOW_MAIL_REPLY_TO" flag:"mail-reply-to" usage:"who answers to mails and ends them for people (default: the sender)"`
	MailResend            bool     `env:"AIDFLOW_MAIL_RESEND_UNKNOWN" flag:"mail-resend-unknown" usage:"send a mail again when the server's answer was lost: rather twice than never"`
	NotifyWebhookURL      string   `env:"AIDFLOW_NOTIFY_WEBHOOK_URL" flag:"notify-webhook-url" secret:"url" usage:"the installation's own webhook for notifications"`
	NotifyWebhookSecret   string   `env:"AIDFLOW_NOTIFY_WEBHOOK_SECRET" flag:"notify-webhook-secret" secret:"yes" usage:"key of its signatures: whsec_ and base64"`
	NotifyWebhookNetworks []string `env:"AIDFLOW_NOTIFY_WEBHOOK_NETWORKS" flag:"notify-webhook-networks" usage:"networks beside the public internet in which it may be, CIDRs with commas"`
	LogLevel              string   `env:"AIDFLOW_LOG_LEVEL" envDefault:"info" flag:"log-level" usage:"debug, info, warn or error"`
	Sandbox               bool     `env:"AIDFLOW_SANDBOX" flag:"sandbox" usage:"offer /v1/sandbox (default: on in test mode)"`
	PhoneRegion           string   `env:"AIDFLOW_PHONE_REGION" envDefault:"VN" flag:"phone-region" usage:"country of telephone numbers without a country code, ISO 3166"`
	ClaimHours            int      `env:"AIDFLOW_CLAIM_HOURS" envDefault:"8" flag:"claim-hours" usage:"working hours after which a claimed task is free again; 0 for never"`
	ProgrammesDir         string   `env:"AIDFLOW_PROGRAMMES_DIR" flag:"programmes-dir" usage:"folder of programme definitions (default: the ones shipped inside)"`

	TemporalAddress   string `env:"TEMPORAL_ADDRESS" flag:"temporal-address" usage:"Temporal's frontend"`
	TemporalNamespace string `env:"TEMPORAL_NAMESPACE" flag:"temporal-namespace" usage:"Temporal namespace"`

	sources map[string]string // by environment name
	environ map[string]string // what was read, for Temporal's own settings
}

// AddFlags declares a flag for every setting on fs. Flags win over the
// environment.
func AddFlags(fs *pflag.FlagSet) {
	eachField(func(f reflect.StructField) {
		fs.String(f.Tag.Get("flag"), "", f.Tag.Get("usage")+" ["+f.Tag.Get("env")+"]")
	})
}

// Load reads the settings from fs (may be nil), the environment as os.Environ
// gives it, and files of secrets; it fills defaults. The error is a *Faults
// with one line for each value that cannot be read; the rest is filled even
// then. Call Validate next.
func Load(fs *pflag.FlagSet, environ []string) (Config, error) {
	values, sources, faults := gather(fs, environ)
	c := Config{sources: sources, environ: values}
	if err := env.ParseWithOptions(&c, env.Options{Environment: values}); err != nil {
		faults = append(faults, unreadable(err, values)...)
	}
	c.derive()
	if err := c.fillTemporal(); err != nil {
		faults = append(faults, err.Error())
	}
	return c, asError(faults)
}

// gather overlays the sources: environment, then secret files, then flags.
func gather(fs *pflag.FlagSet, environ []string) (values, sources map[string]string, faults []string) {
	values, sources = map[string]string{}, map[string]string{}
	for _, pair := range environ {
		if name, value, ok := strings.Cut(pair, "="); ok && value != "" {
			values[name] = value
		}
	}
	eachField(func(f reflect.StructField) {
		name := f.Tag.Get("env")
		if values[name] != "" {
			sources[name] = "environment"
		}
		if file := values[name+"_FILE"]; f.Tag.Get("secret") != "" && file != "" && values[name] == "" {
			b, err := os.ReadFile(file)
			if err != nil {
				faults = append(faults, name+"_FILE: cannot be read")
				return
			}
			values[name], sources[name] = strings.TrimSpace(string(b)), "file"
		}
		if flag := f.Tag.Get("flag"); fs != nil && fs.Changed(flag) {
			values[name], sources[name] = fs.Lookup(flag).Value.String(), "flag --"+flag
		}
	})
	return values, sources, faults
}

// derive fills what follows from other settings.
func (c *Config) derive() {
	if c.MigrateURL == "" && c.DatabaseURL != "" {
		c.MigrateURL, c.sources["AIDFLOW_MIGRATE_URL"] = c.DatabaseURL, "DATABASE_URL"
	}
	if c.PublicURL == "" {
		c.PublicURL, c.sources["AIDFLOW_PUBLIC_URL"] = "http://"+c.Addr, "AIDFLOW_ADDR"
	}
	if c.sources["AIDFLOW_SANDBOX"] == "" {
		c.Sandbox, c.sources["AIDFLOW_SANDBOX"] = c.Mode == ModeTest, "AIDFLOW_MODE"
	}
}

// unreadable names the settings that could not be parsed, without the value.
func unreadable(err error, values map[string]string) []string {
	var faults []string
	eachField(func(f reflect.StructField) {
		name := f.Tag.Get("env")
		switch v := values[name]; {
		case v == "":
		case f.Type.Kind() == reflect.Bool && !isBool(v):
			faults = append(faults, name+": must be true or false")
		case f.Type.Kind() == reflect.Int && strings.Trim(v, "0123456789") != "":
			faults = append(faults, name+": must be a number")
		}
	})
	if len(faults) == 0 {
		faults = append(faults, fmt.Sprintf("configuration: %T", err))
	}
	return faults
}

func isBool(v string) bool {
	var s struct {
		V bool `env:"V"`
	}
	return env.ParseWithOptions(&s, env.Options{Environment: map[string]string{"V": v}}) == nil
}

// eachField visits the settings in the order of the struct.
func eachField(visit func(reflect.StructField)) {
	t := reflect.TypeFor[Config]()
	for i := range t.NumField() {
		if f := t.Field(i); f.Tag.Get("env") != "" {
			visit(f)
		}
	}
}
