package postgres

import (
	"context"
	"errors"
	"time"

	"github.com/lib/pq"

	"github.com/aidflow/aidflow/aid"
)

// Comment is what a member of the staff noted at a task.
type Comment struct {
	ID     string    `db:"id"`
	TaskID string    `db:"task_id"`
	Author string    `db:"author"`
	At     time.Time `db:"written_at"`
	Sealed []byte    `db:"sealed"`
	Text   string    `db:"-"` // "" where masked
	Masked bool      `db:"-"` // the reader sees no personal data
}

// Cursor gives the row's place in its list.
func (c Comment) Cursor() Cursor { return atCursor(c.At, c.ID) }

// Question is what somebody who decides a task asked a colleague, with the
// answer once there is one.
type Question struct {
	ID         string     `db:"id"`
	TaskID     string     `db:"task_id"`
	Advice     string     `db:"advice_id"` // the task by which the colleague answers
	By         string     `db:"asked_by"`
	Of         string     `db:"asked_of"`
	At         time.Time  `db:"asked_at"`
	Sealed     []byte     `db:"sealed"`
	Decision   *string    `db:"decision"` // that answered
	AnsweredAt *time.Time `db:"answered_at"`
	State      string     `db:"state"` // of the advice
	Text       string     `db:"-"`
	Answer     string     `db:"-"`
	Masked     bool       `db:"-"`
}

// Cursor gives the row's place in its list.
func (q Question) Cursor() Cursor { return atCursor(q.At, q.ID) }

// sealedTalk is what is kept of a question or comment.
type sealedTalk struct {
	Text string `json:"text"`
}

// AddComment notes something at a task, for everybody who sees it. A comment
// of the same id is written once.
//
// Errors: NotFound task_not_found.
func (s *Store) AddComment(ctx context.Context, caller *Caller, task, id, text string) (*Comment, error) {
	row, err := s.Task(ctx, caller, task)
	if err != nil {
		return nil, err
	}
	out := &Comment{ID: id, TaskID: row.ID, Author: caller.Actor(), Text: text}
	err = s.Write(ctx, func(tx *Tx) error {
		c, err := tx.LockCase(row.CaseID)
		if err != nil {
			return err
		}
		sealed, err := tx.seal("comments", "sealed", id, sealedTalk{text})
		if err != nil {
			return err
		}
		out.At = tx.Now
		n, err := tx.exec(`INSERT INTO comments (id, case_id, task_id, author, sealed, written_at) VALUES ($1, $2, $3, $4, $5, $6)
			ON CONFLICT (id) DO NOTHING`, id, c.ID, row.ID, caller.Actor(), sealed, tx.Now)
		if err != nil || n == 0 {
			return errors.Join(err, tx.get(&out.At, `SELECT written_at FROM comments WHERE id = $1`, id))
		}
		return tx.AddEvent(c, Event{Kind: "task.comment", Actor: caller.Actor(), Task: row.ID, Data: map[string]any{"comment": id}})
	})
	return out, err
}

// AskColleague asks a colleague about a task that the caller may decide now.
// The task stays open, and its clock runs on; the colleague answers by a task
// of kind advise, which takes no duty. A question of the same id is asked once.
//
// Errors: NotFound task_not_found; what refuses the caller's own decision on
// the task (see ClaimTask); Invalid with the faults ask_oneself,
// unknown_colleague, colleague_not_of_area, colleague_related at /to.
func (s *Store) AskColleague(ctx context.Context, caller *Caller, task, id, to, text string) (*Question, error) {
	row, err := s.Task(ctx, caller, task)
	if err != nil {
		return nil, err
	}
	if err := row.refusal(caller); err != nil {
		return nil, err
	}
	err = s.Write(ctx, func(tx *Tx) error {
		c, err := tx.LockCase(row.CaseID)
		if err != nil {
			return err
		}
		t, err := tx.LockTask(c, row.ID)
		if err != nil {
			return err
		}
		if err := tx.mayBeAsked(c, t, caller.Actor(), to); err != nil {
			return err
		}
		return tx.ask(c, t, caller.Actor(), id, to, text)
	})
	if err != nil {
		return nil, err
	}
	return s.question(ctx, id)
}

