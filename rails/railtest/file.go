package railtest

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"sync"
	"testing"
	"testing/iotest"

	"github.com/aidflow/aidflow/rails"
)

// FileSubject is one rail that travels in files, under test.
type FileSubject struct {
	// Rail is the rail as production uses it.
	Rail rails.FileRail
	// Batch makes a valid batch of n lines, n from 1. Each call gives the same.
	Batch func(n int) rails.Batch
	// Pay gives a bank the file and all that the bank sends back when it pays
	// every line: each is a file for Read, and all of them together say of
	// each line that it is settled.
	Pay func(t *testing.T, f rails.File) [][]byte
}

// RunFile runs the suite of rails that travel in files.
func RunFile(t *testing.T, open func(t *testing.T) FileSubject) {
	t.Helper()
	for _, c := range []struct {
		name string
		test func(*testing.T, FileSubject)
	}{
		{"CapabilitiesAreThoseOfFiles", fileCapabilities},
		{"TheSameBatchIsTheSameFile", sameFile},
		{"AnyChangeIsAnotherFile", otherFile},
		{"TheNameTellsNobody", fileName},
		{"EveryFaultIsToldAtOnce", allFaults},
		{"ABatchIsNotChanged", batchKept},
		{"EachLineIsToldAsSettled", eachLineSettled},
		{"ACutFileIsNotBelieved", cutFiles},
		{"WhatIsNoFileIsNotBelieved", noFile},
		{"AFaultOfTheReaderIsNoWordOfTheBank", brokenReader},
		{"ManyAtOnce", manyFiles},
	} {
		t.Run(c.name, func(t *testing.T) { c.test(t, open(t)) })
	}
}

func fileCapabilities(t *testing.T, s FileSubject) {
	c := s.Rail.Capabilities()
	if c.Instant || c.CanAsk {
		t.Error("a file pays at once, or can be asked")
	}
	b := s.Batch(1)
	if s.Rail.Name() == "" || !c.Takes(b.Currency, b.Lines[0].Payee.Method) {
		t.Error("no name, or the rail does not take what it is given")
	}
}

// write writes a batch and fails the test on any error.
func write(t *testing.T, s FileSubject, b rails.Batch) rails.File {
	t.Helper()
	f, err := s.Rail.Write(b)
	if err != nil {
		var u *rails.Unwritable
		if errors.As(err, &u) {
			t.Fatalf("write: %v %+v", err, u.Faults)
		}
		t.Fatalf("write: %v", err)
	}
	return f
}

func sameFile(t *testing.T, s FileSubject) {
	f, again := write(t, s, s.Batch(50)), write(t, s, s.Batch(50))
	if f.Name != again.Name || f.Type != again.Type || !bytes.Equal(f.Bytes, again.Bytes) {
		t.Error("the second file differs")
	}
}

func otherFile(t *testing.T, s FileSubject) {
	was := write(t, s, s.Batch(3))
	for name, change := range map[string]func(*rails.Batch){
		"amount":  func(b *rails.Batch) { b.Lines[1].Amount++ },
		"account": func(b *rails.Batch) { b.Lines[1].Payee.AccountNumber += "1" },
		"name":    func(b *rails.Batch) { b.Lines[1].Payee.AccountName += " B" },
		"key":     func(b *rails.Batch) { b.Lines[1].Key += "1" },
		"less":    func(b *rails.Batch) { b.Lines = b.Lines[:2] },
		"day":     func(b *rails.Batch) { b.ExecuteOn = b.ExecuteOn.AddDate(0, 0, 1) },
	} {
		b := s.Batch(3)
		change(&b)
		if f := write(t, s, b); bytes.Equal(f.Bytes, was.Bytes) {
			t.Errorf("another %s is not seen in the file", name)
		}
	}
}

func fileName(t *testing.T, s FileSubject) {
	b := s.Batch(2)
	f := write(t, s, b)
	if f.Name == "" || f.Type == "" || strings.ContainsAny(f.Name, "/\\ \x00") || strings.HasPrefix(f.Name, ".") {
		t.Errorf("the file is called %q, of type %q", f.Name, f.Type)
	}
	for _, l := range b.Lines {
		if strings.Contains(f.Name, l.Payee.AccountNumber) || strings.Contains(f.Name, l.Payee.AccountName) {
			t.Error("the name of the file tells a payee")
		}
	}
}

