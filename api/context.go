package api

import (
	"context"

	"github.com/gin-gonic/gin"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/internal/postgres"
)

// What the middlewares leave in a request for those after them.
const (
	ctxRequestID = "aidflow.request_id"
	ctxOperation = "aidflow.operation"
	ctxCaller    = "aidflow.caller"
	ctxBody      = "aidflow.body"      // []byte, as the handler gets it
	ctxFaults    = "aidflow.faults"    // []aid.Fault that the handler is to join
	ctxImport    = "aidflow.import"    // *importBody
	ctxStatement = "aidflow.statement" // *postgres.NewStatement
	ctxUpload    = "aidflow.upload"    // *upload
	ctxResource  = "aidflow.resource"  // id for what the request creates
)

const (
	headerKey     = "Idempotency-Key"
	headerIfMatch = "If-Match"
)

func requestID(c *gin.Context) string { return c.GetString(ctxRequestID) }

func operationOf(c *gin.Context) *Operation {
	op, _ := c.Value(ctxOperation).(*Operation)
	return op
}

func operationID(c *gin.Context) string {
	if op := operationOf(c); op != nil {
		return op.ID
	}
	return ""
}

// callerOf gives who asks. The authoriser has set it on every operation that
// is not public.
func callerOf(ctx context.Context) *postgres.Caller {
	caller, _ := ctx.Value(ctxCaller).(*postgres.Caller)
	return caller
}

func faultsOf(ctx context.Context) []aid.Fault {
	faults, _ := ctx.Value(ctxFaults).([]aid.Fault)
	return faults
}

// resourceID gives the id for what the request creates. Copies of the request
// under one Idempotency-Key get the same id, so that none creates twice.
func resourceID(ctx context.Context, prefix aid.Prefix) string {
	raw, _ := ctx.Value(ctxResource).(string)
	if raw == "" {
		return postgres.NewID(prefix)
	}
	return string(prefix) + raw
}

// accepts gives the caller's Accept-Language.
func accepts(ctx context.Context) string {
	if c, ok := ctx.(*gin.Context); ok {
		return c.GetHeader("Accept-Language")
	}
	return ""
}
