package config

import (
	"encoding/base64"
	"net/mail"
	"net/netip"
	"net/url"
	"os"
	"strings"
)

// WebhookNetworks gives the networks beside the public internet that the
// installation's webhook may be in.
func (c Config) WebhookNetworks() []netip.Prefix {
	var all []netip.Prefix
	for _, text := range c.NotifyWebhookNetworks {
		if p, err := netip.ParsePrefix(strings.TrimSpace(text)); err == nil {
			all = append(all, p)
		}
	}
	return all
}

// checkNotifications checks by which ways people are told. Neither URLs nor
// secrets are repeated.
func (c Config) checkNotifications(add func(name, fault string)) {
	if u, err := url.Parse(c.PublicURL); c.PublicURL != "" && (err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || (u.Scheme != "https" && u.Scheme != "http")) {
		add("AIDFLOW_PUBLIC_URL", "must be a URL that begins with https:// or http://, without password and query")
	} else if c.Mode == ModeLive && c.SMTPURL != "" && (u.Scheme != "https" || loopback(u.Hostname())) {
		add("AIDFLOW_PUBLIC_URL", "live mode needs the https address that people use: mails link to it")
	}
	c.checkMail(add)
	c.checkWebhook(add)
}

func (c Config) checkMail(add func(name, fault string)) {
	for name, value := range map[string]string{"AIDFLOW_MAIL_FROM": c.MailFrom, "AIDFLOW_MAIL_REPLY_TO": c.MailReplyTo} {
		if a, err := mail.ParseAddress(value); value != "" && (err != nil || a.Address != value) {
			add(name, "must be a mail address without a name")
		}
	}
	if c.SMTPCAFile != "" {
		if st, err := os.Stat(c.SMTPCAFile); err != nil || !st.Mode().IsRegular() {
			add("AIDFLOW_SMTP_CA_FILE", "is not a file that can be read")
		}
	}
	if c.SMTPURL == "" {
		return
	}
	if c.MailFrom == "" {
		add("AIDFLOW_MAIL_FROM", "must be set with AIDFLOW_SMTP_URL")
	}
	u, err := url.Parse(c.SMTPURL)
	if err != nil || u.Hostname() == "" || (u.Scheme != "smtp" && u.Scheme != "smtps") || (u.RawQuery != "" && u.RawQuery != "tls=off") {
		add("AIDFLOW_SMTP_URL", "must be smtp://USER:PASSWORD@HOST:PORT (STARTTLS) or smtps://")
		return
	}
	open := u.Scheme == "smtp" && u.RawQuery == "tls=off"
	if open && u.User != nil && !loopback(u.Hostname()) {
		add("AIDFLOW_SMTP_URL", "a password does not go over a network without TLS")
	} else if open && c.Mode == ModeLive && !loopback(u.Hostname()) {
		add("AIDFLOW_SMTP_URL", "live mode needs TLS to a mail server on another machine: without tls=off")
	}
}

func (c Config) checkWebhook(add func(name, fault string)) {
	if (c.NotifyWebhookURL == "") != (c.NotifyWebhookSecret == "") {
		add("AIDFLOW_NOTIFY_WEBHOOK_URL", "goes with AIDFLOW_NOTIFY_WEBHOOK_SECRET: set both or none")
	}
	if u, err := url.Parse(c.NotifyWebhookURL); c.NotifyWebhookURL != "" && (err != nil || u.Host == "" || u.User != nil || (u.Scheme != "https" && u.Scheme != "http")) {
		add("AIDFLOW_NOTIFY_WEBHOOK_URL", "must be a URL that begins with https:// or http://, without password")
	} else if c.NotifyWebhookURL != "" && c.Mode == ModeLive && u.Scheme != "https" && !loopback(u.Hostname()) {
		add("AIDFLOW_NOTIFY_WEBHOOK_URL", "live mode needs https")
	}
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(c.NotifyWebhookSecret, "whsec_"))
	if c.NotifyWebhookSecret != "" && (err != nil || len(key) < 24) {
		add("AIDFLOW_NOTIFY_WEBHOOK_SECRET", "must be whsec_ and at least 24 bytes in base64")
	}
	if len(c.WebhookNetworks()) != len(c.NotifyWebhookNetworks) {
		add("AIDFLOW_NOTIFY_WEBHOOK_NETWORKS", "must be CIDRs with commas between them")
	}
}
