package stack

import (
	"bytes"
	"net/url"
	"os"
	"path/filepath"
)

// FindDir gives the state folder to use from the folder wd: .aidflow of the
// clone that wd is in, else of wd itself.
func FindDir(wd string) string {
	for dir := wd; ; dir = filepath.Dir(dir) {
		mod, err := os.ReadFile(filepath.Join(dir, "go.mod"))
		if err == nil && bytes.HasPrefix(mod, []byte("module github.com/aidflow/aidflow\n")) {
			return filepath.Join(dir, ".aidflow")
		}
		if dir == filepath.Dir(dir) {
			return filepath.Join(wd, ".aidflow")
		}
	}
}

// hostOf gives host:port of a URL that we made ourselves.
func hostOf(s string) string {
	u, err := url.Parse(s)
	if err != nil {
		return ""
	}
	return u.Host
}
