package activities

import (
	"context"
	"encoding/json"
	"slices"

	"go.temporal.io/sdk/temporal"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/internal/postgres"
	"github.com/aidflow/aidflow/registers"
)

// AskRegister asks one external register about a case's applicant, compares
// its answer in memory and records codes. Who has no id number cannot be asked
// about: that is recorded and passes, because it is a stated path. What is
// known already, from an earlier try or from a person, is not asked again.
//
// Errors: register_away (the code says why), for the retry policy; that of a
// fault of the moment.
func (a *Activities) AskRegister(ctx context.Context, in aid.RegisterRequest) (bool, error) {
	person, ask, err := a.question(ctx, in)
	if err != nil || !ask {
		return err == nil, retryDecision(err)
	}
	found := postgres.Finding{Passed: true, Codes: []string{"no_id_number"}}
	if person.NationalID != "" {
		answer, err := a.answer(ctx, in.Register, person)
		if err != nil {
			return false, temporal.NewApplicationError(registers.CodeOf(err), "register_away")
		}
		found = postgres.Finding{Passed: answer.Result == registers.Match, Codes: answer.Codes()}
	}
	err = a.Store.Write(ctx, func(tx *postgres.Tx) error {
		c, err := tx.LockCase(in.Case)
		if err != nil {
			return err
		}
		_, err = tx.SaveExternalCheck(c, in.Register, postgres.System, found)
		return err
	})
	return err == nil, retryDecision(err)
}

func (a *Activities) answer(ctx context.Context, name string, person registers.Person) (registers.Answer, error) {
	register, ok := a.Registers[name]
	if !ok {
		return registers.Answer{}, &registers.Error{Code: registers.CodeNotConfigured}
	}
	return registers.Ask(ctx, register, person)
}

// question gives whom to ask about; false when the answer is known, or when
// the case has ended. No transaction is open while a register thinks.
func (a *Activities) question(ctx context.Context, in aid.RegisterRequest) (person registers.Person, ask bool, err error) {
	err = a.Store.Write(ctx, func(tx *postgres.Tx) error {
		c, err := tx.LockCase(in.Case)
		if err != nil {
			return err
		}
		open, err := tx.RegistersToAsk(c)
		if err != nil {
			return err
		}
		if ask = c.Status.Open() && slices.Contains(open, in.Register); !ask {
			return nil
		}
		p, err := tx.Applicant(c)
		person = registers.Person{NationalID: p.NationalID, FullName: p.FullName, BirthDate: p.BirthDate, Sex: p.Sex}
		return err
	})
	return person, ask, err
}

// awaitRegisters tells which external registers are to be asked before the
// verification is opened. In place of one that is away a verifier may record
// the check by hand; meanwhile the register is awaited, not the office.
func awaitRegisters(tx *postgres.Tx, c *postgres.Case, in aid.OpenRequest) ([]string, error) {
	if c.Status != aid.Submitted {
		return nil, nil
	}
	ask, err := tx.RegistersToAsk(c)
	if err != nil || len(ask) == 0 {
		return nil, err
	}
	for _, name := range in.Away {
		if !slices.Contains(ask, name) {
			continue // a person has recorded it meanwhile
		}
		_, err := tx.OpenOfficeTask(c, postgres.NewTask{Kind: aid.RecordCheck, Workflow: in.Workflow, Subject: name, Owner: aid.OwnerRegister,
			Rule: map[string]string{"because": "register_away", "register": name}})
		if err != nil {
			return nil, err
		}
	}
	return ask, awaitRegister(tx, c)
}

// awaitRegister makes the register what the case waits for, together with the
// task of whoever may answer in its place.
func awaitRegister(tx *postgres.Tx, c *postgres.Case) error {
	open, err := tx.OpenTasks(c, aid.RecordCheck)
	if err != nil {
		return err
	}
	if open > 0 {
		return tx.WaitForOpenTask(c, aid.OwnerRegister)
	}
	return tx.BeginWait(c.ID, postgres.Wait{Stage: c.Stage, Owner: aid.OwnerRegister})
}

// RecordCheck applies what a verifier has found out in place of a register
// that is away: on what it rests stays sealed with the decision.
func (a *Activities) RecordCheck(ctx context.Context, in aid.DecisionRequest) (aid.Outcome, error) {
	return a.step(ctx, in.Step, "record_check", func(tx *postgres.Tx, c *postgres.Case) (aid.Outcome, error) {
		t, _, err := tx.ApplyDecision(c, in.Decision)
		if err != nil {
			return aid.Outcome{}, err
		}
		found, err := byHand(tx, in.Decision)
		if err != nil {
			return aid.Outcome{}, err
		}
		first, err := tx.SaveExternalCheck(c, t.Subject, in.Decision.Actor, found)
		if err != nil {
			return aid.Outcome{}, err
		}
		if !first {
			return aid.Outcome{}, aid.Refuse(aid.Conflict, "task_closed")
		}
		if err := tx.CloseTask(t, "recorded"); err != nil {
			return aid.Outcome{}, err
		}
		ask, err := tx.RegistersToAsk(c)
		if err != nil {
			return aid.Outcome{}, err
		}
		return aid.Outcome{Result: "recorded", Ask: ask}, awaitRegister(tx, c)
	})
}

// byHand reads what a person recorded.
//
// Errors: Invalid result_required.
func byHand(tx *postgres.Tx, d aid.Decision) (postgres.Finding, error) {
	content, err := tx.Content(d.ID)
	if err != nil {
		return postgres.Finding{}, err
	}
	var data struct {
		Result registers.Result `json:"result"`
		Fields []string         `json:"fields"`
	}
	if json.Unmarshal(content.Data, &data) != nil || !slices.Contains(registers.Results(), data.Result) {
		return postgres.Finding{}, aid.Refuse(aid.Invalid, "result_required")
	}
	codes := append(registers.Answer{Result: data.Result, Fields: data.Fields}.Codes(), "recorded_by_hand")
	return postgres.Finding{Passed: data.Result == registers.Match, Codes: codes, Detail: map[string]any{"decision": d.ID}}, nil
}
