package api

import (
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/gin-gonic/gin"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/internal/postgres"
)

// authorise finds the caller and enforces x-roles. What a caller sees within
// an operation (areas, own cases) is decided by the store, row by row. A rail
// is known by its signature, which its handler checks.
func (s *Server) authorise(c *gin.Context) {
	op := operationOf(c)
	if op == nil || op.Public() || slices.Contains(op.Roles, "rail") {
		return
	}
	caller, err := s.identify(c)
	if err != nil {
		s.problems.write(c, err)
		return
	}
	c.Set(ctxCaller, caller)
	if err := mayUse(op, caller); err != nil {
		s.refused(c, caller, op.ID, c.Param("id"), aid.CodeOf(err))
		s.problems.write(c, err)
	}
}

// mayUse compares the caller's roles, and the scopes of a partner's key, with
// those of the operation.
//
// Errors: Forbidden wrong_role, missing_scope (param scope).
func mayUse(op *Operation, caller *postgres.Caller) error {
	may := slices.ContainsFunc(caller.Roles, func(g postgres.RoleGrant) bool { return slices.Contains(op.Roles, string(g.Role)) })
	if caller.Partner() {
		may = slices.Contains(op.Roles, string(aid.RolePartner))
	}
	switch {
	case !may:
		return aid.Refuse(aid.Forbidden, "wrong_role")
	case op.Scope != "" && !caller.MayScope(op.Scope):
		return aid.Refuse(aid.Forbidden, "missing_scope", "scope", op.Scope)
	}
	return nil
}

// refused records in the audit that a known caller was refused an act. The
// refusal stands whether or not it could be recorded.
func (s *Server) refused(c *gin.Context, caller *postgres.Caller, action, object, code string) {
	if len(object) > 60 || !utf8.ValidString(object) || strings.ContainsRune(object, 0) {
		object = ""
	}
	if err := s.store.AuditRefusal(c.Request.Context(), caller, action, object, code); err != nil {
		s.log.Error("refusal not recorded", "request_id", requestID(c), "operation", action, "error", err.Error())
	}
}

// requireHeaders refuses a request without the headers that have statuses of
// their own: 400 without Idempotency-Key, 428 without If-Match.
func (s *Server) requireHeaders(c *gin.Context) {
	op := operationOf(c)
	switch {
	case op == nil:
	case op.NeedsKey && strings.TrimSpace(c.GetHeader(headerKey)) == "":
		s.problems.write(c, &aid.Error{Kind: aid.Invalid, Code: "idempotency_key_missing", Faults: []aid.Fault{parameterFault(headerKey, "required")}})
	case op.NeedsIfMatch && strings.TrimSpace(c.GetHeader(headerIfMatch)) == "":
		s.problems.write(c, aid.Refuse(aid.Invalid, "if_match_required"))
	}
}
