// Package vault seals personal data before it is stored, and hashes it so that
// it can still be looked up. No error of this package carries content or keys.
package vault

import (
	"encoding/binary"
	"errors"

	"github.com/aidflow/aidflow/aid"
	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/tink"
)

// Vault seals, opens and hashes with the keys of one deployment. It may be
// used by several goroutines.
type Vault struct {
	aead    tink.AEAD
	hashKey []byte
}

// Open reads the keys of a file. Errors: key_file_missing,
// key_file_open_to_others (group or others may read it), key_file_unreadable,
// key_file_malformed.
func Open(path string) (*Vault, error) {
	keys, err := readKeys(path)
	if err != nil {
		return nil, err
	}
	return unlock(keys)
}

// OpenOrCreate opens the key file and makes it first when there is none: for
// development. In production a missing file is a fault, not a wish for new
// keys.
func OpenOrCreate(path string) (*Vault, error) {
	vault, err := Open(path)
	if aid.CodeOf(err) != "key_file_missing" {
		return vault, err
	}
	if err := Create(path); err != nil && aid.CodeOf(err) != "key_file_exists" {
		return nil, err
	}
	return Open(path)
}

// Ephemeral makes a vault whose keys are nowhere but in memory: for tests.
func Ephemeral() (*Vault, error) {
	keys, err := newKeys()
	if err != nil {
		return nil, err
	}
	return unlock(keys)
}

func unlock(keys *keyFile) (*Vault, error) {
	handle, err := keys.handle()
	if err != nil {
		return nil, err
	}
	primitive, err := aead.New(handle)
	if err != nil {
		return nil, refuse("key_unusable", nil)
	}
	return &Vault{aead: primitive, hashKey: keys.HashKey}, nil
}

// Seal encrypts a value for one place: it opens only with the same table,
// column and row. Sealing twice gives different bytes.
func (v *Vault) Seal(table, column, row string, plain []byte) ([]byte, error) {
	sealed, err := v.aead.Encrypt(plain, place(table, column, row))
	if err != nil {
		return nil, refuse("value_not_sealed", nil)
	}
	return sealed, nil
}

// Open decrypts a value of one place. A value that was changed, moved from
// another place or sealed with an unknown key gives sealed_value_unreadable.
func (v *Vault) Open(table, column, row string, sealed []byte) ([]byte, error) {
	plain, err := v.aead.Decrypt(sealed, place(table, column, row))
	if err != nil {
		return nil, &aid.Error{Kind: aid.Invalid, Code: "sealed_value_unreadable",
			Params: map[string]string{"table": table, "column": column},
			Cause:  errors.New("wrong place, wrong key or changed bytes")}
	}
	return plain, nil
}

// place joins the parts with their lengths, so that no two places are the same
// bytes.
func place(parts ...string) []byte {
	var joined []byte
	for _, part := range parts {
		joined = binary.BigEndian.AppendUint32(joined, uint32(len(part)))
		joined = append(joined, part...)
	}
	return joined
}
