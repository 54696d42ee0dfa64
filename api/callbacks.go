package api

import (
	"context"

	"github.com/gin-gonic/gin"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/rails/simulator"
)

// RailCallback hears a rail. What it says is a hint: the disbursement asks the
// rail itself. A payment that is not known here is heard all the same, so that
// nobody learns what is.
func (h *handlers) RailCallback(ctx context.Context, r RailCallbackRequestObject) (RailCallbackResponseObject, error) {
	if r.Rail != simulator.RailName || h.cfg.SimulatorSecret == "" {
		return nil, aid.Refuse(aid.NotFound, "no_such_rail")
	}
	c, ok := ctx.(*gin.Context)
	if !ok {
		return nil, aid.Refuse(aid.Unauthorized, "callback_forged")
	}
	body, _ := c.Value(ctxBody).([]byte)
	hint, err := simulator.ParseCallback(h.cfg.SimulatorSecret, c.Request.Header, body, h.store.Now())
	if err != nil {
		return nil, err
	}
	workflow, err := h.store.RecordCallback(ctx, r.Rail, hint.ID, hint.Key, string(hint.State))
	switch {
	case aid.KindOf(err) == aid.NotFound:
		return RailCallback202Response{}, nil
	case err != nil:
		return nil, err
	case workflow == "":
		return RailCallback202Response{}, nil
	}
	if err := h.process.Hint(ctx, workflow); err != nil {
		h.log.Warn("hint not delivered; the rail is asked anyway", "workflow", workflow, "error", err.Error())
	}
	return RailCallback202Response{}, nil
}
