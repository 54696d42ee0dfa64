package config

import (
	"errors"

	"go.temporal.io/sdk/client"
	"go.temporal.io/sdk/contrib/envconfig"
)

// TemporalOptions gives the options for dialling Temporal from the TEMPORAL_
// settings, TLS and API key included, as Temporal's own tools read them. A
// profile file counts only when TEMPORAL_CONFIG_FILE or TEMPORAL_PROFILE names
// one, so that nobody's private profile leads a deployment to another server.
// Set Logger and Identity yourself.
func (c Config) TemporalOptions() (client.Options, error) {
	named := c.environ["TEMPORAL_CONFIG_FILE"] != "" || c.environ["TEMPORAL_PROFILE"] != ""
	o, err := envconfig.LoadClientOptions(envconfig.LoadClientOptionsRequest{
		DisableFile: !named, EnvLookup: lookup(c.environ),
	})
	if err != nil {
		return o, errors.New("TEMPORAL_ settings: cannot be read (certificate files or profile)")
	}
	if o.HostPort == "" {
		o.HostPort = "127.0.0.1:7233"
	}
	if o.Namespace == "" || (o.Namespace == "default" && c.environ["TEMPORAL_NAMESPACE"] == "" && !named) {
		o.Namespace = "aidflow"
	}
	return o, nil
}

// fillTemporal shows in the struct what TemporalOptions will use.
func (c *Config) fillTemporal() error {
	o, err := c.TemporalOptions()
	if err != nil {
		return err
	}
	if c.TemporalAddress != o.HostPort && c.environ["TEMPORAL_PROFILE"]+c.environ["TEMPORAL_CONFIG_FILE"] != "" {
		c.sources["TEMPORAL_ADDRESS"], c.sources["TEMPORAL_NAMESPACE"] = "Temporal profile", "Temporal profile"
	}
	c.TemporalAddress, c.TemporalNamespace = o.HostPort, o.Namespace
	return nil
}

// lookup lets envconfig read the gathered values in place of the environment.
type lookup map[string]string

func (l lookup) Environ() []string {
	var all []string
	for k, v := range l {
		all = append(all, k+"="+v)
	}
	return all
}

func (l lookup) LookupEnv(name string) (string, bool) {
	v, ok := l[name]
	return v, ok
}
