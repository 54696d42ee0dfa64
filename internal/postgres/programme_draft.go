package postgres

import (
	"context"
	"encoding/json"
	"strconv"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/aid/programme"
)

// Propose stores a definition as a draft that a second administrator may
// publish. The id comes from the caller: the same id again changes nothing.
//
// Errors: Forbidden wrong_role; Conflict programme_draft_exists while another
// draft of the programme waits; Invalid with the faults of ProposalFaults.
func (s *Store) Propose(ctx context.Context, caller *Caller, id string, def *programme.Definition) error {
	if !caller.Has(aid.RoleAdmin, "") {
		return aid.Refuse(aid.Forbidden, "wrong_role")
	}
	raw, err := json.Marshal(def)
	if err != nil {
		return err
	}
	return s.Write(ctx, func(tx *Tx) error {
		var there bool
		if err := tx.get(&there, `SELECT EXISTS (SELECT 1 FROM programme_drafts WHERE id = $1)`, id); err != nil || there {
			return err
		}
		faults, _, err := tx.proposalFaults(def)
		if err != nil {
			return err
		}
		if err := aid.RefuseAll(faults); err != nil {
			return err
		}
		err = tx.one(`INSERT INTO programme_drafts (id, code, version, source, definition, proposed_by, proposed_at) VALUES ($1, $2, $3, $4, $5, $6, $7)`,
			id, def.Code, def.Version, def.Text(), string(raw), caller.Actor(), tx.Wall)
		if err != nil {
			return err
		}
		return tx.AddAudit(caller.Actor(), "propose_programme", versionName(def.Code, def.Version), "done", "")
	})
}

// versionName is how the audit names a version.
func versionName(code string, version int) string { return code + "/" + strconv.Itoa(version) }

// draftRow is the row of a draft, locked.
type draftRow struct {
	ID         string `db:"id"`
	Code       string `db:"code"`
	Version    int    `db:"version"`
	Source     string `db:"source"`
	Definition string `db:"definition"`
	State      string `db:"state"`
	ProposedBy string `db:"proposed_by"`
}

func (tx *Tx) lockDraft(code string, version int, id string) (draftRow, error) {
	var d draftRow
	err := tx.get(&d, `SELECT id, code, version, source, definition, state, proposed_by FROM programme_drafts
		WHERE id = $1 AND code = $2 AND version = $3 FOR UPDATE`, id, code, version)
	if notFound(err) {
		err = aid.Refuse(aid.NotFound, "draft_not_found")
	}
	return d, err
}

// PublishDraft makes a draft a version: by another administrator than the one
// who proposed it, and by the id of the draft, so that nobody publishes a text
// that was put in place of the one reviewed. A draft that is published stays as
// it is, whoever asks again.
//
// Errors: Forbidden wrong_role, second_administrator; NotFound draft_not_found;
// Conflict draft_withdrawn; Invalid with the faults of the definition, or of
// ProposalFaults, as they are today.
func (s *Store) PublishDraft(ctx context.Context, caller *Caller, code string, version int, id string) error {
	return s.decideDraft(ctx, caller, code, version, id, func(tx *Tx, d draftRow) error {
		switch {
		case d.State == "published":
			return nil
		case d.State == VersionWithdrawn:
			return aid.Refuse(aid.Conflict, "draft_withdrawn")
		case d.ProposedBy == caller.Actor():
			return aid.Refuse(aid.Forbidden, "second_administrator")
		}
		def, err := programme.Parse([]byte(d.Definition))
		if err != nil {
			return err
		}
		faults, _, err := tx.proposalFaults(def)
		if err != nil {
			return err
		}
		if err := aid.RefuseAll(faults); err != nil {
			return err
		}
		return tx.publishDraft(d, caller)
	})
}

func (tx *Tx) publishDraft(d draftRow, caller *Caller) error {
	if err := tx.one(`UPDATE programme_drafts SET state = 'published', decided_by = $2, decided_at = $3 WHERE id = $1`, d.ID, caller.Actor(), tx.Wall); err != nil {
		return err
	}
	err := tx.one(`INSERT INTO programmes (code, version, definition, source, published_at, draft_id) VALUES ($1, $2, $3, $4, $5, $6)`,
		d.Code, d.Version, d.Definition, d.Source, tx.Wall, d.ID)
	if err != nil {
		return err
	}
	return tx.AddAudit(caller.Actor(), "publish_programme", versionName(d.Code, d.Version), "done", "")
}

// WithdrawProposal ends a draft that is not to be published. Withdrawing it
// again changes nothing.
//
// Errors: Forbidden wrong_role; NotFound draft_not_found; Conflict
// version_published.
func (s *Store) WithdrawProposal(ctx context.Context, caller *Caller, code string, version int, id string) error {
	return s.decideDraft(ctx, caller, code, version, id, func(tx *Tx, d draftRow) error {
		switch d.State {
		case "published":
			return aid.Refuse(aid.Conflict, "version_published")
		case VersionWithdrawn:
			return nil
		}
		if err := tx.one(`UPDATE programme_drafts SET state = 'withdrawn', decided_by = $2, decided_at = $3 WHERE id = $1`, d.ID, caller.Actor(), tx.Wall); err != nil {
			return err
		}
		return tx.AddAudit(caller.Actor(), "withdraw_programme", versionName(d.Code, d.Version), "done", "")
	})
}

// decideDraft locks a draft and lets fn decide it.
func (s *Store) decideDraft(ctx context.Context, caller *Caller, code string, version int, id string, fn func(*Tx, draftRow) error) error {
	if !caller.Has(aid.RoleAdmin, "") {
		return aid.Refuse(aid.Forbidden, "wrong_role")
	}
	return s.Write(ctx, func(tx *Tx) error {
		d, err := tx.lockDraft(code, version, id)
		if err != nil {
			return err
		}
		return fn(tx, d)
	})
}

// Recall keeps an administrator's wish that no new case is pinned to a
// version; the wish of a second one recalls it. Cases that are pinned to it go
// on. It tells whether the version is recalled now. Wishing again changes
// nothing.
//
// Errors: Forbidden wrong_role; NotFound version_not_found.
func (s *Store) Recall(ctx context.Context, caller *Caller, code string, version int, reason string) (recalled bool, err error) {
	if !caller.Has(aid.RoleAdmin, "") {
		return false, aid.Refuse(aid.Forbidden, "wrong_role")
	}
	err = s.Write(ctx, func(tx *Tx) error {
		err := tx.get(&recalled, `SELECT closed_at IS NOT NULL FROM programmes WHERE code = $1 AND version = $2 FOR NO KEY UPDATE`, code, version)
		if notFound(err) {
			return aid.Refuse(aid.NotFound, "version_not_found")
		}
		if err != nil || recalled {
			return err
		}
		n, err := tx.exec(`INSERT INTO programme_recalls (code, version, actor, reason, at) VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING`,
			code, version, caller.Actor(), reason, tx.Wall)
		if err != nil || n == 0 {
			return err
		}
		done, err := tx.exec(`UPDATE programmes SET closed_at = $3 WHERE code = $1 AND version = $2
			AND (SELECT count(*) FROM programme_recalls WHERE code = $1 AND version = $2) > 1`, code, version, tx.Wall)
		recalled = done > 0
		if err != nil {
			return err
		}
		return tx.AddAudit(caller.Actor(), "recall_programme", versionName(code, version), "done", "")
	})
	return recalled, err
}
