package vault_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/internal/vault"
	"pgregory.net/rapid"
)

const secret = "Phạm Văn Tình 051084000913"

func ephemeral(t *testing.T) *vault.Vault {
	t.Helper()
	v, err := vault.Ephemeral()
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func seal(t *testing.T, v *vault.Vault) []byte {
	t.Helper()
	sealed, err := v.Seal("persons", "full_name", "row-1", []byte(secret))
	if err != nil {
		t.Fatal(err)
	}
	return sealed
}

func TestSealAndOpen(t *testing.T) {
	v := ephemeral(t)
	sealed := seal(t, v)
	if bytes.Contains(sealed, []byte("Phạm")) {
		t.Fatal("the sealed value shows its content")
	}
	plain, err := v.Open("persons", "full_name", "row-1", sealed)
	if err != nil || string(plain) != secret {
		t.Fatalf("Open: %v", err)
	}
	if bytes.Equal(sealed, seal(t, v)) {
		t.Error("sealing twice gives the same bytes: equal values could be seen")
	}
}

func TestASealedValueOpensOnlyInItsPlace(t *testing.T) {
	v := ephemeral(t)
	sealed := seal(t, v)
	changed := bytes.Clone(sealed)
	changed[len(changed)-1] ^= 1
	tests := []struct {
		name               string
		table, column, row string
		sealed             []byte
	}{
		{"other row", "persons", "full_name", "row-2", sealed},
		{"other column", "persons", "phone", "row-1", sealed},
		{"other table", "payees", "full_name", "row-1", sealed},
		{"parts moved", "persons", "full_", "namerow-1", sealed},
		{"one bit changed", "persons", "full_name", "row-1", changed},
		{"cut short", "persons", "full_name", "row-1", sealed[:len(sealed)-1]},
		{"nothing", "persons", "full_name", "row-1", nil},
		{"never sealed", "persons", "full_name", "row-1", []byte(secret)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			plain, err := v.Open(tt.table, tt.column, tt.row, tt.sealed)
			if aid.CodeOf(err) != "sealed_value_unreadable" || plain != nil {
				t.Fatalf("Open = %q, %v", plain, err)
			}
			if strings.Contains(err.Error(), "Phạm") || strings.Contains(err.Error(), "0510") {
				t.Error("the error carries content")
			}
		})
	}
	if _, err := ephemeral(t).Open("persons", "full_name", "row-1", sealed); err == nil {
		t.Error("another deployment's keys open the value")
	}
}

func TestSealAnyValue(t *testing.T) {
	v := ephemeral(t)
	rapid.Check(t, func(t *rapid.T) {
		plain := rapid.SliceOf(rapid.Byte()).Draw(t, "plain")
		row := rapid.String().Draw(t, "row")
		sealed, err := v.Seal("t", "c", row, plain)
		if err != nil {
			t.Fatal(err)
		}
		if back, err := v.Open("t", "c", row, sealed); err != nil || !bytes.Equal(back, plain) {
			t.Fatalf("Open = %v, %v", back, err)
		}
	})
}

func TestRotationKeepsOldValues(t *testing.T) {
	path := filepath.Join(t.TempDir(), "keys.json")
	if err := vault.Create(path); err != nil {
		t.Fatal(err)
	}
	before := open(t, path)
	old, hash := seal(t, before), before.Hash("phone", "0905000913")
	if err := vault.Rotate(path); err != nil {
		t.Fatal(err)
	}
	after := open(t, path)
	if plain, err := after.Open("persons", "full_name", "row-1", old); err != nil || string(plain) != secret {
		t.Fatalf("an old value after the rotation: %v", err)
	}
	if !bytes.Equal(after.Hash("phone", "0905000913"), hash) {
		t.Error("the rotation changed the look-up hashes")
	}
	if _, err := before.Open("persons", "full_name", "row-1", seal(t, after)); err == nil {
		t.Error("the old keys open a new value: the primary key was not changed")
	}
}

func open(t *testing.T, path string) *vault.Vault {
	t.Helper()
	v, err := vault.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestCreateNeverTouchesAnExistingFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "keys.json")
	var made, refused int
	var mu sync.Mutex
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			err := vault.Create(path)
			mu.Lock()
			defer mu.Unlock()
			switch {
			case err == nil:
				made++
			case aid.CodeOf(err) == "key_file_exists":
				refused++
			}
		})
	}
	all.Wait()
	if made != 1 || refused != 7 {
		t.Fatalf("%d made, %d refused", made, refused)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	left, err := os.ReadDir(filepath.Dir(path))
	if err != nil || len(left) != 1 {
		t.Errorf("files left behind: %v %v", left, err)
	}
}

func TestOpenRefuses(t *testing.T) {
	good := filepath.Join(t.TempDir(), "keys.json")
	if err := vault.Create(good); err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(good)
	if err != nil {
		t.Fatal(err)
	}
	spoil := func(field string, value any) []byte {
		var content map[string]any
		if err := json.Unmarshal(data, &content); err != nil {
			t.Fatal(err)
		}
		content[field] = value
		spoiled, err := json.Marshal(content)
		if err != nil {
			t.Fatal(err)
		}
		return spoiled
	}
	tests := []struct {
		name, code string
		data       []byte
		mode       os.FileMode
	}{
		{"readable by others", "key_file_open_to_others", data, 0o644},
		{"readable by the group", "key_file_open_to_others", data, 0o640},
		{"empty", "key_file_malformed", nil, 0o600},
		{"cut short", "key_file_malformed", data[:len(data)/2], 0o600},
		{"newer format", "key_file_malformed", spoil("format", 2), 0o600},
		{"short hash key", "key_file_malformed", spoil("hash_key", "AAAA"), 0o600},
		{"no keyset", "key_file_malformed", spoil("keyset", map[string]any{}), 0o600},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "keys.json")
			if err := errors.Join(os.WriteFile(path, tt.data, tt.mode), os.Chmod(path, tt.mode)); err != nil {
				t.Fatal(err)
			}
			if _, err := vault.Open(path); aid.CodeOf(err) != tt.code {
				t.Errorf("Open = %v, want %s", err, tt.code)
			}
		})
	}
	if _, err := vault.Open(filepath.Join(t.TempDir(), "none")); aid.CodeOf(err) != "key_file_missing" {
		t.Errorf("a missing file: %v", err)
	}
	if err := vault.Create(filepath.Join(t.TempDir(), "no", "folder", "keys.json")); aid.CodeOf(err) != "key_file_unwritable" {
		t.Errorf("a missing folder: %v", err)
	}
}

func TestOpenOrCreateKeepsTheKeys(t *testing.T) {
	path := filepath.Join(t.TempDir(), "keys.json")
	first, err := vault.OpenOrCreate(path)
	if err != nil {
		t.Fatal(err)
	}
	second, err := vault.OpenOrCreate(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := second.Open("persons", "full_name", "row-1", seal(t, first)); err != nil {
		t.Errorf("the second start made new keys: %v", err)
	}
}
