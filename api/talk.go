package api

import (
	"context"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/internal/postgres"
)

// CreateComment notes something at a task.
func (h *handlers) CreateComment(ctx context.Context, r CreateCommentRequestObject) (CreateCommentResponseObject, error) {
	row, err := h.store.AddComment(ctx, callerOf(ctx), r.ID, resourceID(ctx, aid.CommentID), r.Body.Text)
	if err != nil {
		return nil, err
	}
	return CreateComment201JSONResponse{Body: comment(*row)}, nil
}

// ListTaskComments gives a page of what was noted at a task.
func (h *handlers) ListTaskComments(ctx context.Context, r ListTaskCommentsRequestObject) (ListTaskCommentsResponseObject, error) {
	const list = "comments"
	page, err := page(list, r.Params.Limit, r.Params.Cursor)
	if err != nil {
		return nil, err
	}
	rows, err := h.store.Comments(ctx, callerOf(ctx), r.ID, page)
	if err != nil {
		return nil, err
	}
	rows, next := cut(list, page, rows)
	return ListTaskComments200JSONResponse{Data: each(rows, comment), HasMore: next != "", NextCursor: next}, nil
}

// CreateQuestion asks a colleague about a task.
func (h *handlers) CreateQuestion(ctx context.Context, r CreateQuestionRequestObject) (CreateQuestionResponseObject, error) {
	caller := callerOf(ctx)
	row, err := h.store.AskColleague(ctx, caller, r.ID, resourceID(ctx, aid.QuestionID), r.Body.To, r.Body.Text)
	if err != nil {
		return nil, h.explain(ctx, r.ID, err)
	}
	return CreateQuestion201JSONResponse{Body: question(*row)}, nil
}

// ListTaskQuestions gives a page of what colleagues were asked about a task.
func (h *handlers) ListTaskQuestions(ctx context.Context, r ListTaskQuestionsRequestObject) (ListTaskQuestionsResponseObject, error) {
	const list = "questions"
	page, err := page(list, r.Params.Limit, r.Params.Cursor)
	if err != nil {
		return nil, err
	}
	rows, err := h.store.Questions(ctx, callerOf(ctx), r.ID, page)
	if err != nil {
		return nil, err
	}
	rows, next := cut(list, page, rows)
	return ListTaskQuestions200JSONResponse{Data: each(rows, question), HasMore: next != "", NextCursor: next}, nil
}

func comment(c postgres.Comment) Comment {
	return Comment{ID: c.ID, Task: c.TaskID, By: c.Author, At: c.At.UTC(), Text: c.Text, Masked: c.Masked}
}

func question(q postgres.Question) Question {
	return Question{ID: q.ID, Task: q.TaskID, Advice: q.Advice, By: q.By, Of: q.Of, At: q.At.UTC(), Status: TaskStatus(q.State), Text: q.Text,
		Answer: q.Answer, AnsweredAt: moment(q.AnsweredAt), Masked: q.Masked}
}
