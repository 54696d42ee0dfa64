package vault

import (
	"bytes"
	"crypto/rand"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/aidflow/aidflow/aid"
	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/insecurecleartextkeyset"
	"github.com/tink-crypto/tink-go/v2/keyset"
)

// keyFile is what is on disk: a tink keyset in clear and the key of the
// look-up hashes. Losing it means losing every sealed value.
type keyFile struct {
	Format  int             `json:"format"` // 1
	Keyset  json.RawMessage `json:"keyset"`
	HashKey []byte          `json:"hash_key"` // 32 bytes
}

const (
	format      = 1
	hashKeySize = 32
)

// Create makes a new key file that only its owner can read. An existing file
// is never touched. Errors: key_file_exists, key_file_unwritable.
func Create(path string) error {
	keys, err := newKeys()
	if err != nil {
		return err
	}
	return keys.create(path)
}

// Rotate adds a new primary key to the file: new values are sealed with it and
// old ones still open. The key of the look-up hashes stays, because stored
// hashes cannot be made again without opening every value. Running processes
// keep the keys that they have read. Errors: those of Open,
// key_file_unwritable.
func Rotate(path string) error {
	keys, err := readKeys(path)
	if err != nil {
		return err
	}
	handle, err := keys.handle()
	if err != nil {
		return err
	}
	manager := keyset.NewManagerFromHandle(handle)
	id, err := manager.Add(aead.XChaCha20Poly1305KeyTemplate())
	if err != nil {
		return refuse("key_unusable", err)
	}
	if err := manager.SetPrimary(id); err != nil {
		return refuse("key_unusable", err)
	}
	if handle, err = manager.Handle(); err != nil {
		return refuse("key_unusable", err)
	}
	if keys.Keyset, err = clearText(handle); err != nil {
		return err
	}
	return keys.replace(path)
}

func newKeys() (*keyFile, error) {
	// XChaCha20-Poly1305: its nonces are long enough to be random for any
	// number of values under one key.
	handle, err := keyset.NewHandle(aead.XChaCha20Poly1305KeyTemplate())
	if err != nil {
		return nil, refuse("key_unusable", err)
	}
	text, err := clearText(handle)
	if err != nil {
		return nil, err
	}
	keys := &keyFile{Format: format, Keyset: text, HashKey: make([]byte, hashKeySize)}
	rand.Read(keys.HashKey) // never fails: it ends the program instead
	return keys, nil
}

func readKeys(path string) (*keyFile, error) {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, refuse("key_file_missing", nil)
	}
	if err != nil {
		return nil, refuse("key_file_unreadable", nil)
	}
	if info.Mode().Perm()&0o077 != 0 {
		return nil, refuse("key_file_open_to_others", nil)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, refuse("key_file_unreadable", nil)
	}
	var keys keyFile
	if json.Unmarshal(data, &keys) != nil || keys.Format != format || len(keys.HashKey) != hashKeySize {
		// The decoder's text is dropped: it may quote a key.
		return nil, refuse("key_file_malformed", nil)
	}
	return &keys, nil
}

func (k *keyFile) handle() (*keyset.Handle, error) {
	handle, err := insecurecleartextkeyset.Read(keyset.NewJSONReader(bytes.NewReader(k.Keyset)))
	if err != nil {
		return nil, refuse("key_file_malformed", nil)
	}
	return handle, nil
}

func clearText(handle *keyset.Handle) (json.RawMessage, error) {
	var text bytes.Buffer
	if err := insecurecleartextkeyset.Write(handle, keyset.NewJSONWriter(&text)); err != nil {
		return nil, refuse("key_unusable", err)
	}
	return text.Bytes(), nil
}

// create links a finished file into place: another process sees all of it or
// nothing, and of two creators one wins.
func (k *keyFile) create(path string) error {
	return k.write(path, func(finished string) error {
		defer os.Remove(finished)
		err := os.Link(finished, path)
		if errors.Is(err, fs.ErrExist) {
			return refuse("key_file_exists", nil)
		}
		return err
	})
}

func (k *keyFile) replace(path string) error {
	return k.write(path, func(finished string) error { return os.Rename(finished, path) })
}

func (k *keyFile) write(path string, place func(finished string) error) error {
	data, err := json.MarshalIndent(k, "", "  ")
	if err != nil {
		return refuse("key_unusable", err)
	}
	file, err := os.CreateTemp(filepath.Dir(path), ".key-*") // 0600
	if err != nil {
		return refuse("key_file_unwritable", nil)
	}
	_, err = file.Write(append(data, '\n'))
	if err == nil {
		err = file.Sync()
	}
	if closing := file.Close(); err == nil {
		err = closing
	}
	if err == nil {
		err = place(file.Name())
	}
	if err != nil {
		_ = os.Remove(file.Name()) // the first error is the one to tell
		if aid.CodeOf(err) != "" {
			return err
		}
		return refuse("key_file_unwritable", nil)
	}
	return nil
}

func refuse(code string, cause error) error {
	return &aid.Error{Kind: aid.Invalid, Code: code, Cause: cause}
}
