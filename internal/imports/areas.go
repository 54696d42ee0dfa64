package imports

import (
	"context"
	"errors"
	"io"
	"strconv"
	"strings"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/aid/area"
	"github.com/aidflow/aidflow/internal/postgres"
)

// runAreas takes a list of areas, all of it or nothing: areas hang together.
// It is small, and read as a whole.
func (r *Runner) runAreas(ctx context.Context, job *postgres.ImportJob) (reason string, faults []postgres.ImportFault, err error) {
	caller, err := r.Store.StaffBySubject(ctx, job.CreatedBy)
	if err != nil {
		return refused(err)
	}
	rows, err := area.ReadCSV(io.NewSectionReader(r.Store.ImportFile(ctx, job), 0, job.Size))
	if err != nil {
		return refusedAreas(err)
	}
	report, err := r.Store.ImportAreas(ctx, rows, postgres.AreaChange{Actor: job.CreatedBy, Within: caller.AreasOf(aid.RoleAdmin), DryRun: job.DryRun})
	if err != nil {
		return refusedAreas(err)
	}
	return "", nil, r.Store.SaveBatch(ctx, job, postgres.ImportBatch{Rows: report.Rows,
		Save: func(*postgres.Tx) (postgres.Saved, error) {
			return postgres.Saved{Applied: report.Rows - report.Same}, nil
		}})
}

// refusedAreas gives the faults of a list with their rows and columns.
func refusedAreas(err error) (string, []postgres.ImportFault, error) {
	var e *aid.Error
	if !errors.As(err, &e) || len(e.Faults) == 0 {
		return refused(err)
	}
	faults := make([]postgres.ImportFault, len(e.Faults))
	for i, f := range e.Faults {
		parts := strings.Split(strings.TrimPrefix(f.Pointer, "/rows/"), "/")
		row, _ := strconv.Atoi(parts[0]) // 0 for the file
		faults[i] = postgres.ImportFault{Row: row, Code: f.Code, Params: f.Params}
		if len(parts) > 1 {
			faults[i].Column = parts[1]
		}
	}
	return e.Code, faults, nil
}
