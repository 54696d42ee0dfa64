// Package files says what an uploaded file is and makes it safe to keep. The
// bytes alone decide: its name and the type that was claimed for it are not
// looked at. It does no I/O.
package files

import (
	"bytes"
	"encoding/binary"
	"slices"

	"github.com/gabriel-vasile/mimetype"

	"github.com/aidflow/aidflow/aid"
)

// Type is the media type of a file that is accepted.
type Type string

// The types that are accepted; everything else is refused.
const (
	PDF  Type = "application/pdf"
	JPEG Type = "image/jpeg"
	PNG  Type = "image/png"
	HEIC Type = "image/heic" // kept as JPEG
)

// Limits of what is accepted.
const (
	MaxSize   = 20 << 20  // bytes of a file
	MaxPixels = 50 << 20  // pixels of an image; checked before it is decoded
	maxMemory = 256 << 20 // bytes that a decoded image may take
	HeadSize  = 3072      // bytes that Sniff wants to see
)

// Extension gives the ending of a file name for a type: ".jpg".
func (t Type) Extension() string {
	return map[Type]string{PDF: ".pdf", JPEG: ".jpg", PNG: ".png", HEIC: ".heic"}[t]
}

// Image tells whether a file of this type is decoded and encoded anew.
func (t Type) Image() bool { return t != PDF }

// Sniff tells the type from the first HeadSize bytes of a file, or from all of
// a shorter one. The signature must stand at offset 0.
//
// Errors: Invalid file_empty, unsupported_file_type.
func Sniff(head []byte) (Type, error) {
	if len(head) == 0 {
		return "", refuse("file_empty")
	}
	var t Type
	switch {
	case bytes.HasPrefix(head, []byte("%PDF-1.")), bytes.HasPrefix(head, []byte("%PDF-2.")):
		t = PDF
	case bytes.HasPrefix(head, []byte{0xff, 0xd8, 0xff}):
		t = JPEG
	case bytes.HasPrefix(head, []byte("\x89PNG\r\n\x1a\n\x00\x00\x00\x0dIHDR")):
		t = PNG
	case isHEIC(head):
		t = HEIC
	default:
		return "", refuse("unsupported_file_type")
	}
	if !agrees(t, mimetype.Detect(head)) {
		return "", refuse("unsupported_file_type")
	}
	return t, nil
}

// agrees asks a second opinion: a head that looks like two things is neither.
func agrees(t Type, other *mimetype.MIME) bool {
	if t == HEIC {
		return other.Is("image/heic") || other.Is("image/heif")
	}
	return other.Is(string(t)) || (t == PNG && other.Is("image/vnd.mozilla.apng"))
}

// isHEIC looks at the brands: a still image coded by HEVC, not AVIF, not a
// film.
func isHEIC(head []byte) bool {
	if len(head) < 16 || string(head[4:8]) != "ftyp" {
		return false
	}
	size := binary.BigEndian.Uint32(head)
	if size < 16 || size > 256 || size%4 != 0 || int(size) > len(head) {
		return false
	}
	major, brands := string(head[8:12]), []string{}
	for i := 16; i < int(size); i += 4 {
		brands = append(brands, string(head[i:i+4]))
	}
	if slices.ContainsFunc(append(brands, major), func(b string) bool { return b == "avif" || b == "avis" }) {
		return false
	}
	hevc := func(b string) bool { return b == "heic" || b == "heix" }
	return hevc(major) || (major == "mif1" && slices.ContainsFunc(brands, hevc))
}

// Made is what is kept of a file.
type Made struct {
	Type Type   // of Data
	Data []byte // nil when the file is kept as it was sent
	Seen
}

// Make checks a whole file and gives what is to be kept: an image is decoded
// within the limits and encoded anew, upright, without anything that was not a
// pixel; a PDF is kept as it was sent, or refused. It takes several times the
// memory of the image: the caller lets one run at a time.
//
// Errors: those of Sniff; Invalid file_too_large, file_damaged (cut short or
// broken), file_trailing_data, file_polyglot (it is something else as well),
// image_too_large (too many pixels), image_too_complex, pdf_encrypted,
// pdf_active (scripts, commands, files inside), pdf_too_complex.
func Make(data []byte) (Made, error) {
	if len(data) > MaxSize {
		return Made{}, refuse("file_too_large")
	}
	t, err := Sniff(data[:min(len(data), HeadSize)])
	if err != nil {
		return Made{}, err
	}
	if endsAsZIP(data) {
		return Made{}, refuse("file_polyglot")
	}
	if t == PDF {
		return Made{Type: PDF}, checkPDF(data)
	}
	return makeImage(t, data)
}

// endsAsZIP tells whether an archiver would open the file: archives are read
// from their end.
func endsAsZIP(data []byte) bool {
	const record = 22
	tail := data[max(0, len(data)-record-65535):]
	for {
		i := bytes.LastIndex(tail, []byte("PK\x05\x06"))
		if i < 0 {
			return false
		}
		if rest := tail[i:]; len(rest) >= record && int(binary.LittleEndian.Uint16(rest[20:])) == len(rest)-record {
			return true
		}
		tail = tail[:i]
	}
}

func refuse(code string) error { return aid.Refuse(aid.Invalid, code) }
