package postgres_test

import (
	"bytes"
	"fmt"
	"slices"
	"testing"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/aid/programme"
	"github.com/aidflow/aidflow/internal/postgres"
	"github.com/aidflow/aidflow/internal/postgres/pgtest"
	"github.com/aidflow/aidflow/internal/vault"
)

// sealedPlace is one sealed column, and the expression that names its row.
type sealedPlace struct{ table, column, row string }

func sealedPlaces() []sealedPlace {
	return []sealedPlace{
		{"persons", "sealed", "id"}, {"payee_accounts", "sealed", "id"}, {"cases", "sealed", "id"}, {"case_documents", "sealed", "id"},
		{"decisions", "sealed", "id"}, {"contributions", "donor", "id"}, {"idempotency_keys", "sealed", "caller || '|' || route || '|' || key"},
		{"case_facts", "sealed", "case_id || '/' || round || '/' || review || '/' || phase"},
		{"household_members", "sealed", "household_id || '/' || encode(member_key, 'hex')"}, {"import_chunks", "sealed", "import_id || '/' || n"},
		{"partner_aid", "sealed", "id"}, {"objections", "sealed", "id"}, {"questions", "sealed", "id"}, {"task_batches", "sealed", "id"}, {"staff_contacts", "address", "subject"}, {"comments", "sealed", "id"}, {"match_people", "sealed", "owner || '/' || n"},
		{"document_files", "sealed", "id"}, {"file_chunks", "sealed", "file_id || '/' || part || '/' || n || '/last'"},
		{"staff_relations", "sealed", "id"}, {"conflict_reviews", "sealed", "id"},
		{"pay_run_files", "sealed", "run_id"}, {"bank_statement_lines", "sealed", "statement_id || '/' || n"},
	}
}

// hashed are the columns of bytes that are found again by a hash.
var hashed = []string{"partner_keys.key_hash", "persons.national_id_hash", "household_members.national_id_hash", "payee_accounts.account_hash",
	"cases.tracking_hash", "case_words.word_hash", "decisions.bound_hash", "idempotency_keys.fingerprint", "awards.bound_hash",
	"household_members.member_key", "household_review_members.member_key", "household_review_members.content", "imports.file_hash",
	"partner_aid.national_id_hash", "partner_aid.content", "match_keys.hash",
	"document_files.sent_hash", "document_files.hash", "staff_relations.national_id_hash", "staff_relations.account_hash",
	"pay_runs.hash", "pay_run_files.hash", "bank_statements.file_hash", "bank_statement_lines.booking"}

