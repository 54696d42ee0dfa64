package api

import (
	"context"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/internal/postgres"
)

// GetPerson gives a person with its cases.
func (h *handlers) GetPerson(ctx context.Context, r GetPersonRequestObject) (GetPersonResponseObject, error) {
	row, err := h.store.Person(ctx, callerOf(ctx), r.ID)
	if err != nil {
		return nil, err
	}
	return GetPerson200JSONResponse(PersonRecord{ID: row.ID, People: row.People, Numbers: row.Numbers, Elsewhere: row.Elsewhere,
		Different: list(row.Different), Cases: each(row.Cases, personCase), History: each(row.History, personDecision)}), nil
}

// MergePeople makes two persons one.
func (h *handlers) MergePeople(ctx context.Context, r MergePeopleRequestObject) (MergePeopleResponseObject, error) {
	made, err := h.store.MergePersons(ctx, callerOf(ctx), resourceID(ctx, aid.DecisionID), r.ID, r.Body.Into, string(r.Body.Reason))
	if err != nil {
		return nil, err
	}
	return MergePeople201JSONResponse{Body: personDecision(*made)}, nil
}

// SplitPerson gives cases of a person to another one.
func (h *handlers) SplitPerson(ctx context.Context, r SplitPersonRequestObject) (SplitPersonResponseObject, error) {
	made, err := h.store.SplitPerson(ctx, callerOf(ctx), resourceID(ctx, aid.DecisionID), r.ID, r.Body.Cases, string(r.Body.Reason))
	if err != nil {
		return nil, err
	}
	return SplitPerson201JSONResponse{Body: personDecision(*made)}, nil
}

// DifferPeople remembers that two persons are two.
func (h *handlers) DifferPeople(ctx context.Context, r DifferPeopleRequestObject) (DifferPeopleResponseObject, error) {
	made, err := h.store.DifferPersons(ctx, callerOf(ctx), resourceID(ctx, aid.DecisionID), r.ID, r.Other, string(r.Body.Reason))
	if err != nil {
		return nil, err
	}
	return DifferPeople201JSONResponse{Body: personDecision(*made)}, nil
}

func personCase(c postgres.PersonCase) PersonCase {
	return PersonCase{ID: c.ID, Reference: c.Reference, Person: c.Person, Programme: c.Programme, Area: c.Area, Status: string(c.Status),
		SubmittedAt: c.SubmittedAt.UTC(), PaidAt: moment(c.PaidAt)}
}

func personDecision(d postgres.PersonDecision) PersonDecision {
	return PersonDecision{ID: d.ID, Kind: d.Kind, Person: d.Person, Other: d.Other, Cases: list(d.Cases), Reason: d.Reason, By: d.Actor, At: d.At.UTC()}
}

// list writes no entries as an empty list.
func list(entries []string) []string {
	if entries == nil {
		return []string{}
	}
	return entries
}
