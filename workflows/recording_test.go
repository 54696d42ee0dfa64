package workflows_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	commonpb "go.temporal.io/api/common/v1"
	"go.temporal.io/api/proxy"
)

// opaque is what a payload may say: ids, codes, amounts, dates. Names have
// spaces or letters of Vietnamese.
var opaque = regexp.MustCompile(`^[A-Za-z0-9_:./+#-]*$`)

// number is what an identity card, a telephone or an account has.
var number = regexp.MustCompile(`(^|[^0-9A-Za-z])[0-9]{9,}([^0-9A-Za-z]|$)`)

// The people of the recorded cases carry these words in every name, address
// and note that was sent in or said about them; see TestRecordHistories.
func marks() []string { return []string{"qanary", "vogelin"} }

// Recordings are public. Temporal never learns more than ids, codes and
// amounts, so a real history holds nothing personal either.
func TestRecordingsHoldNothingPersonal(t *testing.T) {
	payloads := 0
	for _, r := range recordings(t) {
		err := proxy.VisitPayloads(t.Context(), r.of, proxy.VisitPayloadsOptions{
			Visitor: func(_ *proxy.VisitPayloadsContext, all []*commonpb.Payload) ([]*commonpb.Payload, error) {
				for _, p := range all {
					payloads++
					require.Empty(t, personal(t, p.Data), r.name)
				}
				return all, nil
			},
		})
		require.NoError(t, err, r.name)
	}
	require.NotZero(t, payloads)
	files, err := filepath.Glob("testdata/histories/*/*.json")
	require.NoError(t, err)
	for _, name := range files {
		raw, err := os.ReadFile(name)
		require.NoError(t, err)
		for _, mark := range marks() {
			require.NotContains(t, strings.ToLower(string(raw)), mark, name)
		}
	}
}

// The control: what must not be there is found.
func TestPersonalDataInAPayloadIsFound(t *testing.T) {
	for _, bad := range []string{`{"note":"Quyen Qanary"}`, `"Nguyễn"`, `{"a":["vogelin"]}`, `{"duties":{"0905002755":"verify"}}`, `["051172004418"]`, `51172004418`} {
		require.NotEmpty(t, personal(t, []byte(bad)), bad)
	}
	for _, good := range []string{`null`, `{"now":"2026-11-23T13:48:10.123456789Z","amount":57000000}`, `"case_06h0hbhtk9t8k5c313bcgx8g7w"`, `"next deadline"`} {
		require.Empty(t, personal(t, []byte(good)), good)
	}
}

// personal gives what in a payload looks like data of a person.
func personal(t *testing.T, data []byte) []string {
	t.Helper()
	if len(data) == 0 {
		return nil
	}
	decode := json.NewDecoder(strings.NewReader(string(data)))
	decode.UseNumber()
	var tree any
	require.NoError(t, decode.Decode(&tree), "a payload that is not JSON: %.80q", data)
	var found []string
	leaves(tree, func(leaf string) {
		bad := leaf != "next deadline" && !opaque.MatchString(leaf) || number.MatchString(leaf)
		for _, mark := range marks() {
			bad = bad || strings.Contains(strings.ToLower(leaf), mark)
		}
		if bad {
			found = append(found, leaf)
		}
	})
	return found
}

// leaves calls fn with every name, text and number of a JSON document.
func leaves(tree any, fn func(string)) {
	switch node := tree.(type) {
	case map[string]any:
		for name, child := range node {
			fn(name)
			leaves(child, fn)
		}
	case []any:
		for _, child := range node {
			leaves(child, fn)
		}
	case string:
		fn(node)
	case json.Number:
		fn(node.String())
	}
}
