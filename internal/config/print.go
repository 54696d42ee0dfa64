package config

import (
	"fmt"
	"io"
	"net/url"
	"reflect"
	"strings"
	"text/tabwriter"
)

// Print writes the effective settings with their sources, a line each, with
// secrets masked.
func (c Config) Print(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 4, 2, ' ', 0)
	eachField(func(f reflect.StructField) {
		name := f.Tag.Get("env")
		source := c.sources[name]
		if source == "" {
			source = "default"
		}
		fmt.Fprintf(t, "%s\t%s\t%s\n", name, c.shown(f), source)
	})
	return t.Flush()
}

// shown gives a value as it may be shown.
func (c Config) shown(f reflect.StructField) string {
	v := reflect.ValueOf(c).FieldByName(f.Name)
	text := fmt.Sprint(v.Interface())
	if list, ok := v.Interface().([]string); ok {
		text = strings.Join(list, ",")
	}
	switch {
	case text == "":
		return "-"
	case f.Tag.Get("secret") == "yes":
		return "***"
	case f.Tag.Get("secret") == "url":
		return MaskURL(text)
	}
	return text
}

// MaskURL hides the password and every query value of a connection string but
// sslmode, so that it may be shown.
func MaskURL(s string) string {
	u, err := url.Parse(s)
	if err != nil || u.Host == "" {
		return "***"
	}
	if _, has := u.User.Password(); has {
		u.User = url.UserPassword(u.User.Username(), "***")
	}
	q := u.Query()
	for k := range q {
		if k != "sslmode" {
			q.Set(k, "***")
		}
	}
	u.RawQuery = q.Encode()
	return strings.ReplaceAll(u.String(), "%2A%2A%2A", "***")
}
