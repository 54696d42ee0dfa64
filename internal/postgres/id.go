package postgres

import (
	"github.com/google/uuid"

	"github.com/aidflow/aidflow/aid"
)

// NewID makes a new id: a UUIDv7, so that ids of one kind sort by their birth.
func NewID(p aid.Prefix) string {
	return aid.FormatID(p, uuid.Must(uuid.NewV7()))
}
