package api

import (
	"context"
	"errors"
	"maps"
	"strconv"

	"github.com/gin-gonic/gin"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/aid/programme"
	"github.com/aidflow/aidflow/internal/postgres"
)

// definitionOf reads the text of a definition out of a request: every fault
// names its place below the member that carries the text, and its line.
//
// Errors: Invalid programme_invalid.
func definitionOf(text string) (*programme.Definition, error) {
	def, err := programme.Parse([]byte(text))
	return def, within(text, err)
}

// within moves the faults of a definition to the member that carries its text.
func within(text string, err error) error {
	var refusal *aid.Error
	if !errors.As(err, &refusal) || len(refusal.Faults) == 0 {
		return err
	}
	moved := *refusal
	moved.Faults = placed(text, refusal.Faults)
	return &moved
}

func placed(text string, faults []aid.Fault) []aid.Fault {
	line := programme.Lines(text)
	return each(faults, func(f aid.Fault) aid.Fault {
		params := maps.Clone(f.Params)
		if params == nil {
			params = map[string]string{}
		}
		if params["line"] == "" {
			params["line"] = strconv.Itoa(line(f.Pointer))
		}
		return aid.Fault{Pointer: "/definition" + f.Pointer, Code: f.Code, Params: params}
	})
}

// ProposeProgramme stores a definition as a draft.
func (h *handlers) ProposeProgramme(ctx context.Context, r ProposeProgrammeRequestObject) (ProposeProgrammeResponseObject, error) {
	def, err := definitionOf(r.Body.Definition)
	if err != nil {
		return nil, err
	}
	if err := h.store.Propose(ctx, callerOf(ctx), resourceID(ctx, aid.DraftID), def); err != nil {
		return nil, within(def.Text(), err)
	}
	body, err := h.version(ctx, def.Code, def.Version)
	if err != nil {
		return nil, err
	}
	return ProposeProgramme201JSONResponse{Body: body, Headers: ProposeProgramme201ResponseHeaders{
		Location: location("programmes", def.Code) + "/versions/" + strconv.Itoa(def.Version)}}, nil
}

// ListProgrammeVersions gives every version of a programme, without texts.
func (h *handlers) ListProgrammeVersions(ctx context.Context, r ListProgrammeVersionsRequestObject) (ListProgrammeVersionsResponseObject, error) {
	rows, err := h.store.ProgrammeVersions(ctx, r.Code)
	if err != nil {
		return nil, err
	}
	return ListProgrammeVersions200JSONResponse{Data: each(rows, versionRow)}, nil
}

// GetProgrammeVersion gives one version with its text.
func (h *handlers) GetProgrammeVersion(ctx context.Context, r GetProgrammeVersionRequestObject) (GetProgrammeVersionResponseObject, error) {
	body, err := h.version(ctx, r.Code, r.Version)
	if err != nil {
		return nil, err
	}
	return GetProgrammeVersion200JSONResponse(body), nil
}

// PublishProgramme makes a draft a version.
func (h *handlers) PublishProgramme(ctx context.Context, r PublishProgrammeRequestObject) (PublishProgrammeResponseObject, error) {
	caller := callerOf(ctx)
	if err := h.store.PublishDraft(ctx, caller, r.Code, r.Version, r.Body.Draft); err != nil {
		return nil, h.notPublished(ctx, caller, r, err)
	}
	body, err := h.version(ctx, r.Code, r.Version)
	if err != nil {
		return nil, err
	}
	return PublishProgramme200JSONResponse{Body: body}, nil
}

// notPublished names the places of what keeps a draft from being published
// today, and records that its proposer tried to publish it alone.
func (h *handlers) notPublished(ctx context.Context, caller *postgres.Caller, r PublishProgrammeRequestObject, refusal error) error {
	if c, ok := ctx.(*gin.Context); ok && aid.KindOf(refusal) == aid.Forbidden {
		h.refused(c, caller, "publish_programme", r.Code+"/"+strconv.Itoa(r.Version), aid.CodeOf(refusal))
	}
	row, err := h.store.ProgrammeVersion(ctx, r.Code, r.Version)
	if err != nil {
		return refusal
	}
	return within(row.Source, refusal)
}