// Every column of bytes is sealed for its place, or a hash. A new one has to
// be put on one of the two lists.
func TestEveryColumnOfBytesIsSealedOrHashed(t *testing.T) {
	t.Parallel()
	rows, err := pgtest.Empty(t).SQL(t).Query(`SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = 'public' AND data_type = 'bytea'`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	seen := 0
	for rows.Next() {
		var table, column string
		if err := rows.Scan(&table, &column); err != nil {
			t.Fatal(err)
		}
		seen++
		if !slices.Contains(hashed, table+"."+column) && !slices.ContainsFunc(sealedPlaces(), func(p sealedPlace) bool { return p.table == table && p.column == column }) {
			t.Errorf("%s.%s is neither sealed nor a hash", table, column)
		}
	}
	if err := rows.Err(); err != nil || seen != len(hashed)+len(sealedPlaces()) {
		t.Fatalf("%d columns, %v", seen, err)
	}
}

// personal fills every sealed column in at least two rows.
func personal(t *testing.T) *pgtest.DB {
	t.Helper()
	db := pgtest.New(t)
	for i := range 2 {
		c := submit(t, db, "portal1", request(i))
		task := openTask(t, db, c.ID, postgres.NewTask{Kind: aid.VerifyDocuments})
		decide(t, db, task, db.Staff(t, "verifier1"), aid.ActionComplete, `{"text":"Canary data"}`)
		change(t, db, c.ID, func(tx *postgres.Tx, c *postgres.Case) error {
			return tx.SaveFacts(c, postgres.PhaseRequest, programme.Facts{Applicant: programme.ApplicantFacts{Age: 70}}, programme.Verdict{})
		})
		scope := postgres.IdemScope{Caller: "p", Route: "createCase", Key: c.ID, Fingerprint: []byte{1}}
		must(db.BeginIdempotent(t.Context(), scope, c.ID))(t)
		if err := db.FinishIdempotent(t.Context(), scope, postgres.IdemAnswer{Status: 201, Body: []byte("canary answer")}); err != nil {
			t.Fatal(err)
		}
	}
	for i := range 2 {
		c := draftOf(t, db, i)
		sendFile(t, db, c, postgres.NewFile{Kind: "request_form", Type: "application/pdf", Name: "Canary.pdf"})
	}
	for i := range 2 {
		c, _ := reserved(t, db, 5+i)
		exec(t, db, `INSERT INTO postings (award_id, case_id, decision_id, posted_on, until, recorded_at)
			SELECT a.id, a.case_id, d.id, now(), now(), now() FROM awards a, (SELECT id FROM decisions LIMIT 1) d WHERE a.case_id = $1`, c.ID)
		id := postgres.NewID(aid.ObjectionID)
		said := must(db.Vault.Seal("objections", "sealed", id, []byte("Canary shop")))(t)
		exec(t, db, `INSERT INTO objections (id, award_id, case_id, task_id, reason_code, anonymous, sealed, recorded_by, recorded_at)
			SELECT $2, p.award_id, p.case_id, t.id, 'not_poor', false, $3, 'canary', now() FROM postings p JOIN tasks t USING (case_id) WHERE p.case_id = $1 LIMIT 1`, c.ID, id, said)
	}
	fundOf(t, db, 1, 1)
	for i := range 2 {
		relate(t, db, "approver5", "other", postgres.DevelopmentHousehold(90 + i)[0].NationalID)
		id := postgres.NewID(aid.ReviewID)
		said := must(db.Vault.Seal("conflict_reviews", "sealed", id, []byte("Canary look")))(t)
		exec(t, db, `INSERT INTO conflict_reviews (decision_id, person, id, case_id, reviewer, reason_code, sealed, at)
			SELECT d.id, d.actor, $1, d.case_id, 'manager1', 'remote', $2, now() FROM decisions d WHERE NOT EXISTS (SELECT 1 FROM conflict_reviews) OR d.case_id <> (SELECT case_id FROM conflict_reviews LIMIT 1) LIMIT 1`, id, said)
	}
	for i := range 2 {
		chunk := must(db.Vault.Seal("import_chunks", "sealed", fmt.Sprintf("imp_1/%d", i), []byte("Canary row")))(t)
		exec(t, db, `INSERT INTO import_chunks (import_id, n, sealed, stored_at) VALUES ('imp_1', $1, $2, now())`, i, chunk)
		id := postgres.NewID(aid.PartnerAidID)
		who := must(db.Vault.Seal("partner_aid", "sealed", id, []byte("Canary person")))(t)
		exec(t, db, `INSERT INTO partner_aid (id, source, reference, programme, area, given_on, amount, currency, valuation, sealed, content, created_by, created_at)
			VALUES ($1, 'Red Cross', $1, 'medical', '51001', now(), 1, 'VND', 'cash', $2, '', 'canary', now())`, id, who)
	}
	for i := range 2 {
		task, id := openTask(t, db, submit(t, db, "portal1", request(20+i)).ID, postgres.NewTask{Kind: aid.VerifyDocuments}), postgres.NewID(aid.BatchID)
		must(db.AskColleague(t.Context(), db.Staff(t, "verifier1"), task, postgres.NewID(aid.QuestionID), "verifier2", "Canary?"))(t)
		must(db.AddComment(t.Context(), db.Staff(t, "verifier1"), task, postgres.NewID(aid.CommentID), "Canary."))(t)
		note := must(db.Vault.Seal("task_batches", "sealed", id, []byte("Canary note")))(t)
		exec(t, db, `INSERT INTO task_batches (id, created_by, created_at, dry_run, action, sealed, state, total, decided, finished_at)
			VALUES ($1, 'canary', now(), false, 'complete', $2, 'done', 1, 1, now())`, id, note)
		who := []string{"approver1", "approver2"}[i]
		address := must(db.Vault.Seal("staff_contacts", "address", who, []byte("canary@aidflow.test")))(t)
		exec(t, db, `INSERT INTO staff_contacts (subject, address, language, zone, digest_at, version, changed_at) VALUES ($1, $2, 'vi', 'UTC', '07:00', 1, now()) ON CONFLICT (subject) DO UPDATE SET address = $2`, who, address)
	}
	bankFiles(t, db)
	return db
}

// bankFiles leaves two files for a bank and two lines of one.
func bankFiles(t *testing.T, db *pgtest.DB) {
	t.Helper()
	for i := range 2 {
		run, said := postgres.NewID(aid.PayRunID), postgres.NewID(aid.StatementID)
		file := must(db.Vault.Seal("pay_run_files", "sealed", run, []byte("Canary file")))(t)
		exec(t, db, `INSERT INTO pay_runs (id, fund_id, rail, currency, execute_on, state, message_id, created_by, created_at)
			SELECT $1, id, 'bankfile', 'VND', now(), 'draft', $1, 'treasurer1', now() FROM funds LIMIT 1`, run)
		exec(t, db, `INSERT INTO pay_run_files (run_id, name, type, hash, sealed, made_at) VALUES ($1, 'x', 'text/plain', '', $2, now())`, run, file)
		line := must(db.Vault.Seal("bank_statement_lines", "sealed", said+"/1", []byte("Canary line")))(t)
		exec(t, db, `INSERT INTO bank_statements (id, fund_id, rail, bank_id, file_hash, state, created_by, created_at)
			SELECT $1, id, 'bankfile', $1, $2, 'received', 'treasurer1', now() FROM funds LIMIT 1`, said, []byte{byte(i)})
		exec(t, db, `INSERT INTO bank_statement_lines (statement_id, n, said, returned, credit, amount, currency, sealed, state)
			VALUES ($1, 1, 'settled', false, false, 1, 'VND', $2, 'waiting')`, said, line)
	}
}

type sealedRow struct {
	row    string
	sealed []byte
}

func sealedRows(t *testing.T, db *pgtest.DB, p sealedPlace) (all []sealedRow) {
	t.Helper()
	rows, err := db.SQL(t).Query(`SELECT ` + p.row + `, ` + p.column + ` FROM ` + p.table + ` WHERE ` + p.column + ` IS NOT NULL`)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var r sealedRow
		if err := rows.Scan(&r.row, &r.sealed); err != nil {
			t.Fatal(err)
		}
		all = append(all, r)
	}
	if err := rows.Err(); err != nil || len(all) < 2 {
		t.Fatalf("%s.%s: %d rows, %v", p.table, p.column, len(all), err)
	}
	return all
}

