package postgres_test

import (
	"testing"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/internal/postgres"
	"github.com/aidflow/aidflow/internal/postgres/pgtest"
)

// relate records, as an administrator, that somebody of the staff is related
// to the person with an id number, and gives the relation's id.
func relate(t testing.TB, db *pgtest.DB, subject, kind, number string) string {
	t.Helper()
	id := postgres.NewID(aid.RelationID)
	admin := "admin1"
	if subject == admin {
		admin = "admin2"
	}
	must(db.AddRelation(t.Context(), db.Staff(t, admin), subject, postgres.NewRelation{ID: id, Kind: kind, FullName: "Canary Relative", NationalID: number}))(t)
	return id
}
