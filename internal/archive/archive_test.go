package archive_test

import (
	"bytes"
	"context"
	"crypto/md5" //nolint:gosec // the format of ClamAV's signatures
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/internal/archive"
	"github.com/aidflow/aidflow/internal/files"
	"github.com/aidflow/aidflow/internal/files/filestest"
	"github.com/aidflow/aidflow/internal/postgres"
	"github.com/aidflow/aidflow/internal/postgres/pgtest"
)

func TestMain(m *testing.M) { os.Exit(pgtest.Main(m)) }

// room is an archive beside a database with one case.
type room struct {
	*archive.Archive
	t      *testing.T
	db     *pgtest.DB
	caseID string
}

func open(t *testing.T, c archive.Config) *room {
	t.Helper()
	r := &room{t: t, db: pgtest.New(t)}
	var err error
	r.Archive, err = archive.New(t.Context(), r.db.Store, c)
	require.NoError(t, err)
	t.Cleanup(func() { _ = r.Close() })
	partner := r.db.Partner(t, "portal1")
	row, err := r.db.CreateCase(t.Context(), partner, postgres.NewID(aid.CaseID), postgres.CaseContent{Programme: "medical", Area: "51001",
		Applicant: postgres.Applicant{FullName: "Phạm Văn Tình"}}, true)
	require.NoError(t, err)
	r.caseID = row.ID
	return r
}

// admit sends a file as the partner and makes it a document.
func (r *room) admit(data []byte) (*postgres.File, error) {
	r.t.Helper()
	u, err := r.Receive(r.t.Context(), "portal1", bytes.NewReader(data))
	if err != nil {
		return nil, err
	}
	return r.db.AdmitFile(r.t.Context(), r.db.Partner(r.t, "portal1"), postgres.NewFile{ID: u.ID, DocumentID: postgres.NewID(aid.DocumentID), Case: r.caseID,
		Kind: "request_form", Name: "Đơn.pdf", Type: string(u.Type), Image: u.Type.Image(), Size: u.Size, Chunks: u.Chunks, Hash: u.Hash}, archive.Lease)
}

func (r *room) state(f *postgres.File) *postgres.FileRow {
	r.t.Helper()
	row, err := r.db.Document(context.Background(), r.db.Partner(r.t, "portal1"), *f.DocumentID)
	require.NoError(r.t, err)
	return row
}

func (r *room) number(query string, args ...any) (n int) {
	r.t.Helper()
	require.NoError(r.t, r.db.SQL(r.t).QueryRow(query, args...).Scan(&n))
	return n
}

func (r *room) read(f *postgres.File) ([]byte, error) {
	return io.ReadAll(r.Content(r.t.Context(), r.state(f).File))
}

// long is a PDF of so many bytes.
func long(size int) []byte {
	empty := filestest.PDF("<</A()>>")
	return filestest.PDF("<</A(" + strings.Repeat("x", size-len(empty)) + ")>>")
}

const piece = 256 << 10

func TestFilesComeBackAsTheyWereSent(t *testing.T) {
	for _, bucket := range []string{"", "mem://", "file://" + t.TempDir()} {
		t.Run("bucket "+strings.Split(bucket, ":")[0], func(t *testing.T) {
			r := open(t, archive.Config{Bucket: bucket, Unscanned: true})
			for _, size := range []int{500, piece - 1, piece, piece + 1, 3 * piece, 3*piece + 17} {
				sent := long(size)
				require.Len(t, sent, size)
				f, err := r.admit(sent)
				require.NoError(t, err)
				require.NoError(t, r.Look(t.Context(), f))
				row := r.state(f)
				sum := sha256.Sum256(sent)
				require.Equal(t, []any{postgres.FileClean, int64(size), sum[:], sum[:]}, []any{row.State, row.Size, row.Hash, row.SentHash})
				got, err := r.read(f)
				require.NoError(t, err)
				require.True(t, bytes.Equal(sent, got))
			}
			if bucket != "" {
				require.Zero(t, r.number(`SELECT count(*) FROM file_chunks`))
			}
			photo := filestest.Photo(600, 400, filestest.Shot{Comment: "Qanary"})
			f, err := r.admit(photo)
			require.NoError(t, err)
			require.NoError(t, r.Look(t.Context(), f))
			got, err := r.read(f)
			require.NoError(t, err)
			require.NotContains(t, string(got), "Qanary")
			sum := sha256.Sum256(got)
			require.Equal(t, sum[:], r.state(f).Hash)
			require.Zero(t, r.number(`SELECT count(*) FROM file_chunks WHERE file_id = $1 AND part = 'sent'`, f.ID), "what was sent is gone")
			require.Zero(t, r.number(`SELECT count(*) FROM document_files WHERE leftovers`))
		})
	}
}