// What is sealed for one place opens there and nowhere else.
func TestEverySealedValueIsBoundToItsPlace(t *testing.T) {
	t.Parallel()
	db := personal(t)
	stranger := must(vault.Ephemeral())(t)
	for _, p := range sealedPlaces() {
		all := sealedRows(t, db, p)
		for i, r := range all {
			if plain, err := db.Vault.Open(p.table, p.column, r.row, r.sealed); err != nil || len(plain) == 0 {
				t.Errorf("%s.%s does not open where it is: %v", p.table, p.column, err)
			}
			if _, err := stranger.Open(p.table, p.column, r.row, r.sealed); aid.CodeOf(err) != "sealed_value_unreadable" {
				t.Errorf("%s.%s opens with other keys: %v", p.table, p.column, err)
			}
			_, err := db.Vault.Open(p.table, p.column, all[(i+1)%len(all)].row, r.sealed)
			wantCode(t, err, "sealed_value_unreadable")
			for _, other := range sealedPlaces() {
				if other != p {
					_, err := db.Vault.Open(other.table, other.column, r.row, r.sealed)
					wantCode(t, err, "sealed_value_unreadable")
				}
			}
		}
	}
}

// Somebody who can write to the database, and has no key, moves an account or
// a name from one row to another: it is not believed.
func TestAMovedValueIsNotBelieved(t *testing.T) {
	t.Parallel()
	for table, open := range map[string]func(*postgres.Tx, *postgres.Case) error{
		"payee_accounts": func(tx *postgres.Tx, c *postgres.Case) error {
			_, err := tx.PayeeAccount(*c.PayeeAccountID)
			return err
		},
		"cases": func(tx *postgres.Tx, c *postgres.Case) error { _, err := tx.Applicant(c); return err },
		"decisions": func(tx *postgres.Tx, c *postgres.Case) error {
			var id string
			if err := tx.Get(&id, `SELECT id FROM decisions WHERE case_id = $1`, c.ID); err != nil {
				return err
			}
			_, err := tx.Content(id)
			return err
		},
	} {
		t.Run(table, func(t *testing.T) {
			t.Parallel()
			db := personal(t)
			var id string
			if err := db.SQL(t).QueryRow(`SELECT id FROM cases LIMIT 1`).Scan(&id); err != nil {
				t.Fatal(err)
			}
			look := func() (err error) {
				change(t, db, id, func(tx *postgres.Tx, c *postgres.Case) error { err = open(tx, c); return nil })
				return err
			}
			if err := look(); err != nil {
				t.Fatal(err)
			}
			exec(t, db, `UPDATE `+table+` a SET sealed = (SELECT sealed FROM `+table+` b WHERE b.id <> a.id LIMIT 1)`)
			wantCode(t, look(), "sealed_value_unreadable")
		})
	}
}

// The hashes by which persons and accounts are found need the key: whoever
// has only the database cannot try numbers.
func TestHashesNeedTheKey(t *testing.T) {
	t.Parallel()
	db := personal(t)
	number := request(0).Applicant.NationalID
	var stored []byte
	err := db.SQL(t).QueryRow(`SELECT national_id_hash FROM persons WHERE national_id_hash = $1`, db.Vault.Hash("national-id", number)).Scan(&stored)
	if err != nil {
		t.Fatalf("the person is not found by the keyed hash: %v", err)
	}
	if stranger := must(vault.Ephemeral())(t); bytes.Equal(stored, stranger.Hash("national-id", number)) {
		t.Error("the hash does not depend on the key")
	}
	for _, plain := range []string{"sha256($1::bytea)", "md5($1)::bytea", "sha224($1::bytea)", "sha512($1::bytea)", "$1::bytea"} {
		if n := count(t, db, `SELECT count(*) FROM persons WHERE national_id_hash = `+plain+` OR encode(national_id_hash, 'hex') = encode(`+plain+`, 'hex')`, number); n != 0 {
			t.Errorf("a number is found by %s", plain)
		}
	}
	if n := count(t, db, `SELECT count(*) FROM persons p JOIN household_members m USING (national_id_hash) JOIN case_words w ON w.word_hash = p.national_id_hash`); n != 0 {
		t.Error("the same hash stands for different meanings")
	}
}
