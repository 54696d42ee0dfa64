package archive

import (
	"context"
	"errors"
	"time"

	"github.com/aidflow/aidflow/internal/postgres"
)

// forgetAfter is longer than any upload may take.
const forgetAfter = time.Hour

// Sweep looks again at the files in quarantine whose time has come, and
// removes what uploads that were cut off, looks that were interrupted and
// files that were rejected have left. It may run in several processes at once.
func (a *Archive) Sweep(ctx context.Context) error {
	var faults error
	for ctx.Err() == nil {
		f, err := a.store.LeaseFile(ctx, Lease)
		if err != nil || f == nil {
			faults = errors.Join(faults, err)
			break
		}
		_ = a.Look(ctx, f) // a rejection is in the file's own row
	}
	return errors.Join(faults, a.forgetCut(ctx), a.forgetLeftovers(ctx))
}

func (a *Archive) forgetCut(ctx context.Context) error {
	rows, err := a.store.FilesToForget(ctx, a.store.Now().Add(-forgetAfter))
	for _, f := range rows {
		err = errors.Join(err, a.forget(ctx, f.ID, f.Bucket))
	}
	return err
}

func (a *Archive) forgetLeftovers(ctx context.Context) error {
	rows, err := a.store.FilesWithLeftovers(ctx)
	for _, f := range rows {
		parts := []string{postgres.PartSent, postgres.PartKept}
		if f.State == postgres.FileClean {
			parts = []string{postgres.PartSent} // kept is what is served
		}
		a.tidy(ctx, f.ID, f.Bucket, parts...)
	}
	return err
}
