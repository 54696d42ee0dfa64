package filestest

import (
	"archive/zip"
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"hash/crc32"
	"strings"
)

// File is one file of a table, and the code with which it is refused.
type File struct {
	Name string
	Data []byte
	Code string
}

const (
	otherType = "unsupported_file_type"
	damaged   = "file_damaged"
	trailing  = "file_trailing_data"
	polyglot  = "file_polyglot"
	tooLarge  = "image_too_large"
	complex   = "image_too_complex"
	active    = "pdf_active"
	locked    = "pdf_encrypted"
	tooMuch   = "pdf_too_complex"
)

// Hostile gives files that somebody might send and that are to be refused:
// other types under false names, several things in one, broken ones, bombs,
// and documents that do something.
func Hostile() []File {
	return append(append(append(others(), jpegs()...), append(pngs(), heics()...)...), pdfs()...)
}

func others() []File {
	html := "<!DOCTYPE html><html><script>alert(1)</script></html>"
	list := []File{
		{"nothing", nil, "file_empty"},
		{"one byte", []byte{0xff}, otherType},
		{"zeros", make([]byte, 4096), otherType},
		{"HTML named photo.jpg", []byte(html), otherType},
		{"HTML with a byte order mark", []byte("\xef\xbb\xbf" + html), otherType},
		{"SVG", []byte(`<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>`), otherType},
		{"XML with entities", []byte(`<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;</a>`), otherType},
		{"GIF", []byte("GIF89a\x01\x00\x01\x00\x00\x00\x00;"), otherType},
		{"GIF that is JavaScript", []byte("GIF89a/*\x00*/=1;alert(1)"), otherType},
		{"WebP", []byte("RIFF\x24\x00\x00\x00WEBPVP8 \x18\x00\x00\x00"), otherType},
		{"BMP", []byte("BM\x3a\x00\x00\x00\x00\x00\x00\x00\x36\x00\x00\x00"), otherType},
		{"TIFF", []byte("II*\x00\x08\x00\x00\x00\x00\x00"), otherType},
		{"icon", []byte("\x00\x00\x01\x00\x01\x00\x10\x10"), otherType},
		{"program of Linux", []byte("\x7fELF\x02\x01\x01\x00"), otherType},
		{"program of Windows", append([]byte("MZ\x90\x00\x03"), make([]byte, 128)...), otherType},
		{"shell script", []byte("#!/bin/sh\nrm -rf /\n"), otherType},
		{"PHP", []byte("<?php system($_GET['c']); ?>"), otherType},
		{"PostScript", []byte("%!PS-Adobe-3.0\n(%pipe%id) (w) file"), otherType},
		{"RTF", []byte(`{\rtf1\ansi{\object\objocx}}`), otherType},
		{"old Office", append([]byte{0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1, 0x1a, 0xe1}, make([]byte, 512)...), otherType},
		{"ZIP", zipped("a.txt", "a"), otherType},
		{"Office with macros", zipped("word/vbaProject.bin", "x"), otherType},
		{"gzip", []byte("\x1f\x8b\x08\x00\x00\x00\x00\x00"), otherType},
		{"film", []byte("\x00\x00\x00\x18ftypmp42\x00\x00\x00\x00isommp42"), otherType},
		{"AVIF", []byte("\x00\x00\x00\x1cftypavif\x00\x00\x00\x00mif1avifmiaf"), otherType},
		{"space before a JPEG", append([]byte(" "), jpegOf(8, 8)...), otherType},
		{"HTML before a PDF", append([]byte(html), PDF()...), otherType},
		{"a byte before a PDF", append([]byte("\n"), PDF()...), otherType},
	}
	return list
}

