// Package aidflow_test keeps the house in order: who may import whom, how long
// files and functions may be, that every exported name says its contract, and
// that the documents show what the code does.
package aidflow_test

import (
	"slices"
	"strings"
	"testing"
)

// rule says what a room may import besides the standard library. A name ends
// with "/" when it stands for everything below it.
type rule struct {
	rooms   string // own rooms
	modules string // other people's
	tests   string // either, in its tests only; tests may also import the room itself
}

// common is what every test may import: a property tester, assertions, and a
// real PostgreSQL. Rooms are not mocked.
const common = "pgregory.net/rapid github.com/stretchr/testify/ internal/postgres/pgtest internal/stack/cluster programmes"

// temporal is the client side of Temporal, not its server.
const temporal = "go.temporal.io/sdk/ go.temporal.io/api/"

// rules lists every package of the module; one that is not listed fails the
// test. A new line here is a decision: see ARCHITECTURE.md.
func rules() map[string]rule {
	return map[string]rule{
		// The words: the same answer tomorrow. No I/O, no clock, no logger.
		"aid":           {},
		"aid/money":     {rooms: "aid"},
		"aid/area":      {rooms: "aid"},
		"aid/ledger":    {rooms: "aid aid/money"},
		"aid/identity":  {rooms: "aid aid/match"},
		"aid/match":     {rooms: "aid"},
		"aid/worktime":  {rooms: "aid"},
		"aid/means":     {rooms: "aid", modules: "go.yaml.in/yaml/v3"},
		"aid/roll":      {rooms: "aid aid/identity aid/means"},
		"aid/programme": {rooms: "aid aid/money", modules: "cel.dev/cel-go/ go.yaml.in/yaml/v3 github.com/santhosh-tekuri/jsonschema/v6/"},
		"programmes":    {rooms: "aid aid/means aid/money aid/programme aid/worktime", modules: "go.yaml.in/yaml/v3", tests: "aid/"},

		// What an office prints: a document made of facts and texts, and two ways
		// to draw it. As pure as the words.
		"papers": {rooms: "aid aid/money aid/programme", modules: "go.yaml.in/yaml/v3 golang.org/x/text/unicode/norm",
			tests: "papers/"},
		"papers/qr":   {modules: "github.com/boombuler/barcode/qr", tests: "github.com/makiuchi-d/gozxing/"},
		"papers/pdf":  {rooms: "papers papers/qr", modules: "codeberg.org/go-pdf/fpdf github.com/go-fonts/dejavu/", tests: "aid/programme papers/"},
		"papers/page": {rooms: "papers papers/qr", tests: "aid/programme papers/"},

		// The order. It calls activities by name (steps.go), so it imports
		// neither them nor PostgreSQL. See also TestWorkflowsAreDeterministic.
		"workflows": {rooms: "aid", modules: temporal + " google.golang.org/protobuf/types/known/ github.com/google/uuid",
			tests: "aid/ activities internal/postgres rails/ worker"},

		// The doing.
		"activities": {rooms: "aid aid/programme aid/money rails registers internal/postgres internal/vault", modules: "go.temporal.io/sdk/temporal go.temporal.io/sdk/activity",
			tests: "aid/ rails/ registers/ go.temporal.io/sdk/"},

		// The hands.
		"rails":           {rooms: "aid"},
		"rails/railtest":  {rooms: "aid rails", modules: "pgregory.net/rapid"},
		"rails/simulator": {rooms: "aid rails", modules: "go.etcd.io/bbolt/", tests: "rails/railtest"},
		"rails/bankfile": {rooms: "aid/money rails", modules: "golang.org/x/text/unicode/norm github.com/xuri/excelize/v2",
			tests: "aid rails/railtest rails/bankfile/banktest"},
		"rails/bankfile/banktest": {rooms: "aid/money rails"},
		// What stands in a code for a transfer; papers/qr draws it.
		"rails/vietqr": {},

		// The questions: registers of others.
		"registers":              {modules: "golang.org/x/text/unicode/norm"},
		"registers/httpregister": {rooms: "registers", tests: "registers/"},
		"registers/registertest": {rooms: "registers"},
		"registers/simulator":    {},

		// The memory: the only SQL.
		"internal/postgres": {rooms: "aid aid/ papers internal/vault", modules: "github.com/jmoiron/sqlx github.com/lib/pq github.com/pressly/goose/v3/ github.com/google/uuid github.com/nyaruka/phonenumbers"},
		"internal/postgres/pgtest": {rooms: "aid internal/postgres internal/stack/cluster internal/vault programmes",
			modules: "github.com/lib/pq"},
		// What an uploaded file is. Decoders meet hostile bytes here and nowhere else.
		"internal/files": {rooms: "aid", modules: "github.com/gabriel-vasile/mimetype github.com/gen2brain/heic github.com/bep/imagemeta",
			tests: "internal/files/filestest"},
		"internal/files/filestest": {},
		// What is kept of files, and where.
		"internal/archive": {rooms: "aid internal/files internal/postgres", modules: "gocloud.dev/blob/ gocloud.dev/gcerrors",
			tests: "internal/files/filestest"},
		// Telling people: what is said, how a mail leaves, and a real server that
		// delivers nothing.
		"internal/notify": {rooms: "aid internal/mail internal/notify/words internal/postgres",
			modules: "code.dny.dev/ssrf github.com/standard-webhooks/standard-webhooks/libraries/go", tests: "internal/mail/sink"},
		"internal/notify/words": {rooms: "aid", modules: "github.com/nicksnyder/go-i18n/v2/i18n go.yaml.in/yaml/v3 golang.org/x/text/language"},
		"internal/mail":         {modules: "github.com/wneessen/go-mail", tests: "internal/mail/sink"},
		"internal/mail/sink":    {modules: "github.com/emersion/go-smtp github.com/emersion/go-sasl"},
		// What a task allows when several act on it at once, for the tests.
		"internal/racetest": {modules: "github.com/anishathalye/porcupine"},
		"internal/vault":    {rooms: "aid", modules: "github.com/tink-crypto/tink-go/v2/ golang.org/x/text/unicode/norm"},

		// Files that offices bring in: how a file is read, and the run that brings
		// it into the memory.
		"internal/sheet":   {rooms: "aid", tests: "github.com/xuri/excelize/v2"},
		"internal/imports": {rooms: "aid aid/ internal/postgres internal/sheet", tests: "internal/ programmes github.com/xuri/excelize/v2"},

		// The door. It reaches the process through workflows/client.go only.
		"api": {rooms: "aid aid/ papers papers/ workflows internal/postgres internal/sheet internal/archive internal/files internal/notify/words rails rails/simulator registers",
			modules: "github.com/gin-gonic/gin/ github.com/getkin/kin-openapi/ github.com/oapi-codegen/runtime/ github.com/coreos/go-oidc/v3/oidc golang.org/x/oauth2 " +
				"github.com/nicksnyder/go-i18n/v2/i18n github.com/prometheus/client_golang/prometheus/ go.yaml.in/yaml/v3 golang.org/x/text/ github.com/google/uuid",
			tests: "activities worker rails/ internal/imports internal/files/filestest internal/racetest programmes internal/vault internal/config " + temporal + " github.com/golang-jwt/jwt/v5"},

		// The face: a client of the door, in process.
		"console": {rooms: "aid aid/money api", modules: "github.com/gin-gonic/gin/ github.com/google/uuid go.yaml.in/yaml/v3 golang.org/x/text/language",
			tests: "internal/ aid/"},

		// What runs it.
		"worker": {rooms: "aid aid/means activities internal/archive internal/imports internal/notify rails registers workflows internal/postgres", modules: "go.temporal.io/sdk/ golang.org/x/sync/errgroup",
			tests: "internal/checker rails/simulator registers/ aid/ papers " + temporal + " google.golang.org/protobuf/"},
		"internal/config":    {modules: "github.com/caarlos0/env/v11 github.com/spf13/pflag go.temporal.io/sdk/client go.temporal.io/sdk/contrib/envconfig"},
		"internal/telemetry": {modules: "github.com/prometheus/client_golang/prometheus/"},
		// The supervisor makes databases and a role; that is the one SQL
		// outside internal/postgres.
		"internal/stack": {rooms: "internal/config internal/stack/cluster",
			modules: "github.com/lib/pq github.com/golang-jwt/jwt/v5 golang.org/x/sync/errgroup " + temporal, tests: "github.com/coreos/go-oidc/v3/oidc golang.org/x/oauth2"},
		"internal/stack/cluster": {tests: "github.com/lib/pq"},
		// The demonstration is a client of the public API, like any other; from
		// the memory it takes the invented people of the development register.
		"internal/demo": {rooms: "aid aid/ internal/postgres programmes", modules: "github.com/google/uuid go.yaml.in/yaml/v3 golang.org/x/text/unicode/norm",
			tests: "internal/stack"},
		"cmd/aidflow": {rooms: "aid aid/area aid/programme api console programmes rails rails/bankfile rails/bankfile/banktest rails/simulator registers registers/httpregister registers/simulator worker workflows internal/",
			modules: "github.com/schollz/progressbar/v3 github.com/spf13/cobra github.com/spf13/pflag go.temporal.io/sdk/ github.com/prometheus/client_golang/"},

		// The second opinion. It shares no code with what it looks at, and brings its
		// own SQL, of a role that cannot write.
		"internal/checker": {modules: "github.com/lib/pq go.temporal.io/sdk/client go.temporal.io/api/"},

		// What looks at the whole from outside. The benchmark measures bare SQL
		// beside the store.
		".":   {tests: "aid aid/ internal/checker programmes"},
		"e2e": {tests: "aid aid/ internal/ github.com/lib/pq google.golang.org/protobuf/ " + temporal},
		"bench": {rooms: "aid aid/ activities api rails rails/simulator workflows worker programmes internal/",
			modules: "github.com/jmoiron/sqlx github.com/lib/pq github.com/google/uuid golang.org/x/sync/errgroup google.golang.org/protobuf/ github.com/xuri/excelize/v2 " + temporal},
	}
}

