package cluster

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// identity is the user that the server runs as. PostgreSQL refuses root.
type identity struct {
	uid, gid int
	name     string
	drop     bool // we are root and become this user
}

// chooseIdentity keeps an ordinary user. Root becomes the owner of the data
// directory if there is one, else postgres, else nobody.
func chooseIdentity(data string) (identity, error) {
	if uid := os.Geteuid(); uid != 0 {
		return identity{uid: uid, gid: os.Getegid(), name: "user " + strconv.Itoa(uid)}, nil
	}
	if st, err := os.Stat(data); err == nil {
		if s, ok := st.Sys().(*syscall.Stat_t); ok && s.Uid != 0 {
			return identity{uid: int(s.Uid), gid: int(s.Gid), name: "user " + strconv.Itoa(int(s.Uid)), drop: true}, nil
		}
	}
	for _, name := range []string{"postgres", "_postgres", "nobody"} {
		u, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, err1 := strconv.Atoi(u.Uid)
		gid, err2 := strconv.Atoi(u.Gid)
		if err1 == nil && err2 == nil && uid > 0 {
			return identity{uid: uid, gid: gid, name: name, drop: true}, nil
		}
	}
	return identity{}, errors.New("PostgreSQL refuses to run as root and there is no user postgres or nobody: useradd --system postgres")
}

// attributes make a process run as the identity.
func (w identity) attributes() *syscall.SysProcAttr {
	a := &syscall.SysProcAttr{}
	if w.drop {
		a.Credential = &syscall.Credential{Uid: uint32(w.uid), Gid: uint32(w.gid)}
	}
	return a
}

// own makes dir a private folder of the identity. It refuses a folder that
// somebody else owns: in a shared place it may be a trap.
func (w identity) own(dir string) error {
	if err := os.MkdirAll(filepath.Dir(dir), 0o755); err != nil {
		return err
	}
	if err := os.Mkdir(dir, 0o700); err == nil {
		if err := w.chown(dir); err != nil {
			return err
		}
	} else if !errors.Is(err, fs.ErrExist) {
		return err
	}
	st, err := os.Lstat(dir)
	if err != nil {
		return err
	}
	s, ok := st.Sys().(*syscall.Stat_t)
	if ok && st.IsDir() && int(s.Uid) == 0 && w.drop {
		return errors.Join(w.chown(dir), os.Chmod(dir, 0o700))
	}
	if !ok || !st.IsDir() || int(s.Uid) != w.uid {
		return fmt.Errorf("%s belongs to another user: start as that user, or remove it, or choose another with --data-dir", dir)
	}
	return os.Chmod(dir, 0o700)
}

// chown gives a path to the identity; nothing to do unless we are root.
func (w identity) chown(path string) error {
	if !w.drop {
		return nil
	}
	return os.Lchown(path, w.uid, w.gid)
}

// writeFile replaces a private file of the identity, whole or not at all.
func (w identity) writeFile(path string, b []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".*")
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	err = errors.Join(err, f.Close(), w.chown(f.Name()))
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return nil
}

// canUse tells whether the identity can enter dir and keep a private folder
// there. It asks the system, as that user, rather than reading mode bits.
func (w identity) canUse(dir string) bool {
	probe, err := os.MkdirTemp(dir, "probe-")
	if err != nil {
		return false
	}
	defer os.RemoveAll(probe)
	if w.chown(probe) != nil {
		return false
	}
	cmd := exec.Command("/bin/sh", "-c", `cd "$1" && : > f && chmod 700 .`, "sh", probe)
	cmd.Dir = "/"
	cmd.SysProcAttr = w.attributes()
	if cmd.Run() != nil {
		return false
	}
	st, err := os.Stat(probe)
	return err == nil && st.Mode().Perm() == 0o700 // some shared folders ignore modes
}

// Home gives the folder for the cluster that belongs to the state folder base:
// base/postgres, or, where the server's user cannot enter base (a clone in a
// private home, started by root), a folder per clone elsewhere; then
// base/postgres.path says where. base is made when missing.
func Home(base string) (string, error) {
	base, err := filepath.Abs(base)
	if err != nil {
		return "", err
	}
	if err := os.MkdirAll(base, 0o711); err != nil {
		return "", err
	}
	pointer := filepath.Join(base, "postgres.path")
	if b, err := os.ReadFile(pointer); err == nil {
		if dir := strings.TrimSpace(string(b)); filepath.IsAbs(dir) {
			return dir, nil
		}
	}
	near := filepath.Join(base, "postgres")
	if _, err := os.Stat(filepath.Join(near, "data", "PG_VERSION")); err == nil || errors.Is(err, fs.ErrPermission) {
		return near, nil
	}
	who, err := chooseIdentity(near)
	if err != nil {
		return "", err
	}
	if who.canUse(base) {
		return near, nil
	}
	// A new name each time: data of a state folder that was removed has lost
	// its keys with it.
	sum := sha256.Sum256([]byte(base))
	name := hex.EncodeToString(sum[:6]) + "-" + newPassword()[:8]
	far := filepath.Join("/var/tmp", "aidflow-"+name)
	if who.drop { // root may use a place that no cleaner of old files visits
		far = filepath.Join("/var/lib/aidflow-dev", name)
	}
	return far, os.WriteFile(pointer, []byte(far+"\n"), 0o644)
}
