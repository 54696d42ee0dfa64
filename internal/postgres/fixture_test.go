package postgres_test

import (
	"context"
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/internal/postgres"
	"github.com/aidflow/aidflow/internal/postgres/pgtest"
)

// request is a valid request of the ith invented household of province 51.
func request(i int) postgres.CaseContent {
	head := postgres.DevelopmentHousehold(i)[0]
	given := time.Date(2026, 3, 1, 1, 0, 0, 0, time.UTC)
	return postgres.CaseContent{
		Programme: "medical", ExternalID: fmt.Sprintf("P1-%06d", i), Area: head.Area, SubmittedBy: "officer 17",
		Applicant: postgres.Applicant{FullName: head.FullName, NationalID: head.NationalID, BirthDate: head.BirthDate, Sex: head.Sex, Phone: head.Phone},
		Household: postgres.Household{Code: head.HouseholdCode, Members: []postgres.Member{{FullName: "Trần Thị Canary", Relation: "child"}}},
		Payee:     &postgres.Payee{Kind: "household", Method: "bank", BankBIN: "970416", AccountNumber: fmt.Sprintf("00510%05d", i), AccountName: "CANARY ACCOUNT"},
		Answers:   json.RawMessage(`{"facility":"Canary hospital","treatment":"surgery","admitted_on":"2026-02-01","cost":18500000,"insured":true}`),
		Consent:   postgres.Consent{Purposes: []string{"assessment", "payment"}, GivenAt: &given, Method: "signed_form"},
		Documents: []postgres.NewDocument{{Kind: "request_form", Dated: "2026-02-20", Location: "Canary cupboard"}, {Kind: "admission_paper", Dated: "2026-02-01"}},

		RequestedAmount: 6_000_000, Currency: "VND",
	}
}

// submit creates a case and fails the test when it cannot.
func submit(t testing.TB, db *pgtest.DB, partner string, content postgres.CaseContent) *postgres.CreatedCase {
	t.Helper()
	c, err := db.CreateCase(context.Background(), db.Partner(t, partner), postgres.NewID(aid.CaseID), content, false)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// change runs fn on a locked case.
func change(t testing.TB, db *pgtest.DB, id string, fn func(*postgres.Tx, *postgres.Case) error) {
	t.Helper()
	err := db.Write(context.Background(), func(tx *postgres.Tx) error {
		c, err := tx.LockCase(id)
		if err != nil {
			return err
		}
		return fn(tx, c)
	})
	if err != nil {
		t.Fatal(err)
	}
}

// openTask opens a task of a case that is verified or approved.
func openTask(t testing.TB, db *pgtest.DB, caseID string, n postgres.NewTask) string {
	t.Helper()
	var id string
	if n.Owner == "" {
		n.Owner = aid.OwnerOffice
	}
	change(t, db, caseID, func(tx *postgres.Tx, c *postgres.Case) (err error) {
		if c.Status == aid.Submitted {
			if err := tx.MoveCase(c, aid.EventOpen); err != nil {
				return err
			}
		}
		n.Workflow = c.WorkflowID
		id, err = tx.OpenTask(c, n)
		return err
	})
	return id
}

// decide records and applies a decision, as the process does.
func decide(t testing.TB, db *pgtest.DB, task string, actor *postgres.Caller, action aid.Action, data string) {
	t.Helper()
	row, err := db.Task(context.Background(), actor, task)
	if err != nil {
		t.Fatal(err)
	}
	intent := postgres.Intent{ID: postgres.NewID(aid.DecisionID), Task: task, Actor: actor.Actor(), Partner: actor.Partner(),
		TaskVersion: row.Version, Action: action, Note: "Canary note", Data: json.RawMessage(data)}
	recorded, err := db.RecordIntent(context.Background(), intent)
	if err != nil {
		t.Fatal(err)
	}
	change(t, db, row.CaseID, func(tx *postgres.Tx, c *postgres.Case) error {
		_, _, err := tx.ApplyDecision(c, recorded.Decision)
		if err == nil && row.Kind == aid.ProvideInformation {
			if err = tx.ApplyInformation(c, recorded.Decision.ID); err == nil {
				err = tx.SaveCase(c)
			}
		}
		return err
	})
}

// wantCode fails the test unless err is a refusal with the code.
func wantCode(t testing.TB, err error, code string) {
	t.Helper()
	if aid.CodeOf(err) != code {
		t.Fatalf("got %v, want %s", err, code)
	}
}

// wantFault fails the test unless err names exactly this fault.
func wantFault(t testing.TB, err error, pointer, code string) {
	t.Helper()
	e, ok := err.(*aid.Error)
	if !ok || len(e.Faults) != 1 || e.Faults[0].Pointer != pointer || e.Faults[0].Code != code {
		t.Fatalf("got %v, want %s %s", err, pointer, code)
	}
}

func must[T any](v T, err error) func(testing.TB) T {
	return func(t testing.TB) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}
