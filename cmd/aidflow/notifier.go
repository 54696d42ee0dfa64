package main

import (
	"github.com/aidflow/aidflow/internal/mail"
	"github.com/aidflow/aidflow/internal/notify"
)

// notifier gives what tells people: by the bell always, by mail and by the
// webhook where they are set.
func (p *parts) notifier() (*notify.Notifier, error) {
	letters, err := notify.NewLetters(p.cfg.PublicURL)
	if err != nil {
		return nil, err
	}
	n := &notify.Notifier{Store: p.store, Letters: letters, Resend: p.cfg.MailResend, Log: p.log}
	if p.cfg.SMTPURL != "" {
		n.Mail, err = mail.New(mail.Config{URL: p.cfg.SMTPURL, From: p.cfg.MailFrom, ReplyTo: p.cfg.MailReplyTo, CAFile: p.cfg.SMTPCAFile})
	}
	if err == nil && p.cfg.NotifyWebhookURL != "" {
		n.Webhook, err = notify.NewWebhook(notify.WebhookConfig{URL: p.cfg.NotifyWebhookURL, Secret: p.cfg.NotifyWebhookSecret, Networks: p.cfg.WebhookNetworks()})
	}
	return n, err
}
