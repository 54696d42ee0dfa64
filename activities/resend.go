package activities

import (
	"context"
	"time"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/internal/postgres"
	"github.com/aidflow/aidflow/rails"
)

// codeUnsafe says that a rail does not know an attempt that was sent, and that
// sending it again might pay twice.
const codeUnsafe = "resend_unsafe"

// resendable tells whether the same key may be handed to the rail once more.
// What certainly never arrived may; else the rail has to pay a key only once,
// and has to remember it still. Half of its memory is trusted, for clocks
// differ.
func (j *job) resendable(can rails.Capabilities, now time.Time) bool {
	sent := j.attempt.SentAt
	switch {
	case sent == nil:
		return true
	case !can.Idempotent:
		return false
	}
	return can.KeyMemory == 0 || now.Sub(*sent) < can.KeyMemory/2
}

// lease takes the attempt for one more sending, unless somebody is at it, or
// persons decide how it ended.
func (a *Activities) lease(ctx context.Context, in aid.PayRequest, j *job) error {
	return a.Store.Write(ctx, func(tx *postgres.Tx) error {
		j.holds = false
		c, err := tx.LockCase(in.Case)
		if err != nil {
			return err
		}
		p, err := tx.LockPayment(c, in.Payment)
		if err != nil || p.State.Terminal() {
			return err
		}
		if asked, err := tx.PersonsAsked(p); err != nil || asked {
			return err
		}
		attempt, _, err := tx.OpenAttempt(p)
		if err != nil {
			return err
		}
		j.unsent = attempt.SentAt == nil
		j.holds, err = tx.LeaseAttempt(attempt)
		j.attempt = *attempt
		return err
	})
}

// release gives a lease back whose sending is over, or never began, and cannot
// be recorded. Where that fails too, the lease runs out.
func (a *Activities) release(ctx context.Context, j *job, unsent bool) {
	if !j.holds {
		return
	}
	_ = a.Store.Write(context.WithoutCancel(ctx), func(tx *postgres.Tx) error {
		return tx.ReleaseLease(&j.attempt, unsent)
	})
}