// mayBeAsked looks whether a person works in the task's area with a role that
// shows cases.
func (tx *Tx) mayBeAsked(c *Case, t *Task, by, to string) error {
	var person struct {
		Known bool `db:"known"`
		Here  bool `db:"here"`
		Kin   bool `db:"kin"`
	}
	rule, _ := aid.RuleOf(aid.Advise)
	err := tx.get(&person, `
		WITH RECURSIVE up AS (
			SELECT code, parent FROM areas WHERE code = $1
			UNION ALL SELECT a.code, a.parent FROM areas a JOIN up ON a.code = up.parent)
		SELECT EXISTS (SELECT 1 FROM staff WHERE subject = $2 AND disabled_at IS NULL) AS known,
		       EXISTS (SELECT 1 FROM staff_roles r JOIN up ON up.code = r.area WHERE r.subject = $2 AND r.role = ANY($3)) AS here,
		       conflicted($4, $2) AS kin`, t.Area, to, pq.Array(rule.Roles), c.ID)
	code := ""
	switch {
	case err != nil:
		return err
	case to == by:
		code = "ask_oneself"
	case !person.Known:
		code = "unknown_colleague"
	case !person.Here:
		code = "colleague_not_of_area"
	case person.Kin:
		code = "colleague_related"
	default:
		return nil
	}
	return aid.RefuseAll([]aid.Fault{{Pointer: "/to", Code: code}})
}

