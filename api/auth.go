package api

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"github.com/gin-gonic/gin"
	"golang.org/x/oauth2"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/internal/postgres"
)

const (
	testKey = "aid_test_"
	liveKey = "aid_live_"
)

// identify finds who sends a request: a partner by its key, a member of staff
// by a token of the issuer. Both are looked up for every request, so that a
// revoked key or a disabled person ends at once.
//
// Errors: Unauthorized credentials_missing, invalid_key, wrong_mode,
// key_expired, key_revoked, invalid_token, unknown_subject; Forbidden
// staff_disabled; Unavailable issuer_away.
func (s *Server) identify(c *gin.Context) (*postgres.Caller, error) {
	scheme, credential, _ := strings.Cut(c.GetHeader("Authorization"), " ")
	credential = strings.TrimSpace(credential)
	if !strings.EqualFold(scheme, "Bearer") || credential == "" {
		return nil, aid.Refuse(aid.Unauthorized, "credentials_missing")
	}
	ctx := c.Request.Context()
	if strings.HasPrefix(credential, testKey) || strings.HasPrefix(credential, liveKey) {
		if !strings.HasPrefix(credential, "aid_"+s.mode+"_") {
			return nil, aid.Refuse(aid.Unauthorized, "wrong_mode")
		}
		return s.store.PartnerByKey(ctx, credential)
	}
	subject, err := s.staff.verify(ctx, credential)
	if err != nil {
		return nil, err
	}
	return s.store.StaffBySubject(ctx, subject)
}

// staffTokens checks tokens of one OpenID Connect issuer. The issuer is asked
// for its keys at the first token, and again later when it was away: the api
// starts without it.
type staffTokens struct {
	issuer, audience string
	client           *http.Client

	mu       sync.Mutex
	verifier *oidc.IDTokenVerifier
	endpoint oauth2.Endpoint // where persons sign in; read after load
}

func newStaffTokens(issuer, audience string) *staffTokens {
	return &staffTokens{issuer: issuer, audience: audience, client: &http.Client{Timeout: 5 * time.Second}}
}

// verify gives the subject of a token that the issuer signed for this audience
// and that has not expired.
//
// Errors: Unauthorized invalid_token; Unavailable issuer_away.
func (t *staffTokens) verify(ctx context.Context, token string) (string, error) {
	if t.issuer == "" || strings.Count(token, ".") != 2 {
		return "", aid.Refuse(aid.Unauthorized, "invalid_token")
	}
	verifier, err := t.load()
	if err != nil {
		return "", &aid.Error{Kind: aid.Unavailable, Code: "issuer_away", Cause: err}
	}
	parsed, err := verifier.Verify(oidc.ClientContext(ctx, t.client), token)
	if err != nil || parsed.Subject == "" {
		// The cause may quote the token's content: it is not kept.
		return "", aid.Refuse(aid.Unauthorized, "invalid_token")
	}
	return parsed.Subject, nil
}

// load discovers the issuer once. The keys outlive the request that brought
// them, so their context must too.
func (t *staffTokens) load() (*oidc.IDTokenVerifier, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.verifier != nil {
		return t.verifier, nil
	}
	provider, err := oidc.NewProvider(oidc.ClientContext(context.Background(), t.client), t.issuer)
	if err != nil {
		return nil, err
	}
	t.endpoint = provider.Endpoint()
	t.verifier = provider.Verifier(&oidc.Config{ClientID: t.audience})
	return t.verifier, nil
}
