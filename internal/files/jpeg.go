package files

import (
	"bytes"
	"encoding/binary"
)

// maxScans is more than any camera or program writes. Each scan of a
// progressive image goes over all of its blocks again.
const maxScans = 32

// shape is what an image says about itself before it is decoded.
type shape struct {
	width, height int
	memory        int // bytes that decoding takes, from above
}

// fits refuses what would take too much to decode.
func (s shape) fits() error {
	if s.width <= 0 || s.height <= 0 {
		return refuse("file_damaged")
	}
	if s.width > MaxPixels/s.height || s.memory > maxMemory {
		return refuse("image_too_large")
	}
	return nil
}

// walkJPEG goes over the segments of an image to its end, and looks at what
// comes after.
func walkJPEG(b []byte) (shape, error) {
	var s shape
	scans := 0
	for at := 2; ; {
		marker, next, ok := nextMarker(b, at)
		if !ok {
			return s, refuse("file_damaged")
		}
		at = next
		switch {
		case marker == 0xd9:
			if scans == 0 || s.width == 0 {
				return s, refuse("file_damaged")
			}
			return s, checkTrailer(b[at:])
		case marker == 0x01 || (marker >= 0xd0 && marker <= 0xd7):
			continue
		}
		if at+2 > len(b) || at+int(binary.BigEndian.Uint16(b[at:])) > len(b) || binary.BigEndian.Uint16(b[at:]) < 2 {
			return s, refuse("file_damaged")
		}
		body := b[at+2 : at+int(binary.BigEndian.Uint16(b[at:]))]
		at += 2 + len(body)
		switch {
		case marker >= 0xc0 && marker <= 0xc2:
			if s.width != 0 {
				return s, refuse("file_damaged")
			}
			var err error
			if s, err = readFrame(body, marker == 0xc2); err != nil {
				return s, err
			}
		case marker == 0xda:
			if scans++; scans > maxScans {
				return s, refuse("image_too_complex")
			}
			at = skipEntropy(b, at)
		}
	}
}

// nextMarker reads the marker at an offset; bytes that only fill may precede.
func nextMarker(b []byte, at int) (marker byte, next int, ok bool) {
	if at >= len(b) || b[at] != 0xff {
		return 0, 0, false
	}
	for at < len(b) && b[at] == 0xff {
		at++
	}
	if at >= len(b) || b[at] == 0 {
		return 0, 0, false
	}
	return b[at], at + 1, true
}

// skipEntropy finds the end of coded pixels: a marker that is no restart.
func skipEntropy(b []byte, at int) int {
	for at < len(b) {
		i := bytes.IndexByte(b[at:], 0xff)
		if i < 0 || at+i+1 >= len(b) {
			return len(b)
		}
		at += i
		if m := b[at+1]; m != 0 && (m < 0xd0 || m > 0xd7) {
			return at
		}
		at += 2
	}
	return at
}

func readFrame(body []byte, progressive bool) (shape, error) {
	if len(body) < 6 || len(body) != 6+3*int(body[5]) || body[5] == 0 || body[5] > 4 {
		return shape{}, refuse("file_damaged")
	}
	s := shape{height: int(binary.BigEndian.Uint16(body[1:])), width: int(binary.BigEndian.Uint16(body[3:]))}
	samples, most := 0, 1
	for i := range int(body[5]) {
		h, v := int(body[7+3*i]>>4), int(body[7+3*i]&15)
		if h < 1 || h > 4 || v < 1 || v > 4 {
			return shape{}, refuse("file_damaged")
		}
		samples, most = samples+h*v, max(most, h*v)
	}
	s.memory = s.width * s.height / most * samples
	if progressive {
		s.memory *= 5 // the coefficients of all blocks are kept, four bytes each
	}
	return s, s.fits()
}

// checkTrailer passes what cameras write behind an image: filling, a second
// picture, a short film. None of it is kept.
func checkTrailer(rest []byte) error {
	rest = bytes.TrimLeft(rest, "\x00\r\n")
	switch {
	case len(rest) == 0, bytes.HasPrefix(rest, []byte{0xff, 0xd8, 0xff}):
		return nil
	case len(rest) > 8 && string(rest[4:8]) == "ftyp", len(rest) > 5 && bytes.Contains(rest[:5], []byte("ftyp")):
		return nil // the zeros of its size were trimmed
	case bytes.HasSuffix(rest, []byte("SEFT")):
		return nil
	}
	return refuse("file_trailing_data")
}
