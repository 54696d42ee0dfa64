package worker

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/internal/postgres"
	"github.com/aidflow/aidflow/workflows"
)

const (
	startAfter  = 3 * time.Second  // whoever wanted a workflow has had this long to start it
	resendAfter = 10 * time.Second // whoever asked for a decision has had this long to bring it
	expireAfter = 15 * time.Minute // then the intent is given up and its person told
	forgetEvery = time.Hour
	areasEvery  = 10 * time.Minute // a change of areas is in effect so soon after its midnight
)

// sweep repairs hand-overs: workflows that were wanted and not started,
// decisions and withdrawals that were asked for and not applied. Everything it
// does may be done twice, by two workers at once.
type sweep struct {
	store   *postgres.Store
	process *workflows.Client
	log     *slog.Logger
	forgot  time.Time
	placed  time.Time
}

func (s *sweep) once(ctx context.Context) {
	for name, fn := range map[string]func(context.Context) error{"start": s.start, "resend": s.resend, "withdraw": s.withdraw, "forget": s.forget, "areas": s.areas, "delegations": s.delegations, "staff": s.staff, "claims": s.claims} {
		if err := fn(ctx); err != nil && ctx.Err() == nil {
			s.log.Warn("sweep", "part", name, "error", err.Error())
		}
	}
}

// start starts the workflows that nobody has started.
func (s *sweep) start(ctx context.Context) error {
	wanted, err := s.store.Unstarted(ctx, startAfter)
	if err != nil {
		return err
	}
	var faults error // one that cannot be started does not keep back the others
	for _, w := range wanted {
		err := s.process.Start(ctx, w.ID, w.Kind, w.Input)
		if err == nil {
			err = s.store.MarkStarted(ctx, w.ID)
		}
		if err == nil {
			s.log.Info("sweep started a workflow", "workflow", w.ID)
		}
		faults = errors.Join(faults, err)
	}
	return faults
}

// resend brings intents to their workflows again, under the same id.
func (s *sweep) resend(ctx context.Context) error {
	pending, err := s.store.PendingIntents(ctx, resendAfter)
	if err != nil {
		return err
	}
	var faults error
	for _, p := range pending {
		faults = errors.Join(faults, s.apply(ctx, p))
	}
	return faults
}

func (s *sweep) apply(ctx context.Context, p postgres.PendingIntent) error {
	var err error
	if rule, _ := aid.RuleOf(p.Decision.Kind); rule.SQLOnly {
		err = s.store.ApplyIntent(ctx, p.Decision)
	} else {
		_, err = s.process.Decide(ctx, p.Workflow, p.Decision)
	}
	switch aid.KindOf(err) {
	case "":
		return err
	case aid.Unknown, aid.Unavailable:
		return s.expire(ctx, p)
	}
	if aid.CodeOf(err) == "workflow_gone" && s.store.Now().Sub(p.AskedAt) < expireAfter {
		return nil // perhaps it has not begun
	}
	return s.store.RefuseIntent(ctx, p.Decision.ID, aid.KindOf(err), aid.CodeOf(err))
}

func (s *sweep) expire(ctx context.Context, p postgres.PendingIntent) error {
	if s.store.Now().Sub(p.AskedAt) < expireAfter {
		return nil
	}
	return s.store.ExpireIntent(ctx, p.Decision.ID)
}

// withdraw brings the partners' wishes to the workflows that have their cases
// now, under the same id, until one has taken each.
func (s *sweep) withdraw(ctx context.Context) error {
	pending, err := s.store.PendingWithdrawals(ctx, resendAfter)
	if err != nil {
		return err
	}
	var faults error
	for _, p := range pending {
		_, err := s.process.Withdraw(ctx, p.Workflow, p.Withdrawal)
		if aid.KindOf(err) == aid.Unknown || aid.KindOf(err) == aid.Unavailable || aid.CodeOf(err) == "workflow_gone" {
			continue // it is away, or the next workflow has not begun
		}
		faults = errors.Join(faults, err)
	}
	return faults
}

// forget drops idempotency records that nobody may ask for any more.
func (s *sweep) forget(ctx context.Context) error {
	if now := s.store.Now(); now.Sub(s.forgot) > forgetEvery {
		s.forgot = now
		_, err := s.store.SweepIdempotency(ctx)
		return err
	}
	return nil
}

// claims tidies up claims that have lapsed.
func (s *sweep) claims(ctx context.Context) error {
	n, err := s.store.LapseClaims(ctx)
	if n > 0 {
		s.log.Info("claims lapsed", "tasks", n)
	}
	return err
}

// areas brings into effect the changes of areas whose day has come, and what
// came into an area while it went.
func (s *sweep) areas(ctx context.Context) error {
	now := s.store.Now()
	if now.Sub(s.placed) < areasEvery {
		return nil
	}
	moves, err := s.store.ApplyAreas(ctx)
	if err != nil {
		return err
	}
	s.placed = now
	if moves.Any() {
		s.log.Info("areas changed", "areas", moves.Areas, "cases", moves.Cases, "tasks", moves.Tasks, "parked", moves.Parked,
			"roles", moves.Roles, "partners", moves.Partners, "funds", moves.Funds, "households", moves.Households)
	}
	return nil
}

// delegations moves tasks at the beginning of a delegation and gives them back
// at its end. Every check has looked at the dates itself before.
func (s *sweep) delegations(ctx context.Context) error {
	_, err := s.store.SettleDelegations(ctx, 20)
	return err
}

// staff looks at open tasks again whose deciders have changed.
func (s *sweep) staff(ctx context.Context) error {
	_, err := s.store.RecheckTasks(ctx, 200)
	return err
}
