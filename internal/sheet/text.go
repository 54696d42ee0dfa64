package sheet

import (
	"bytes"
	"errors"
	"io"
	"unicode/utf8"
)

// checkText reads a text file to its end: is it UTF-8, and how many lines does
// it have? Another encoding is named where it can be told, so that a person
// knows what to do.
func checkText(file io.Reader) (lines int, err error) {
	buffer := make([]byte, 64<<10)
	kept := 0 // bytes of a character that goes on in the next part
	first := true
	for {
		n, err := file.Read(buffer[kept:])
		part := buffer[:kept+n]
		if first && n > 0 {
			if utf16(part) {
				return 0, refuse("encoding_utf16")
			}
			first = false
		}
		lines += bytes.Count(part[kept:], []byte("\n"))
		end := whole(part)
		if !utf8.Valid(part[:end]) || (errors.Is(err, io.EOF) && end < len(part)) {
			return 0, refuse(encodingOf(part))
		}
		kept = copy(buffer, part[end:])
		if errors.Is(err, io.EOF) {
			return lines + 1, nil
		}
		if err != nil {
			return 0, err
		}
	}
}

// whole gives how much of a part is whole characters: at most three bytes may
// belong to one that goes on.
func whole(part []byte) int {
	for i := len(part) - 1; i >= 0 && i >= len(part)-utf8.UTFMax; i-- {
		if utf8.RuneStart(part[i]) {
			if utf8.FullRune(part[i:]) {
				return len(part)
			}
			return i
		}
	}
	return len(part)
}

// utf16 knows the two marks, and text of which every second byte is zero.
func utf16(part []byte) bool {
	if bytes.HasPrefix(part, []byte{0xff, 0xfe}) || bytes.HasPrefix(part, []byte{0xfe, 0xff}) {
		return true
	}
	return len(part) >= 4 && bytes.Count(part[:min(len(part), 1000)], []byte{0})*3 > min(len(part), 1000)
}

// encodingOf guesses what a text is that is not UTF-8. Windows-1258 writes the
// Vietnamese tones as bytes of their own behind a letter.
func encodingOf(part []byte) string {
	tones, others := 0, 0
	for i, b := range part {
		switch {
		case b < 0x80:
		case bytes.IndexByte([]byte{0xcc, 0xd2, 0xde, 0xec, 0xf2}, b) >= 0 && i > 0 && letter(part[i-1]):
			tones++
		default:
			others++
		}
	}
	if tones > 0 && others <= 4*tones {
		return "encoding_windows_1258"
	}
	return "encoding_not_utf8"
}

func letter(b byte) bool { return b|0x20 >= 'a' && b|0x20 <= 'z' || b >= 0xc0 }