func TestRoomsImportOnlyWhatTheyMay(t *testing.T) {
	rules, seen := rules(), map[string]bool{}
	for _, s := range sources(t) {
		if s.nested {
			continue
		}
		r, listed := rules[s.room]
		if !listed {
			t.Errorf("%s: the package %s is not listed in rooms_test.go", s.path, s.room)
			continue
		}
		seen[s.room] = true
		allowed := strings.Fields(r.rooms + " " + r.modules)
		if s.test {
			allowed = append(allowed, strings.Fields(r.tests+" "+common+" "+s.room)...)
		}
		for _, p := range s.imports(t) {
			if name := strings.TrimPrefix(p, module+"/"); !standard(p) && !matches(allowed, name) {
				t.Errorf("%s imports %s: not for %s (rooms_test.go)", s.path, name, s.room)
			}
		}
	}
	for room := range rules {
		if !seen[room] {
			t.Errorf("rooms_test.go lists %s, which is not there", room)
		}
	}
}

// TestTheRulesKeepTheirPromises looks at the list itself, so that a line which
// breaks a promise of ARCHITECTURE.md cannot simply be added.
func TestTheRulesKeepTheirPromises(t *testing.T) {
	for room, r := range rules() {
		for _, p := range strings.Fields(r.rooms + " " + r.modules) {
			switch {
			case p == "cmd/" || strings.HasPrefix(p, "cmd/"):
				t.Errorf("%s may import %s: nobody imports cmd", room, p)
			case p == "github.com/jmoiron/sqlx" && room != "internal/postgres" && room != "bench":
				t.Errorf("%s may import %s: only internal/postgres has SQL", room, p)
			case p == "github.com/lib/pq" && !slices.Contains([]string{"internal/postgres", "internal/postgres/pgtest", "internal/stack", "internal/checker", "bench"}, room):
				t.Errorf("%s may import %s: only internal/postgres has SQL", room, p)
			case room == "api" && (p == "activities" || p == "worker"):
				t.Errorf("the door may import %s: it reaches the process through the workflow client", p)
			case room == "workflows" && (p == "activities" || p == "internal/postgres"):
				t.Errorf("the order may import %s: it calls activities by name", p)
			case room == "aid" || strings.HasPrefix(room, "aid/") && !strings.HasPrefix(p, "aid") && room != "aid/programme" && room != "aid/means":
				t.Errorf("%s may import %s: the words know the standard library only", room, p)
			}
		}
	}
}