// Nothing in the store is readable, and a piece that was moved, lost or cut
// off is noticed.
func TestPiecesAreSealedInTheirPlaces(t *testing.T) {
	r := open(t, archive.Config{Unscanned: true})
	sent := long(3*piece + 100)
	files := make([]*postgres.File, 2)
	for i := range files {
		var err error
		files[i], err = r.admit(sent)
		require.NoError(t, err)
		require.NoError(t, r.Look(t.Context(), files[i]))
	}
	require.Zero(t, r.number(`SELECT count(*) FROM file_chunks WHERE position('xxxxxxxx'::bytea IN sealed) > 0 OR position('%PDF'::bytea IN sealed) > 0`))
	one, other := files[0].ID, files[1].ID
	sql := r.db.SQL(t)
	for name, change := range map[string]string{
		"swapped within the file": `UPDATE file_chunks a SET sealed = b.sealed FROM file_chunks b WHERE a.file_id = '` + one + `' AND b.file_id = a.file_id AND a.n + b.n = 1`,
		"from another file":       `UPDATE file_chunks a SET sealed = b.sealed FROM file_chunks b WHERE a.file_id = '` + one + `' AND b.file_id = '` + other + `' AND a.n = b.n AND a.n = 1`,
		"cut off before its end":  `UPDATE document_files SET chunks = 3 WHERE id = '` + one + `'`,
		"one bit":                 `UPDATE file_chunks SET sealed = set_byte(sealed, 100, get_byte(sealed, 100) # 1) WHERE file_id = '` + one + `' AND n = 2`,
		"the last as one of many": `UPDATE document_files SET chunks = 5 WHERE id = '` + one + `'`,
		"lost in the middle":      `DELETE FROM file_chunks WHERE file_id = '` + one + `' AND n = 1`,
		"the end of another's":    `UPDATE file_chunks a SET sealed = b.sealed FROM file_chunks b WHERE a.file_id = '` + one + `' AND b.file_id = '` + other + `' AND a.n = 2 AND b.n = 3`,
		"one piece twice":         `UPDATE file_chunks a SET sealed = b.sealed FROM file_chunks b WHERE a.file_id = '` + one + `' AND b.file_id = a.file_id AND a.n = 1 AND b.n = 0`,
	} {
		t.Run(name, func(t *testing.T) {
			conn, err := sql.Conn(t.Context())
			require.NoError(t, err)
			defer func() { _ = conn.Close() }()
			for _, s := range []string{`CREATE TEMP TABLE kept AS TABLE file_chunks`, `CREATE TEMP TABLE rows AS TABLE document_files`,
				`SET session_replication_role = replica`, change} {
				_, err := conn.ExecContext(t.Context(), s)
				require.NoError(t, err, s)
			}
			_, err = r.read(files[0])
			require.Error(t, err)
			for _, s := range []string{`DELETE FROM file_chunks`, `INSERT INTO file_chunks TABLE kept`, `UPDATE document_files d SET chunks = r.chunks FROM rows r WHERE r.id = d.id`,
				`DROP TABLE kept, rows`, `SET session_replication_role = origin`} {
				_, err := conn.ExecContext(t.Context(), s)
				require.NoError(t, err, s)
			}
			got, err := r.read(files[0])
			require.NoError(t, err)
			require.True(t, bytes.Equal(sent, got))
		})
	}
}

