package api

import (
	"context"

	"github.com/aidflow/aidflow/aid"
)

// MailTopics gives what the mail of an unsubscribe link was about, and whether
// nothing of that comes by mail any more. It changes nothing: programs that
// look at mails follow links.
//
// Errors: NotFound unknown_mail_token.
func (s *Server) MailTopics(ctx context.Context, token string) (topics []aid.Topic, ended bool, err error) {
	return s.store.MailTopics(ctx, token)
}

// StopMails ends mails of those topics for the person to whom the mail went.
// Whoever has the mail needs no sign-in for it (RFC 8058).
//
// Errors: NotFound unknown_mail_token.
func (s *Server) StopMails(ctx context.Context, token string) ([]aid.Topic, error) {
	return s.store.StopMails(ctx, token)
}