// standard tells whether a path is of Go's own library: its first part is not
// the name of a host.
func standard(p string) bool {
	first, _, _ := strings.Cut(p, "/")
	return !strings.Contains(first, ".")
}

// matches tells whether a path is one of the allowed, or below one that ends
// with a slash.
func matches(allowed []string, p string) bool {
	return slices.ContainsFunc(allowed, func(a string) bool {
		return p == strings.TrimSuffix(a, "/") || (strings.HasSuffix(a, "/") && strings.HasPrefix(p, a))
	})
}

// TestWorkflowsAreDeterministic looks at single files, where the list above
// looks at packages: what runs inside Temporal knows its own API and time.Time,
// and nothing that answers differently tomorrow. The way in may do more.
func TestWorkflowsAreDeterministic(t *testing.T) {
	wayIn := []string{"workflows/client.go", "workflows/advance.go"}
	allowed := []string{"go.temporal.io/sdk/workflow", "go.temporal.io/sdk/temporal", module + "/aid", "errors", "strconv", "time"}
	for _, s := range sources(t) {
		if s.room != "workflows" || s.test || slices.Contains(wayIn, s.path) {
			continue
		}
		for _, p := range s.imports(t) {
			if !slices.Contains(allowed, p) {
				t.Errorf("%s imports %s: a workflow may import %s", s.path, p, strings.Join(allowed, ", "))
			}
		}
	}
}

