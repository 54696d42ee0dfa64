package bankfile_test

import (
	"bytes"
	"io"
	"runtime"
	"testing"

	"github.com/aidflow/aidflow/rails"
	"github.com/aidflow/aidflow/rails/bankfile"
	"github.com/aidflow/aidflow/rails/bankfile/banktest"
)

// large gives the books of a bank that paid many lines.
func large(tb testing.TB, many int) *banktest.Books {
	tb.Helper()
	f, err := rail(tb, bankfile.Settings{MaxLines: many}).Write(batch(many))
	if err != nil {
		tb.Fatal(err)
	}
	d := day("VND")
	d.Opening = 1 << 40
	return pay(tb, f.Bytes, d)
}

// peak looks how high the heap is each time that a megabyte was read.
type peak struct {
	in         io.Reader
	read, next int
	heap       uint64
}

func (p *peak) Read(b []byte) (int, error) {
	n, err := p.in.Read(b)
	if p.read += n; p.read >= p.next || err != nil {
		p.next = p.read + 1<<20
		p.heap = max(p.heap, heap())
	}
	return n, err
}

func heap() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

// BenchmarkRead reads 100,000 lines and says how much of memory they took: at
// the highest beside the file itself, and for each line that is kept.
func BenchmarkRead(b *testing.B) {
	const many = 100_000
	books, r := large(b, many), rail(b, bankfile.Settings{})
	for form, file := range map[string][]byte{"camt.053": books.Statement(), "pain.002": books.Status(), "csv": books.CSV()} {
		b.Run(form, func(b *testing.B) {
			b.SetBytes(int64(len(file)))
			for b.Loop() {
				runtime.GC()
				before := heap()
				p := &peak{in: bytes.NewReader(file)}
				report, err := r.Read(p)
				if err != nil || len(report.Lines) != many {
					b.Fatal(err)
				}
				runtime.GC()
				b.ReportMetric(float64(p.heap-before)/1e6, "peak-MB")
				b.ReportMetric(float64(heap()-before)/many, "B/line")
				runtime.KeepAlive(report)
			}
			b.ReportMetric(many*float64(b.N)/b.Elapsed().Seconds(), "lines/s")
		})
	}
}

// BenchmarkWrite writes a file of 100,000 payments.
func BenchmarkWrite(b *testing.B) {
	const many = 100_000
	run := batch(many)
	for _, format := range []bankfile.Format{bankfile.Pain001, bankfile.CSV, bankfile.XLSX} {
		b.Run(string(format), func(b *testing.B) {
			r := rail(b, bankfile.Settings{Format: format, MaxLines: many})
			for b.Loop() {
				f, err := r.Write(run)
				if err != nil {
					b.Fatal(err)
				}
				b.SetBytes(int64(len(f.Bytes)))
			}
			b.ReportMetric(many*float64(b.N)/b.Elapsed().Seconds(), "lines/s")
		})
	}
}

// A large file is read to its last line, and what is missing from it is seen.
func TestALargeFile(t *testing.T) {
	t.Parallel()
	const many = 10_000
	books, r := large(t, many), rail(t, bankfile.Settings{})
	report, err := r.Read(bytes.NewReader(books.Statement()))
	if err != nil || len(report.Lines) != many || report.Lines[many-1].N != many {
		t.Fatalf("%v", err)
	}
	sum := int64(0)
	for _, l := range report.Lines {
		if l.State == rails.Settled {
			sum += l.Amount
		}
	}
	if sum != books.Sum || !report.Full {
		t.Errorf("%d of %d, full %v", sum, books.Sum, report.Full)
	}
	file := books.Statement()
	entry := bytes.Index(file[len(file)/2:], []byte("<Ntry>")) + len(file)/2
	end := bytes.Index(file[entry:], []byte("</Ntry>")) + entry + len("</Ntry>")
	if _, err := r.Read(io.MultiReader(bytes.NewReader(file[:entry]), bytes.NewReader(file[end:]))); err == nil {
		t.Error("a statement without one of its entries is believed")
	}
}
