package api

import (
	"bytes"
	"context"
	"encoding/json"
	"strconv"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/aid/programme"
)

const simulatedCases = 200 // when a request names no limit

// SimulateProgramme tries a version on past cases or on sample facts.
func (h *handlers) SimulateProgramme(ctx context.Context, r SimulateProgrammeRequestObject) (SimulateProgrammeResponseObject, error) {
	newer, err := h.simulated(ctx, r)
	if err != nil {
		return nil, err
	}
	s := simulation{lang: accepts(ctx), problems: h.problems, newer: newer, out: SimulationResult{Programme: r.Code, Version: newer.Version,
		Currency: newer.Currency, Cases: []SimulatedCase{}}}
	if len(r.Body.Samples) > 0 {
		err = h.onSamples(ctx, &s, r)
	} else {
		err = h.onCases(ctx, &s, r)
	}
	if err != nil {
		return nil, err
	}
	t := s.totals
	s.out.Totals = SimulationTotals{LookedAt: t.LookedAt, Changed: t.Changed, Decisions: t.Decisions, Amounts: t.Amounts, Levels: t.Levels,
		Unfit: t.Unfit, AmountBefore: t.Before, AmountAfter: t.After}
	return SimulateProgramme200JSONResponse(s.out), nil
}

// simulated gives the definition that is to be tried.
func (h *handlers) simulated(ctx context.Context, r SimulateProgrammeRequestObject) (*programme.Definition, error) {
	if (r.Body.Definition == "") == (r.Body.Version == 0) {
		return nil, aid.RefuseAll([]aid.Fault{{Pointer: "/definition", Code: "one_of_two"}})
	}
	if r.Body.Definition == "" {
		row, err := h.store.ProgrammeVersion(ctx, r.Code, r.Body.Version)
		if err == nil && row.Definition == nil {
			err = aid.Refuse(aid.NotFound, "version_not_found")
		}
		return row.Definition, err
	}
	def, err := definitionOf(r.Body.Definition)
	if err == nil && def.Code != r.Code {
		err = aid.RefuseAll([]aid.Fault{{Pointer: "/definition/code", Code: "not_allowed", Params: map[string]string{"values": r.Code}}})
	}
	return def, err
}

// simulation collects what would differ.
type simulation struct {
	lang     string
	problems *problems
	newer    *programme.Definition
	totals   programme.Totals
	out      SimulationResult
}

func (s *simulation) try(older *programme.Definition, facts programme.Facts, of SimulatedCase) {
	t := programme.Try(older, s.newer, facts)
	s.totals.Add(t)
	if len(t.Differs) == 0 && t.After.Decision != programme.RulingUnfit && t.Before.Decision != programme.RulingUnfit {
		return
	}
	of.Before, of.After = s.ruling(t.Before), s.ruling(t.After)
	of.Differs, of.Why = append([]string{}, t.Differs...), append([]string{}, t.Why...)
	s.out.Cases = append(s.out.Cases, of)
}

func (s *simulation) ruling(r programme.Ruling) Ruling {
	return Ruling{Version: r.Version, Decision: r.Decision, Failed: append([]string{}, r.Failed...), Amount: r.Amount,
		Because: append([]string{}, r.Because...), Levels: append([]string{}, r.Levels...),
		Unfit: each(r.Unfit, func(f aid.Fault) Fault { return s.problems.fault(s.lang, f) })}
}

// onCases tries a page of past cases, each beside the version that judged it.
func (h *handlers) onCases(ctx context.Context, s *simulation, r SimulateProgrammeRequestObject) error {
	limit := r.Body.Limit
	if limit == 0 {
		limit = simulatedCases
	}
	p, err := page("simulation", limit, r.Body.Cursor)
	if err != nil {
		return err
	}
	past, err := h.store.PastFacts(ctx, callerOf(ctx), r.Code, p)
	if err != nil {
		return err
	}
	past, s.out.NextCursor = cut("simulation", p, past)
	s.out.HasMore = s.out.NextCursor != ""
	for _, one := range past {
		older, err := h.store.Definition(ctx, r.Code, one.Version)
		if err != nil {
			return err
		}
		s.try(older, one.Facts, SimulatedCase{Case: one.CaseID, Reference: one.Reference})
	}
	return nil
}

// onSamples tries the given facts beside the version in force. The first
// version of a programme is tried beside itself.
func (h *handlers) onSamples(ctx context.Context, s *simulation, r SimulateProgrammeRequestObject) error {
	older := s.newer
	row, err := h.store.Programme(ctx, r.Code)
	switch {
	case err == nil:
		older = row.Definition
	case aid.KindOf(err) != aid.NotFound:
		return err
	}
	var faults []aid.Fault
	for i, sample := range r.Body.Samples {
		facts, err := factsOf(sample.Facts)
		if err != nil {
			faults = append(faults, aid.Fault{Pointer: "/samples/" + strconv.Itoa(i) + "/facts", Code: "unknown_facts"})
			continue
		}
		s.try(older, facts, SimulatedCase{Name: sample.Name})
	}
	return aid.RefuseAll(faults)
}

// factsOf reads facts strictly: what no rule knows is a mistake.
func factsOf(in map[string]any) (facts programme.Facts, err error) {
	raw, err := json.Marshal(in)
	if err != nil {
		return facts, err
	}
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.DisallowUnknownFields()
	return facts, decoder.Decode(&facts)
}