type cutReader struct {
	io.Reader
	err error
}

func (c *cutReader) Read(b []byte) (int, error) {
	n, err := c.Reader.Read(b)
	if errors.Is(err, io.EOF) {
		err = c.err
	}
	return n, err
}

// An upload that ends before its end leaves nothing: not when its connection
// ends, and not when the machine does.
func TestUploadsThatAreCutLeaveNothing(t *testing.T) {
	r := open(t, archive.Config{Unscanned: true})
	for _, size := range []int{100, piece - 10, piece, 2*piece + 5} {
		for _, how := range []error{io.ErrUnexpectedEOF, net.ErrClosed, context.Canceled} {
			_, err := r.Receive(t.Context(), "portal1", &cutReader{bytes.NewReader(long(3 * piece)[:size]), how})
			require.Equal(t, "upload_cut", aid.CodeOf(err))
		}
	}
	require.Zero(t, r.number(`SELECT count(*) FROM document_files`)+r.number(`SELECT count(*) FROM file_chunks`))

	_, err := r.Receive(t.Context(), "portal1", bytes.NewReader(long(2*piece))) // and its process dies
	require.NoError(t, err)
	require.NoError(t, r.Sweep(t.Context()))
	require.Equal(t, 1, r.number(`SELECT count(*) FROM document_files`), "it may still come")
	r.db.Clock.Advance(2 * time.Hour)
	require.NoError(t, r.Sweep(t.Context()))
	require.Zero(t, r.number(`SELECT count(*) FROM document_files`)+r.number(`SELECT count(*) FROM file_chunks`))
}

func TestTooLargeAndWrongFilesLeaveNothing(t *testing.T) {
	r := open(t, archive.Config{Unscanned: true})
	_, err := r.Receive(t.Context(), "portal1", bytes.NewReader(append(filestest.PDF(), make([]byte, files.MaxSize)...)))
	require.Equal(t, "file_too_large", aid.CodeOf(err))
	_, err = r.Receive(t.Context(), "portal1", io.MultiReader(bytes.NewReader(long(files.MaxSize)), strings.NewReader("1")))
	require.Equal(t, "file_too_large", aid.CodeOf(err))
	u, err := r.Receive(t.Context(), "portal1", bytes.NewReader(long(files.MaxSize)))
	require.NoError(t, err)
	require.EqualValues(t, files.MaxSize, u.Size)
	r.Discard(t.Context(), u)
	for _, f := range filestest.Hostile() {
		f, admitted := f, false
		if u, err := r.Receive(t.Context(), "portal1", bytes.NewReader(f.Data)); err == nil {
			r.Discard(t.Context(), u)
			admitted = true
		} else {
			require.Equal(t, f.Code, aid.CodeOf(err), f.Name)
		}
		require.Equal(t, admitted, f.Code != "file_empty" && f.Code != "unsupported_file_type", f.Name)
	}
	require.Zero(t, r.number(`SELECT count(*) FROM document_files`)+r.number(`SELECT count(*) FROM file_chunks`))
}

// Hostile files that begin well are refused by the look; their bytes are gone
// and their case says why.
func TestHostileFilesAreRejected(t *testing.T) {
	r := open(t, archive.Config{Unscanned: true})
	n := 0
	for _, h := range filestest.Hostile() {
		f, err := r.admit(h.Data)
		if err != nil {
			continue
		}
		n++
		require.Equal(t, h.Code, aid.CodeOf(r.Look(t.Context(), f)), h.Name)
		row := r.state(f)
		require.Equal(t, []string{postgres.FileRefused, h.Code}, []string{row.State, row.Reason}, h.Name)
		_, err = r.db.ReadDocument(t.Context(), r.db.Partner(t, "portal1"), *f.DocumentID, "")
		require.Equal(t, "document_not_clean", aid.CodeOf(err))
	}
	require.Greater(t, n, 40)
	require.Zero(t, r.number(`SELECT count(*) FROM file_chunks`)+r.number(`SELECT count(*) FROM case_documents WHERE case_id = $1`, r.caseID))
	require.Equal(t, n, r.number(`SELECT count(*) FROM events WHERE kind = 'document.rejected'`))
}

