// Package filestest makes files for tests: good ones, and hostile ones.
package filestest

import (
	"bytes"
	"compress/zlib"
	_ "embed"
	"encoding/binary"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
)

// HEIC is a small photo as telephones write it; from the tests of
// github.com/gen2brain/heic (MIT).
//
//go:embed small.heic
var HEIC []byte

// Shot is what the camera of a Photo says.
type Shot struct {
	Taken       string // 2006:01:02 15:04:05; "" says nothing
	Offset      string // +07:00
	Latitude    [3]int // degrees, minutes, seconds north
	Longitude   [3]int // east
	Orientation int
	Comment     string // goes into places that nobody is to see
}

// Photo is a JPEG of w x h pixels, red on the left and blue on the right, with
// what its camera says.
func Photo(w, h int, s Shot) []byte {
	plain := jpegOf(w, h)
	out := append([]byte{}, plain[:2]...)
	out = append(out, segment(0xe1, append([]byte("Exif\x00\x00"), exif(s)...))...)
	if s.Comment != "" {
		out = append(out, segment(0xfe, []byte(s.Comment))...)
		out = append(out, segment(0xe1, []byte("http://ns.adobe.com/xap/1.0/\x00<x:xmpmeta>"+s.Comment+"</x:xmpmeta>"))...)
		out = append(out, segment(0xe2, []byte("ICC_PROFILE\x00\x01\x01"+s.Comment))...)
	}
	return append(out, plain[2:]...)
}

func jpegOf(w, h int) []byte {
	img := image.NewRGBA(image.Rect(0, 0, w, h))
	for y := range h {
		for x := range w {
			c := color.RGBA{R: 220, A: 255}
			if x >= w/2 {
				c = color.RGBA{B: 220, A: 255}
			}
			img.SetRGBA(x, y, c)
		}
	}
	var b bytes.Buffer
	_ = jpeg.Encode(&b, img, nil) // into memory
	return b.Bytes()
}

// Picture is a PNG of w x h pixels.
func Picture(w, h int) []byte {
	var b bytes.Buffer
	_ = png.Encode(&b, image.NewGray(image.Rect(0, 0, w, h))) // into memory
	return b.Bytes()
}

// PDF is a document of one empty page, with more objects.
func PDF(more ...string) []byte {
	var b bytes.Buffer
	b.WriteString("%PDF-1.7\n1 0 obj\n<</Type/Catalog/Pages 2 0 R>>\nendobj\n2 0 obj\n<</Type/Pages/Kids[3 0 R]/Count 1>>\nendobj\n" +
		"3 0 obj\n<</Type/Page/Parent 2 0 R/MediaBox[0 0 595 842]>>\nendobj\n")
	for i, m := range more {
		fmt.Fprintf(&b, "%d 0 obj\n%s\nendobj\n", 4+i, m)
	}
	b.WriteString("trailer\n<</Root 1 0 R/Size 9>>\nstartxref\n9\n%%EOF\n")
	return b.Bytes()
}

// Packed is a stream object of a PDF that holds a text packed.
func Packed(text string) string {
	var b bytes.Buffer
	w := zlib.NewWriter(&b)
	_, _ = w.Write([]byte(text)) // into memory
	_ = w.Close()
	return fmt.Sprintf("<</Type/ObjStm/N 1/First 4/Filter/FlateDecode/Length %d>>\nstream\n%s\nendstream", b.Len(), b.String())
}

func segment(marker byte, body []byte) []byte {
	return append(binary.BigEndian.AppendUint16([]byte{0xff, marker}, uint16(len(body)+2)), body...)
}

// exif writes a TIFF block, little endian: IFD0, the Exif IFD, the GPS IFD.
func exif(s Shot) []byte {
	var main, sub, gps ifd
	if s.Orientation > 0 {
		main.short(0x0112, s.Orientation)
	}
	if s.Comment != "" {
		main.text(0x010e, s.Comment)
	}
	if s.Taken != "" {
		sub.text(0x9003, s.Taken)
	}
	if s.Offset != "" {
		sub.text(0x9011, s.Offset)
	}
	if s.Latitude != [3]int{} {
		gps.text(1, "N")
		gps.degrees(2, s.Latitude)
		gps.text(3, "E")
		gps.degrees(4, s.Longitude)
	}
	const at = 8
	size := main.size() + 24 // with its two pointers
	main.long(0x8769, at+size)
	main.long(0x8825, at+size+sub.size())
	out := append([]byte("II*\x00"), binary.LittleEndian.AppendUint32(nil, at)...)
	out = append(out, main.bytes(at)...)
	out = append(out, sub.bytes(at+size)...)
	return append(out, gps.bytes(at+size+sub.size())...)
}

type ifd struct{ entries []entry }

type entry struct {
	tag, kind uint16
	count     int
	value     []byte
}

func (d *ifd) text(tag uint16, s string) {
	d.entries = append(d.entries, entry{tag, 2, len(s) + 1, append([]byte(s), 0)})
}

func (d *ifd) short(tag uint16, v int) {
	d.entries = append(d.entries, entry{tag, 3, 1, binary.LittleEndian.AppendUint16(nil, uint16(v))})
}

func (d *ifd) long(tag uint16, v int) {
	d.entries = append(d.entries, entry{tag, 4, 1, binary.LittleEndian.AppendUint32(nil, uint32(v))})
}

func (d *ifd) degrees(tag uint16, v [3]int) {
	var b []byte
	for _, n := range v {
		b = binary.LittleEndian.AppendUint32(binary.LittleEndian.AppendUint32(b, uint32(n)), 1)
	}
	d.entries = append(d.entries, entry{tag, 5, 3, b})
}

func (d *ifd) size() int {
	n := 2 + 12*len(d.entries) + 4
	for _, e := range d.entries {
		if len(e.value) > 4 {
			n += len(e.value) + len(e.value)%2
		}
	}
	return n
}

func (d *ifd) bytes(at int) []byte {
	le := binary.LittleEndian
	head, rest := le.AppendUint16(nil, uint16(len(d.entries))), []byte{}
	behind := at + 2 + 12*len(d.entries) + 4
	for _, e := range d.entries {
		head = le.AppendUint16(le.AppendUint16(head, e.tag), e.kind)
		head = le.AppendUint32(head, uint32(e.count))
		if len(e.value) <= 4 {
			head = append(head, append(append([]byte{}, e.value...), make([]byte, 4-len(e.value))...)...)
			continue
		}
		head = le.AppendUint32(head, uint32(behind+len(rest)))
		rest = append(rest, e.value...)
		rest = append(rest, make([]byte, len(e.value)%2)...)
	}
	return append(append(head, 0, 0, 0, 0), rest...)
}
