package postgres

import (
	"context"
	"time"

	"github.com/aidflow/aidflow/aid"
)

// HintAfter is how old a sent attempt must be for a hint about it to wake
// anybody.
const HintAfter = 2500 * time.Millisecond

// RecordCallback keeps a rail's hint that a payment's state may have changed,
// once, and gives the workflow that should ask the rail. The hint itself moves
// nothing. Key is the rail's key of the payment.
//
// The workflow is "" when nobody should be told. What was sent less than
// HintAfter ago is being asked about by whoever has sent it. A case whose clock
// was moved asks by itself: Temporal 1.32 schedules an activity that is to ask
// at once by the wall clock; a workflow that is days ahead takes it for one
// that has waited since, and gives it up.
//
// Errors: NotFound payment_not_found.
func (s *Store) RecordCallback(ctx context.Context, rail, id, key, state string) (workflow string, err error) {
	err = s.Write(ctx, func(tx *Tx) error {
		err := tx.get(&workflow, `SELECT CASE WHEN c.clock_offset > interval '0' OR a.sent_at > $3 THEN ''
				WHEN starts_with(c.workflow_id, 'recovery/') THEN c.workflow_id ELSE 'disbursement/' || p.award_id END
			FROM attempts a JOIN payments p ON p.id = a.payment_id JOIN cases c ON c.id = p.case_id WHERE a.key = $1 AND p.rail = $2`,
			key, rail, tx.Wall.Add(-HintAfter))
		if notFound(err) {
			return aid.Refuse(aid.NotFound, "payment_not_found")
		}
		if err != nil {
			return err
		}
		_, err = tx.exec(`INSERT INTO callbacks (rail, id, key, state, received_at) VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING`,
			rail, id, key, state, tx.Wall)
		return err
	})
	return workflow, err
}