// WithdrawProgramme ends a draft.
func (h *handlers) WithdrawProgramme(ctx context.Context, r WithdrawProgrammeRequestObject) (WithdrawProgrammeResponseObject, error) {
	if err := h.store.WithdrawProposal(ctx, callerOf(ctx), r.Code, r.Version, r.Body.Draft); err != nil {
		return nil, err
	}
	body, err := h.version(ctx, r.Code, r.Version)
	if err != nil {
		return nil, err
	}
	return WithdrawProgramme200JSONResponse{Body: body}, nil
}

// RecallProgramme keeps an administrator's wish to recall a version; the
// second one recalls it.
func (h *handlers) RecallProgramme(ctx context.Context, r RecallProgrammeRequestObject) (RecallProgrammeResponseObject, error) {
	if _, err := h.store.Recall(ctx, callerOf(ctx), r.Code, r.Version, r.Body.Reason); err != nil {
		return nil, err
	}
	body, err := h.version(ctx, r.Code, r.Version)
	if err != nil {
		return nil, err
	}
	return RecallProgramme200JSONResponse{Body: body}, nil
}

// version renders one version with its text and what differs from the version
// that was published before it; a draft that waits also with its warnings.
func (h *handlers) version(ctx context.Context, code string, number int) (ProgrammeVersion, error) {
	row, err := h.store.ProgrammeVersion(ctx, code, number)
	if err != nil {
		return ProgrammeVersion{}, err
	}
	out := versionRow(row)
	out.Definition = row.Source
	if row.Definition == nil {
		return out, nil
	}
	if out.ComparedWith, out.Changes, err = h.changes(ctx, row); err != nil || row.State != postgres.VersionProposed {
		return out, err
	}
	_, warnings, err := h.store.ProposalFaults(ctx, row.Definition)
	lang := accepts(ctx)
	out.Warnings = each(placed(row.Source, warnings), func(f aid.Fault) Fault { return h.problems.fault(lang, f) })
	return out, err
}

func (h *handlers) changes(ctx context.Context, row postgres.VersionRow) (int, []ProgrammeChange, error) {
	all, err := h.store.ProgrammeVersions(ctx, row.Code)
	if err != nil {
		return 0, nil, err
	}
	for _, v := range all {
		if v.Version < row.Version && v.PublishedAt != nil {
			changes := programme.Diff(v.Definition, row.Definition, h.problems.texts.language(accepts(ctx)))
			return v.Version, each(changes, func(c programme.Change) ProgrammeChange { return ProgrammeChange{Path: c.Path, Text: c.Text} }), nil
		}
	}
	return 0, nil, nil
}

func versionRow(v postgres.VersionRow) ProgrammeVersion {
	out := ProgrammeVersion{Code: v.Code, Version: v.Version, State: v.State, Draft: v.Draft, ProposedBy: v.ProposedBy, ProposedAt: moment(v.ProposedAt),
		PublishedBy: v.PublishedBy, PublishedAt: moment(v.PublishedAt), WithdrawnBy: v.WithdrawnBy, WithdrawnAt: moment(v.WithdrawnAt), RecalledAt: moment(v.RecalledAt),
		Recalls: each(v.Recalls, func(r postgres.RecallRow) ProgrammeRecall {
			return ProgrammeRecall{By: r.Actor, Reason: r.Reason, At: r.At.UTC()}
		})}
	if d := v.Definition; d != nil {
		out.Titles, out.EffectiveFrom, out.EffectiveTo = Titles(d.Titles), d.EffectiveFrom, d.EffectiveTo
	}
	return out
}