// daemon starts a real clamd that knows one file by its sum.
func daemon(t *testing.T, infected []byte) (address string) {
	t.Helper()
	path, err := exec.LookPath("clamd")
	if err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal("no clamd: install clamav-daemon")
		}
		t.Skip("no clamd: install clamav-daemon")
	}
	dir, err := os.MkdirTemp("", "clamd") // a socket's path is short
	require.NoError(t, err)
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	sum := md5.Sum(infected) //nolint:gosec // as above
	socket := filepath.Join(dir, "s")
	require.NoError(t, os.WriteFile(filepath.Join(dir, "t.hdb"), fmt.Appendf(nil, "%s:%d:Test.Planted\n", hex.EncodeToString(sum[:]), len(infected)), 0o600))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "conf"), []byte("Foreground yes\nDatabaseDirectory "+dir+"\nLocalSocket "+socket+"\nConcurrentDatabaseReload no\n"), 0o600))
	cmd := exec.Command(path, "--config-file="+filepath.Join(dir, "conf"))
	require.NoError(t, cmd.Start())
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	require.Eventually(t, func() bool {
		conn, err := net.Dial("unix", socket)
		if err == nil {
			_ = conn.Close()
		}
		return err == nil
	}, time.Minute, 50*time.Millisecond)
	return "clamd://" + socket
}

func TestARealScanner(t *testing.T) {
	bad := long(2*piece + 3)
	bad[len(bad)-60] = 'y' // differs from the good one
	r := open(t, archive.Config{Scanner: daemon(t, bad)})
	good, err := r.admit(long(2*piece + 3))
	require.NoError(t, err)
	require.NoError(t, r.Look(t.Context(), good))
	require.Equal(t, postgres.FileClean, r.state(good).State)

	f, err := r.admit(bad)
	require.NoError(t, err)
	require.Equal(t, "file_infected", aid.CodeOf(r.Look(t.Context(), f)))
	require.Equal(t, []string{postgres.FileInfected, "file_infected"}, []string{r.state(f).State, r.state(f).Reason})
	require.Zero(t, r.number(`SELECT count(*) FROM file_chunks WHERE file_id = $1`, f.ID))
	require.Equal(t, 1, r.number(`SELECT count(*) FROM events WHERE kind = 'document.rejected' AND data ->> 'reason_code' = 'file_infected'`))
	require.Equal(t, 1, r.number(`SELECT count(*) FROM case_documents WHERE case_id = $1 AND state = 'listed'`, r.caseID), "the good one stays")
}