func jpegs() []File {
	good := jpegOf(64, 64)
	sof := bytes.Index(good, []byte{0xff, 0xc0})
	sos := bytes.Index(good, []byte{0xff, 0xda})
	resized := func(w, h uint16, marker byte) []byte {
		b := bytes.Clone(good)
		b[sof+1] = marker
		binary.BigEndian.PutUint16(b[sof+5:], h)
		binary.BigEndian.PutUint16(b[sof+7:], w)
		return b
	}
	scan := good[sos : len(good)-2]
	with := func(extra []byte) []byte { return append(append(bytes.Clone(good[:2]), extra...), good[2:]...) }
	short := with([]byte{0xff, 0xfe, 0x00, 0x01})
	endless := with([]byte{0xff, 0xfe, 0xff, 0xff})
	return []File{
		{"JPEG's first bytes only", good[:3], damaged},
		{"JPEG cut in its head", good[:40], damaged},
		{"JPEG cut in its pixels", good[:len(good)-20], damaged},
		{"JPEG cut in its pixels, with an end", append(bytes.Clone(good[:sos+20]), 0xff, 0xd9), damaged},
		{"JPEG of head and end", append(bytes.Clone(good[:sos]), 0xff, 0xd9), damaged},
		{"JPEG of 65535 x 65535", resized(65535, 65535, 0xc0), tooLarge},
		{"JPEG of 50000 x 2000", resized(50000, 2000, 0xc0), tooLarge},
		{"progressive JPEG of 49 megapixels", resized(7000, 7000, 0xc2), tooLarge},
		{"JPEG without height", resized(64, 0, 0xc0), damaged},
		{"JPEG that is larger than its pixels", resized(6000, 6000, 0xc0), damaged},
		{"JPEG of two sizes", append(append(bytes.Clone(good[:sos]), good[sof:sof+19]...), good[sos:]...), damaged},
		{"JPEG of a thousand scans", append(append(bytes.Clone(good[:len(good)-2]), bytes.Repeat(scan, 1000)...), 0xff, 0xd9), complex},
		{"JPEG coded in another way", resized(64, 64, 0xc9), damaged},
		{"JPEG with a segment of length 1", short, damaged},
		{"JPEG with a segment beyond its end", endless, damaged},
		{"JPEG with a ZIP behind it", append(bytes.Clone(good), zipped("evil.jar", "x")...), polyglot},
		{"JPEG with a PDF in a comment", with(segment(0xfe, PDF())), otherType},
		{"JPEG with a PDF far behind it", append(jpegOf(900, 900), PDF()...), trailing},
		{"JPEG with HTML behind it", append(bytes.Clone(good), "<script>alert(1)</script>"...), trailing},
		{"JPEG with PHP behind it", append(bytes.Clone(good), "<?php phpinfo();"...), trailing},
		{"JPEG with a program behind it", append(bytes.Clone(good), "\x7fELF\x02"...), trailing},
	}
}

func pngs() []File {
	good := Picture(64, 64)
	flipped := bytes.Clone(good)
	flipped[bytes.Index(good, []byte("IDAT"))+8] ^= 0xff
	bomb := func(w, h uint32, depth, colour byte) []byte {
		head := binary.BigEndian.AppendUint32(binary.BigEndian.AppendUint32(nil, w), h)
		head = append(head, depth, colour, 0, 0, 0)
		var z bytes.Buffer
		zw := zlib.NewWriter(&z)
		_, _ = zw.Write(make([]byte, 8<<20)) // into memory
		_ = zw.Close()
		return pngOf(chunk("IHDR", head), chunk("IDAT", z.Bytes()), chunk("IEND", nil))
	}
	end := len(good) - 12
	return []File{
		{"PNG's signature only", good[:8], otherType},
		{"PNG cut in its pixels", good[:len(good)-30], damaged},
		{"PNG without its end", good[:end], damaged},
		{"PNG without pixels", pngOf(good[8:33], chunk("IEND", nil)), damaged},
		{"PNG with a wrong sum", flipped, damaged},
		{"PNG of 50000 x 50000", bomb(50000, 50000, 8, 2), tooLarge},
		{"PNG of 4294967295 x 1", bomb(0xffffffff, 1, 8, 2), damaged},
		{"PNG of no width", bomb(0, 64, 8, 2), damaged},
		{"PNG of 49 megapixels at 16 bits", bomb(7000, 7000, 16, 6), tooLarge},
		{"PNG that is larger than its pixels", bomb(7000, 7000, 8, 0), damaged},
		{"PNG with a chunk beyond its end", append(bytes.Clone(good[:end]), 0x7f, 0xff, 0xff, 0xff, 't', 'E', 'X', 't', 0, 0, 0, 0), damaged},
		{"PNG with a ZIP behind it", append(bytes.Clone(good), zipped("evil.jar", "x")...), polyglot},
		{"PNG with HTML behind it", append(bytes.Clone(good), "<script>alert(1)</script>"...), trailing},
		{"PNG with one byte behind it", append(bytes.Clone(good), 0), trailing},
	}
}

