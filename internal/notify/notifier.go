// Package notify tells people: it makes notifications of what was put down,
// writes mails in the language of each person, and calls the installation's
// webhook. Any number of workers may run it.
package notify

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/aidflow/aidflow/internal/mail"
	"github.com/aidflow/aidflow/internal/postgres"
)

const (
	batch       = 100
	digestEvery = 30 * time.Second
	forgetEvery = time.Hour
	keep        = 90 * 24 * time.Hour // notifications and messages
	tryFor      = 3 * 24 * time.Hour  // a message that cannot leave
	firstPause  = 30 * time.Second
	longest     = 3 * time.Hour
)

// Notifier tells people. Mail and Webhook may be nil: then the bell is all.
type Notifier struct {
	Store   *postgres.Store
	Letters *Letters
	Mail    *mail.Sender
	Webhook *Webhook
	Resend  bool // send a mail again of which nobody knows whether it arrived
	Log     *slog.Logger

	digested, forgot time.Time
}

// Once does everything that is due. What fails is done at the next call; one
// part does not keep back another.
func (n *Notifier) Once(ctx context.Context) error {
	return errors.Join(n.spread(ctx), n.digests(ctx), n.leases(ctx), n.mails(ctx), n.calls(ctx), n.forget(ctx))
}

func (n *Notifier) spread(ctx context.Context) error {
	for {
		done, err := n.Store.SpreadNotices(ctx, n.Webhook != nil, batch)
		if err != nil || done < batch {
			return err
		}
	}
}

func (n *Notifier) digests(ctx context.Context) error {
	now := n.Store.Now()
	if n.Mail == nil || now.Sub(n.digested) < digestEvery {
		return nil
	}
	_, err := n.Store.MakeDigests(ctx)
	if err == nil {
		n.digested = now
	}
	return err
}

func (n *Notifier) leases(ctx context.Context) error {
	over, err := n.Store.EndLeases(ctx, n.Resend)
	if over > 0 {
		n.Log.Warn("mails whose end nobody knows", "count", over, "sent_again", n.Resend)
	}
	return err
}

// mails sends what waits, one after the other. A server that is away ends the
// round: the others would fail as well.
func (n *Notifier) mails(ctx context.Context) error {
	for n.Mail != nil && ctx.Err() == nil {
		m, err := n.Store.TakeMail(ctx)
		if err != nil || m == nil {
			return err
		}
		away, err := n.send(ctx, m)
		if err != nil || away {
			return err
		}
	}
	return nil
}

func (n *Notifier) send(ctx context.Context, m *postgres.Outgoing) (away bool, err error) {
	letter, err := n.Letters.Mail(m)
	if err != nil {
		return false, n.settle(ctx, m, mail.Refused, "no_text", err)
	}
	err = n.Mail.Send(ctx, letter, func() error { return n.Store.Handing(ctx, m) })
	var failed *mail.Failure
	switch {
	case err == nil:
		return false, taken(n.Store.Sent(context.WithoutCancel(ctx), m))
	case errors.As(err, &failed):
		away = failed.Result == mail.Again
		return away, n.settle(ctx, m, failed.Result, failed.Code, nil)
	}
	return true, taken(err) // the store's own: the lease will end
}

// settle puts down what became of a mail that was not sent for certain.
func (n *Notifier) settle(ctx context.Context, m *postgres.Outgoing, result mail.Result, code string, cause error) error {
	ctx = context.WithoutCancel(ctx) // it was done; that must be said
	n.Log.Warn("mail not sent", "message", m.ID, "attempt", m.Attempt, "result", string(result), "code", code)
	if result == mail.Unknown && n.Resend {
		result = mail.Again
	}
	if result == mail.Again && n.Store.Now().Sub(m.Created) < tryFor {
		return taken(n.Store.Again(ctx, m, n.Store.Now().Add(pause(m.Attempt)), code))
	}
	return errors.Join(cause, taken(n.Store.GiveUp(ctx, m, result == mail.Unknown, code)))
}

// calls calls the webhook with what waits; any answer but 2xx is tried again.
func (n *Notifier) calls(ctx context.Context) error {
	for n.Webhook != nil && ctx.Err() == nil {
		m, err := n.Store.TakeCall(ctx)
		if err != nil || m == nil {
			return err
		}
		code, err := n.Webhook.Call(ctx, m, n.Store.Now())
		if err != nil {
			return err
		}
		done := context.WithoutCancel(ctx)
		switch {
		case code == "":
			err = n.Store.Sent(done, m)
		case n.Store.Now().Sub(m.Created) < tryFor:
			n.Log.Warn("webhook not called", "message", m.ID, "attempt", m.Attempt, "code", code)
			return taken(n.Store.Again(done, m, n.Store.Now().Add(pause(m.Attempt)), code))
		default:
			err = n.Store.GiveUp(done, m, false, code)
		}
		if taken(err) != nil {
			return err
		}
	}
	return nil
}

func (n *Notifier) forget(ctx context.Context) error {
	now := n.Store.Now()
	if now.Sub(n.forgot) < forgetEvery {
		return nil
	}
	_, err := n.Store.ForgetMessages(ctx, keep)
	if err == nil {
		n.forgot = now
	}
	return err
}

// taken lets pass that another has the message by now.
func taken(err error) error {
	if errors.Is(err, postgres.ErrTaken) {
		return nil
	}
	return err
}

// pause doubles with every attempt.
func pause(attempt int) time.Duration {
	wait := firstPause
	for range min(attempt-1, 20) {
		wait *= 2
	}
	return min(wait, longest)
}