// ask opens the advice beside the task that the case waits for.
func (tx *Tx) ask(c *Case, t *Task, by, id, to, text string) error {
	var there bool
	if err := tx.get(&there, `SELECT EXISTS (SELECT 1 FROM questions WHERE id = $1)`, id); err != nil || there {
		return err
	}
	advice, err := tx.OpenTask(c, NewTask{Kind: aid.Advise, Subject: t.ID, Area: t.Area, Aside: true,
		Rule: map[string]any{"because": "question", "question": id, "by": by}})
	if err != nil {
		return err
	}
	err = tx.one(`UPDATE tasks SET state = 'claimed', assignee = $2, claimed_at = $3 WHERE id = $1`, advice, to, tx.Now)
	if err != nil {
		return err
	}
	sealed, err := tx.seal("questions", "sealed", id, sealedTalk{text})
	if err != nil {
		return err
	}
	err = tx.one(`INSERT INTO questions (id, case_id, task_id, advice_id, asked_by, asked_of, sealed, asked_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
		id, c.ID, t.ID, advice, by, to, sealed, tx.Now)
	if err != nil {
		return err
	}
	return tx.AddEvent(c, Event{Kind: "task.question", Actor: by, Task: advice, Data: map[string]any{"question": id, "of": to, "about": t.ID}})
}

// advised takes a colleague's answer: what the task shows that it is about has
// changed, so that nobody decides it who has not seen the answer.
func (tx *Tx) advised(c *Case, t *Task, d aid.Decision) error {
	if err := tx.CloseTask(t, "completed"); err != nil {
		return err
	}
	if err := tx.TouchTask(t.Subject); err != nil {
		return err
	}
	return tx.AddEvent(c, Event{Kind: "task.advice", Actor: d.Actor, Task: t.Subject, Data: map[string]any{"decision": d.ID}})
}

// withdrawQuestion ends a question whose colleague has left, or may not answer
// it any more: nobody else was asked. Whoever asked sees it as void.
func (tx *Tx) withdrawQuestion(c *Case, t *Task) error {
	e := Event{Kind: "task.released", Actor: System, Data: map[string]any{"assignee": *t.Assignee}}
	t.State, t.ClosedAt = "void", &tx.Now
	if err := tx.one(`UPDATE tasks SET state = 'void', closed_at = $2, attend_at = NULL, version = version + 1 WHERE id = $1 AND closed_at IS NULL`, t.ID, tx.Now); err != nil {
		return err
	}
	return tx.aboutTask(c, t, e)
}

// onlyTheAsked refuses advice of anybody but who was asked.
//
// Errors: Forbidden not_asked.
func (tx *Tx) onlyTheAsked(t *Task, actor string) error {
	if t.Kind != aid.Advise {
		return nil
	}
	var asked bool
	err := tx.get(&asked, `SELECT EXISTS (SELECT 1 FROM questions WHERE advice_id = $1 AND asked_of = $2)`, t.ID, actor)
	if err == nil && !asked {
		return aid.Refuse(aid.Forbidden, "not_asked")
	}
	return err
}

const questionColumns = `q.id, q.task_id, q.advice_id, q.asked_by, q.asked_of, q.asked_at, q.sealed, t.state, d.id AS decision, d.decided_at AS answered_at`

const questionFrom = ` FROM questions q JOIN tasks t ON t.id = q.advice_id LEFT JOIN decisions d ON d.task_id = t.id AND d.state = 'applied'`

func (s *Store) question(ctx context.Context, id string) (*Question, error) {
	var q Question
	if err := s.get(ctx, &q, `SELECT `+questionColumns+questionFrom+` WHERE q.id = $1`, id); err != nil {
		return nil, err
	}
	return &q, s.Write(ctx, func(tx *Tx) error { return tx.openQuestion(&q) })
}

func (tx *Tx) openQuestion(q *Question) error {
	var in sealedTalk
	if err := tx.open("questions", "sealed", q.ID, q.Sealed, &in); err != nil {
		return err
	}
	q.Text = in.Text
	if q.Decision == nil {
		return nil
	}
	content, err := tx.Content(*q.Decision)
	q.Answer = content.Note
	return err
}

// Questions lists what was asked about a task, or by the advice of that id,
// oldest first, and writes the look into the audit. Who sees no personal data
// sees who asked whom, and not what.
//
// Errors: NotFound task_not_found; Invalid invalid_cursor.
func (s *Store) Questions(ctx context.Context, caller *Caller, task string, p Page) ([]Question, error) {
	row, at, err := s.talkAt(ctx, caller, task, p)
	if err != nil {
		return nil, err
	}
	plain := caller.seesPersonal(row.Area, row.Programme)
	var rows []Question
	err = s.Write(ctx, func(tx *Tx) error {
		rows = []Question{}
		err := tx.list(&rows, `SELECT `+questionColumns+questionFrom+` WHERE (q.task_id = $1 OR q.advice_id = $1)
			AND ($2::timestamptz IS NULL OR (q.asked_at, q.id) > ($2, $3)) ORDER BY q.asked_at, q.id LIMIT $4`, row.ID, at, p.After.ID, p.limit())
		if err != nil || len(rows) == 0 {
			return err
		}
		for i := range rows {
			if rows[i].Masked = !plain; plain {
				if err := tx.openQuestion(&rows[i]); err != nil {
					return err
				}
			}
		}
		return tx.auditTalk(caller, row, plain)
	})
	return rows, err
}

// Comments lists what was noted at a task, oldest first, and writes the look
// into the audit. Who sees no personal data sees who wrote, and not what.
//
// Errors: NotFound task_not_found; Invalid invalid_cursor.
func (s *Store) Comments(ctx context.Context, caller *Caller, task string, p Page) ([]Comment, error) {
	row, at, err := s.talkAt(ctx, caller, task, p)
	if err != nil {
		return nil, err
	}
	plain := caller.seesPersonal(row.Area, row.Programme)
	var rows []Comment
	err = s.Write(ctx, func(tx *Tx) error {
		rows = []Comment{}
		err := tx.list(&rows, `SELECT id, task_id, author, written_at, sealed FROM comments WHERE task_id = $1
			AND ($2::timestamptz IS NULL OR (written_at, id) > ($2, $3)) ORDER BY written_at, id LIMIT $4`, row.ID, at, p.After.ID, p.limit())
		if err != nil || len(rows) == 0 {
			return err
		}
		for i := range rows {
			if rows[i].Masked = !plain; plain {
				var in sealedTalk
				if err := tx.open("comments", "sealed", rows[i].ID, rows[i].Sealed, &in); err != nil {
					return err
				}
				rows[i].Text = in.Text
			}
		}
		return tx.auditTalk(caller, row, plain)
	})
	return rows, err
}

func (s *Store) talkAt(ctx context.Context, caller *Caller, task string, p Page) (*TaskRow, *time.Time, error) {
	row, err := s.Task(ctx, caller, task)
	if err != nil {
		return nil, nil, err
	}
	at, err := p.instant()
	return row, at, err
}

func (tx *Tx) auditTalk(caller *Caller, row *TaskRow, plain bool) error {
	action := "read_masked"
	if plain {
		action = "read_personal"
	}
	return tx.AddAudit(caller.Actor(), action, row.CaseID, "done", "")
}