func allFaults(t *testing.T, s FileSubject) {
	b := s.Batch(6)
	b.Lines[0].Payee.AccountName = "canary \u4e00"
	b.Lines[1].Payee.AccountNumber = ""
	b.Lines[2].Payee.AccountName = strings.Repeat("canary", 100)
	b.Lines[3].Key = b.Lines[4].Key
	b.Lines[5].Amount = 0
	f, err := s.Rail.Write(b)
	var u *rails.Unwritable
	if !errors.As(err, &u) || f.Bytes != nil {
		t.Fatalf("written in spite of faults: %v", err)
	}
	told := map[int]bool{}
	for _, fault := range u.Faults {
		told[fault.Line] = true
		if fault.Field == "" || fault.Code == "" || strings.Contains(fault.Field+fault.Code, "canary") {
			t.Errorf("a fault without field or code, or with a value: %+v", fault)
		}
	}
	for _, line := range []int{1, 2, 3, 5, 6} {
		if !told[line] {
			t.Errorf("the fault of line %d is not told", line)
		}
	}
	if strings.Contains(err.Error(), "canary") {
		t.Error("the error repeats a value")
	}
	for name, b := range map[string]rails.Batch{"nothing": {}, "no line": {ID: "A", CreatedAt: b.CreatedAt, ExecuteOn: b.ExecuteOn, Debtor: b.Debtor, Currency: b.Currency}} {
		if _, err := s.Rail.Write(b); !errors.As(err, &u) || len(u.Faults) == 0 {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func batchKept(t *testing.T, s FileSubject) {
	b := s.Batch(3)
	b.Lines[0].Payee.AccountName = "Nguyễn  Thị Đặng"
	write(t, s, b)
	if b.Lines[0].Payee.AccountName != "Nguyễn  Thị Đặng" {
		t.Error("writing changed the batch")
	}
}

// told reads all that a bank sends and gives what is settled by key.
func told(t *testing.T, s FileSubject, answers [][]byte) map[string]rails.ReportLine {
	t.Helper()
	settled := map[string]rails.ReportLine{}
	for _, answer := range answers {
		r, err := s.Rail.Read(bytes.NewReader(answer))
		if err != nil {
			t.Fatalf("read: %v", err)
		}
		if r.ID == "" || r.Format == "" {
			t.Error("a report without id or format")
		}
		for i, l := range r.Lines {
			if l.N != i+1 || !l.State.Valid() {
				t.Errorf("line %d is counted as %d, state %q", i+1, l.N, l.State)
			}
			if key, ok := rails.KeyOf(l.EndToEnd); ok && l.State == rails.Settled && !l.Credit && !l.Returned {
				settled[key] = l
			}
		}
	}
	return settled
}

func eachLineSettled(t *testing.T, s FileSubject) {
	b := s.Batch(40)
	settled := told(t, s, s.Pay(t, write(t, s, b)))
	for _, l := range b.Lines {
		if got := settled[l.Key]; got.Amount != l.Amount || got.Currency != l.Currency {
			t.Errorf("%s is told as settled with %d %s, not %d %s", l.Key, got.Amount, got.Currency, l.Amount, l.Currency)
		}
		delete(settled, l.Key)
	}
	if len(settled) > 0 {
		t.Errorf("%d lines of nobody are settled", len(settled))
	}
}

// cutFiles cuts what the bank sent behind every byte but those of the last
// line end, and what follows the last piece of content.
func cutFiles(t *testing.T, s FileSubject) {
	for _, answer := range s.Pay(t, write(t, s, s.Batch(2))) {
		whole := bytes.TrimRight(answer, "\r\n")
		for n := range whole {
			r, err := s.Rail.Read(bytes.NewReader(whole[:n]))
			var u *rails.Unreadable
			if !errors.As(err, &u) || u.Code == "" || r != nil {
				t.Fatalf("cut behind byte %d of %d: %v", n, len(whole), err)
			}
		}
	}
}

func noFile(t *testing.T, s FileSubject) {
	for name, content := range map[string]string{
		"nothing": "", "space": " \n ", "a word": "hello", "no document": "<x/>", "zeros": "\x00\x00\x00\x00",
		"an archive": "PK\x03\x04", "a page": "<!DOCTYPE html><html></html>",
		"another message": `<Document xmlns="urn:iso:std:iso:20022:tech:xsd:pacs.008.001.08"></Document>`,
	} {
		r, err := s.Rail.Read(strings.NewReader(content))
		var u *rails.Unreadable
		if !errors.As(err, &u) || r != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	own := write(t, s, s.Batch(2)) // what we sent is no word of the bank
	if r, err := s.Rail.Read(bytes.NewReader(own.Bytes)); err == nil {
		t.Errorf("our own file is read as an answer of %d lines", len(r.Lines))
	}
}

func brokenReader(t *testing.T, s FileSubject) {
	fault := errors.New("the disk is gone")
	for _, answer := range s.Pay(t, write(t, s, s.Batch(2))) {
		in := io.MultiReader(bytes.NewReader(answer[:len(answer)/2]), iotest.ErrReader(fault))
		if _, err := s.Rail.Read(in); !errors.Is(err, fault) {
			t.Errorf("a broken reader: %v", err)
		}
		if r, err := s.Rail.Read(iotest.OneByteReader(bytes.NewReader(answer))); err != nil || r == nil {
			t.Errorf("a slow reader: %v", err)
		}
	}
}

func manyFiles(t *testing.T, s FileSubject) {
	want := write(t, s, s.Batch(5))
	answers := s.Pay(t, want)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			f, err := s.Rail.Write(s.Batch(5))
			if err != nil || !bytes.Equal(f.Bytes, want.Bytes) {
				t.Errorf("another file beside others: %v", err)
			}
			for _, a := range answers {
				if _, err := s.Rail.Read(bytes.NewReader(a)); err != nil {
					t.Errorf("read beside others: %v", err)
				}
			}
		})
	}
	wg.Wait()
}
