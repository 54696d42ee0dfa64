package cluster

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"time"
)

// oldest is the first major version that the project runs on.
const oldest = 14

// Binaries is one installation of the server.
type Binaries struct {
	Dir     string // holds initdb and postgres
	Version string // such as "15.18"
	Major   int
}

// MissingError says that the machine has no fitting PostgreSQL.
type MissingError struct {
	Need string // what was looked for
	Mend string // the command that mends it
}

// Error is one line with the command that mends it.
func (e *MissingError) Error() string { return e.Need + ": " + e.Mend }

// Find gives the installation to use: the first on PATH that is new enough,
// else the newest of the usual places of Debian, Fedora and Homebrew.
// *MissingError when there is none.
func Find() (Binaries, error) {
	best := Binaries{}
	for i, b := range installed() {
		if b.Major < oldest {
			continue
		}
		if i == 0 && b.Dir == onPath() {
			return b, nil
		}
		if b.Major > best.Major {
			best = b
		}
	}
	if best.Major == 0 {
		return best, &MissingError{
			Need: fmt.Sprintf("PostgreSQL %d or newer is not installed", oldest),
			Mend: installCommand(""),
		}
	}
	return best, nil
}

// binariesFor gives the installation for a data directory: one of the same
// major version when data is there already, else Find's.
func binariesFor(data string) (Binaries, error) {
	b, err := os.ReadFile(filepath.Join(data, "PG_VERSION"))
	if err != nil {
		return Find()
	}
	major, _ := strconv.Atoi(strings.TrimSpace(string(b)))
	for _, b := range installed() {
		if b.Major == major && major >= oldest {
			return b, nil
		}
	}
	return Binaries{}, &MissingError{
		Need: fmt.Sprintf("%s was made by PostgreSQL %d, which is not installed", data, major),
		Mend: fmt.Sprintf("%s (or start afresh: rm -r %s)", installCommand(strconv.Itoa(major)), filepath.Dir(data)),
	}
}

// installed lists the installations, the one on PATH first.
func installed() []Binaries {
	dirs := []string{onPath()}
	for _, pattern := range []string{
		"/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin", "/usr/bin", "/usr/local/bin", "/usr/local/pgsql/bin",
		"/opt/homebrew/opt/postgresql@*/bin", "/usr/local/opt/postgresql@*/bin", "/opt/homebrew/bin",
		"/home/linuxbrew/.linuxbrew/opt/postgresql@*/bin",
	} {
		found, _ := filepath.Glob(pattern) // the patterns are well formed
		dirs = append(dirs, found...)
	}
	var all []Binaries
	seen := map[string]bool{"": true}
	for _, dir := range dirs {
		if !seen[dir] {
			if b, ok := inspect(dir); ok {
				all = append(all, b)
			}
		}
		seen[dir] = true
	}
	return all
}

// onPath gives the folder of the postgres on PATH, or "".
func onPath() string {
	p, err := exec.LookPath("postgres")
	if err != nil {
		return ""
	}
	return filepath.Dir(p)
}

var versionLine = regexp.MustCompile(`\(PostgreSQL\) ((\d+)[\w.]*)`)

// inspect asks the server of a folder for its version.
func inspect(dir string) (Binaries, bool) {
	for _, name := range []string{"initdb", "postgres"} {
		if st, err := os.Stat(filepath.Join(dir, name)); err != nil || st.Mode()&0o111 == 0 {
			return Binaries{}, false
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	out, err := exec.CommandContext(ctx, filepath.Join(dir, "postgres"), "--version").Output()
	m := versionLine.FindSubmatch(out)
	if err != nil || m == nil {
		return Binaries{}, false
	}
	major, err := strconv.Atoi(string(m[2]))
	return Binaries{Dir: dir, Version: string(m[1]), Major: major}, err == nil
}

// installCommand is the command that installs PostgreSQL on this kind of
// system; major "" means whichever it offers.
func installCommand(major string) string {
	exists := func(p string) bool { _, err := os.Stat(p); return err == nil }
	dashed := func(name, sep string) string {
		if major == "" {
			return name
		}
		return name + sep + major
	}
	switch {
	case runtime.GOOS == "darwin":
		if major == "" {
			major = "17"
		}
		return "brew install " + dashed("postgresql", "@")
	case exists("/etc/debian_version"):
		return "apt-get install -y " + dashed("postgresql", "-")
	case exists("/etc/fedora-release") || exists("/etc/redhat-release"):
		return "dnf install -y postgresql-server"
	default:
		return "install the PostgreSQL server with the package manager of this system"
	}
}