func heics() []File {
	swap := func(old, new string) []byte { return bytes.Replace(HEIC, []byte(old), []byte(new), 1) }
	ispe := bytes.Index(HEIC, []byte("ispe"))
	sized := bytes.Clone(HEIC)
	binary.BigEndian.PutUint32(sized[ispe+8:], 60000)
	binary.BigEndian.PutUint32(sized[ispe+12:], 60000)
	box := bytes.Clone(HEIC)
	binary.BigEndian.PutUint32(box[bytes.Index(box, []byte("meta"))-4:], 0xfffffff0)
	return []File{
		{"HEIC of a film's brand", swap("ftypheic", "ftyphevc"), otherType},
		{"HEIC of AVIF's brand", swap("ftypheic", "ftypavif"), otherType},
		{"HEIC of no brand", swap("ftypheic", "ftypxxxx"), otherType},
		{"HEIC's first box only", HEIC[:24], otherType},
		{"HEIC cut in its head", HEIC[:200], damaged},
		{"HEIC cut in its pixels", HEIC[:len(HEIC)-2000], damaged},
		{"HEIC of 60000 x 60000", sized, tooLarge},
		{"HEIC with a box beyond its end", box, damaged},
		{"HEIC coded in another way", swap("hvc1", "av01"), complex},
		{"HEIC with HTML behind it", append(bytes.Clone(HEIC), "<script>alert(1)</script>"...), damaged},
		{"HEIC with an unknown box behind it", append(bytes.Clone(HEIC), "\x00\x00\x00\x10evil<script>"...), trailing},
		{"HEIC without a description", append([]byte("\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic"), "\x00\x00\x00\x08mdat"...), damaged},
	}
}

func pdfs() []File {
	good := PDF()
	js := "<</S/JavaScript/JS(app.alert(1))>>"
	return []File{
		{"PDF's header only", []byte("%PDF-1.7\n"), damaged},
		{"PDF cut short", good[:len(good)-30], damaged},
		{"PDF with JavaScript", PDF(js), active},
		{"PDF with JavaScript, escaped", PDF("<</S/Java#53cript/JS(x)>>"), active},
		{"PDF with JavaScript, all escaped", PDF("<</S/#4a#61#76#61#53#63#72#69#70#74/JS(x)>>"), active},
		{"PDF with JavaScript, packed", PDF(Packed("5 0 " + js)), active},
		{"PDF with JavaScript, packed and far in", PDF(Packed(strings.Repeat(" ", 200_000) + js)), active},
		{"PDF with JavaScript, packed, at a border", PDF(Packed(strings.Repeat(" ", 65_530) + js)), active},
		{"PDF that starts a program", PDF("<</S/Launch/F(cmd.exe)>>"), active},
		{"PDF with a file inside", PDF("<</Type/EmbeddedFile>>"), active},
		{"PDF with files inside", PDF("<</Names<</EmbeddedFiles 4 0 R>>>>"), active},
		{"PDF that sends its form", PDF("<</S/SubmitForm/F(http://evil)>>"), active},
		{"PDF with a film inside", PDF("<</Subtype/RichMedia>>"), active},
		{"PDF that is locked", bytes.Replace(good, []byte("/Root"), []byte("/Encrypt 9 0 R/Root"), 1), locked},
		{"PDF with a ZIP behind it", append(bytes.Clone(good), zipped("evil.jar", "x")...), polyglot},
		{"PDF in the comment of a ZIP", append(bytes.Clone(good[:len(good)-6]), zipComment()...), polyglot},
		{"PDF with HTML behind it", append(bytes.Clone(good), "<script>alert(1)</script>"...), trailing},
		{"PDF with HTML in its head", bytes.Replace(good, []byte("%PDF-1.7\n"), []byte("%PDF-1.7\n%<html><script>alert(1)</script>\n"), 1), polyglot},
		{"PDF of packed zeros without end", PDF(Packed(strings.Repeat("\x00", 33<<20))), tooMuch},
	}
}

func zipped(name, text string) []byte {
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	f, _ := w.Create(name)       // into memory
	_, _ = f.Write([]byte(text)) // into memory
	_ = w.Close()
	return b.Bytes()
}

// zipComment is the end of a ZIP whose comment ends as a PDF does.
func zipComment() []byte {
	comment := "%%EOF\n"
	end := append([]byte("PK\x05\x06"), make([]byte, 16)...)
	return append(binary.LittleEndian.AppendUint16(end, uint16(len(comment))), comment...)
}

func chunk(name string, body []byte) []byte {
	out := binary.BigEndian.AppendUint32(nil, uint32(len(body)))
	out = append(append(out, name...), body...)
	return binary.BigEndian.AppendUint32(out, crc32.ChecksumIEEE(out[4:]))
}

func pngOf(chunks ...[]byte) []byte {
	return append([]byte("\x89PNG\r\n\x1a\n"), bytes.Join(chunks, nil)...)
}