// A scanner that is away, or talks nonsense, lets nothing through; when it is
// back the sweep goes on by itself.
func TestAScannerThatIsAway(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	answers := make(chan string, 1)
	go serve(l, answers)
	t.Cleanup(func() { _ = l.Close() })
	r := open(t, archive.Config{Scanner: "clamd://" + l.Addr().String()})
	f, err := r.admit(filestest.PDF())
	require.NoError(t, err)
	for _, nonsense := range []string{"", "stream: ", "stream: OK", "OK\x00", "stream: OK \x00", "INSTREAM size limit exceeded. ERROR\x00", "stream:  FOUND\x00x", strings.Repeat("x", 5000)} {
		answers <- nonsense
		require.NoError(t, r.Look(t.Context(), f), nonsense)
		require.Equal(t, []string{postgres.FileQuarantine, "scanner_unavailable"}, []string{r.state(f).State, r.state(f).Reason}, nonsense)
		_, err = r.db.ReadDocument(t.Context(), r.db.Partner(t, "portal1"), *f.DocumentID, "")
		require.Equal(t, "document_not_clean", aid.CodeOf(err))
	}
	require.Zero(t, r.number(`SELECT count(*) FROM case_documents WHERE case_id = $1`, r.caseID))
	require.NoError(t, r.Sweep(t.Context()))
	require.Equal(t, postgres.FileQuarantine, r.state(f).State, "not before its time")
	r.db.Clock.Advance(10 * time.Minute)
	answers <- "stream: OK\x00"
	require.NoError(t, r.Sweep(t.Context()))
	require.Equal(t, postgres.FileClean, r.state(f).State)
	require.Equal(t, 1, r.number(`SELECT count(*) FROM case_documents WHERE case_id = $1 AND state = 'listed'`, r.caseID))
}

// serve is a server that reads one file for each answer and gives it.
func serve(l net.Listener, answers <-chan string) {
	for {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		var all []byte
		b := make([]byte, 64<<10)
		for !bytes.HasSuffix(all, []byte{0, 0, 0, 0}) {
			n, err := conn.Read(b)
			if err != nil {
				break
			}
			all = append(all, b[:n]...)
		}
		_, _ = io.WriteString(conn, <-answers)
		_ = conn.Close()
	}
}

func TestWithoutAScannerNothingPasses(t *testing.T) {
	r := open(t, archive.Config{})
	f, err := r.admit(filestest.PDF())
	require.NoError(t, err)
	require.NoError(t, r.Look(t.Context(), f))
	require.Equal(t, postgres.FileQuarantine, r.state(f).State)
}

func TestAddressesOfScanners(t *testing.T) {
	for address, ok := range map[string]bool{"clamd://127.0.0.1:3310": true, "clamd:///run/clamav/clamd.ctl": true, "none": true,
		"clamd://": false, "clamd://host": false, "http://host:1": false, "clamd://host:1/path": false, "%": false} {
		_, err := archive.New(t.Context(), nil, archive.Config{Scanner: address})
		require.Equal(t, ok, err == nil, address)
	}
}

// A look that ends between two of its steps is made again, with one effect.
func TestLooksMayBeMadeAgain(t *testing.T) {
	r := open(t, archive.Config{Unscanned: true})
	f, err := r.admit(filestest.Photo(300, 300, filestest.Shot{}))
	require.NoError(t, err)
	for n, last := range []bool{false, true} { // an earlier look has written half of its work
		require.NoError(t, r.db.PutChunk(t.Context(), postgres.Chunk{File: f.ID, Part: postgres.PartKept, N: n, Last: last}, []byte("rest of an earlier look")))
	}
	require.NoError(t, r.Look(t.Context(), f))
	first, err := r.read(f)
	require.NoError(t, err)
	require.NoError(t, r.Look(t.Context(), f), "a look that comes late changes nothing")
	again, err := r.read(f)
	require.NoError(t, err)
	require.True(t, bytes.Equal(first, again))
	require.Equal(t, 1, r.number(`SELECT count(*) FROM case_documents WHERE case_id = $1`, r.caseID))

	f, err = r.admit(filestest.Photo(300, 300, filestest.Shot{})) // and nobody looks: the process died
	require.NoError(t, err)
	r.db.Clock.Advance(archive.Lease + time.Minute)
	require.NoError(t, r.Sweep(t.Context()))
	require.Equal(t, postgres.FileClean, r.state(f).State)
	require.Equal(t, 1, r.number(`SELECT count(*) FROM case_documents WHERE case_id = $1 AND state = 'listed'`, r.caseID))
	require.Equal(t, 1, r.number(`SELECT count(*) FROM case_documents WHERE case_id = $1 AND state = 'replaced'`, r.caseID))
}
