package config

import (
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"
)

// Register says how to reach one external register.
type Register struct {
	Name  string // the one that programmes use
	URL   string
	Token string // "" when the register asks for none
}

var registerName = regexp.MustCompile(`^[a-z][a-z0-9_]{1,59}$`)

// RegisterList gives the external registers in the order of the setting, with
// the tokens read from their files.
//
// Errors: a *Faults with one line per fault, the same that Validate tells.
func (c Config) RegisterList() ([]Register, error) {
	var faults []string
	all := c.registers(func(name, fault string) { faults = append(faults, name+": "+fault) })
	return all, asError(faults)
}

// registers reads the two settings and tells what is wrong with them. Neither
// URLs nor names of files are repeated: they may hold what is secret.
func (c Config) registers(add func(name, fault string)) []Register {
	const setting, tokens = "AIDFLOW_REGISTERS", "AIDFLOW_REGISTER_TOKENS"
	var all []Register
	for name, at := range pairs(setting, c.Registers, add) {
		u, err := url.Parse(at)
		if err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || (u.Scheme != "https" && u.Scheme != "http") {
			add(setting, name+" must be a URL that begins with https:// or http://, without password and query")
			continue
		}
		if c.Mode == ModeLive && u.Scheme != "https" && !loopback(u.Hostname()) {
			add(setting, "live mode needs https to "+name)
		}
		all = append(all, Register{Name: name, URL: at})
	}
	for name, file := range pairs(tokens, c.RegisterTokens, add) {
		i := slices.IndexFunc(all, func(r Register) bool { return r.Name == name })
		if i < 0 {
			add(tokens, name+" is no register of "+setting)
			continue
		}
		token, err := os.ReadFile(file)
		if err != nil || strings.TrimSpace(string(token)) == "" {
			add(tokens, "the file of "+name+" cannot be read, or is empty")
			continue
		}
		all[i].Token = strings.TrimSpace(string(token))
	}
	return all
}

// pairs gives the name=value pairs of a setting in their order, each name
// once, and tells of those that are none.
func pairs(setting string, list []string, add func(name, fault string)) func(yield func(name, value string) bool) {
	return func(yield func(name, value string) bool) {
		seen := map[string]bool{}
		for _, pair := range list {
			name, value, ok := strings.Cut(strings.TrimSpace(pair), "=")
			switch {
			case !ok || value == "" || !registerName.MatchString(name):
				add(setting, "must be name=value pairs with commas between them; a name has small letters, digits and _")
				return
			case seen[name]:
				add(setting, name+" is there twice")
				continue
			}
			seen[name] = true
			if !yield(name, value) {
				return
			}
		}
	}
}