// TestThePureRoomsStayPure names what the standard library offers and pure
// code must not use.
func TestThePureRoomsStayPure(t *testing.T) {
	impure := []string{"os", "net", "net/http", "log", "log/slog", "math/rand", "math/rand/v2", "crypto/rand", "database/sql", "os/exec"}
	for _, s := range sources(t) {
		if s.test || (s.room != "aid" && !strings.HasPrefix(s.room, "aid/")) {
			continue
		}
		for _, p := range s.imports(t) {
			if slices.Contains(impure, p) {
				t.Errorf("%s imports %s: aid does no I/O and knows no randomness", s.path, p)
			}
		}
		if s.calls("time", "Now") {
			t.Errorf("%s asks the clock: time is an argument in aid", s.path)
		}
	}
}

// TestTheEngineStaysApart keeps Temporal's server and its 200 modules out of
// the program.
func TestTheEngineStaysApart(t *testing.T) {
	mod := read(t, "go.mod")
	for _, name := range []string{"go.temporal.io/server", "github.com/temporalio/ui-server", module + "/engine"} {
		if strings.Contains(mod, name+" ") || strings.Contains(mod, name+"/") {
			t.Errorf("go.mod requires %s: it belongs to engine/go.mod", name)
		}
	}
	if !strings.HasPrefix(read(t, "engine/go.mod"), "module "+module+"/engine\n") {
		t.Error("engine/go.mod is not a module of its own")
	}
	for _, s := range sources(t) {
		for _, p := range s.imports(t) {
			if own := p == module || strings.HasPrefix(p, module+"/"); s.nested && own {
				t.Errorf("%s imports %s: the engine knows nothing of the program", s.path, p)
			}
		}
	}
}
