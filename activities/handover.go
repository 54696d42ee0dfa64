package activities

import "context"

// HandOver starts the next workflow of a case, which the transition before has
// written down. It is no error when it runs already; when it cannot be started
// the sweep will do it.
func (a *Activities) HandOver(ctx context.Context, id string) error {
	w, err := a.Store.Workflow(ctx, id)
	if err != nil {
		return retryDecision(err)
	}
	if err := a.Start(ctx, w); err != nil {
		return retryDecision(err)
	}
	return retryDecision(a.Store.MarkStarted(ctx, id))
}
