package files

import (
	"bytes"
	"encoding/binary"
	"image/color"
	"image/png"
)

// walkPNG goes over the chunks of an image; nothing may follow its last.
func walkPNG(b []byte) (shape, error) {
	pixels := false
	for at := 8; ; {
		if at+12 > len(b) {
			return shape{}, refuse("file_damaged")
		}
		size := int(binary.BigEndian.Uint32(b[at:]))
		if size < 0 || size > len(b)-at-12 {
			return shape{}, refuse("file_damaged")
		}
		name := string(b[at+4 : at+8])
		at += 12 + size
		switch name {
		case "IDAT":
			pixels = true
		case "IEND":
			if !pixels {
				return shape{}, refuse("file_damaged")
			}
			if at != len(b) {
				return shape{}, refuse("file_trailing_data")
			}
			return sizePNG(b)
		}
	}
}

func sizePNG(b []byte) (shape, error) {
	c, err := png.DecodeConfig(bytes.NewReader(b))
	if err != nil {
		return shape{}, refuse("file_damaged")
	}
	s := shape{width: c.Width, height: c.Height}
	if err := s.fits(); err != nil {
		return s, err
	}
	each := 4
	switch c.ColorModel {
	case color.GrayModel:
		each = 1
	case color.Gray16Model:
		each = 2
	case color.RGBA64Model, color.NRGBA64Model:
		each = 8
	}
	if b[28] == 1 { // interlaced: the parts and the whole
		each *= 2
	}
	s.memory = s.width * s.height * each
	return s, s.fits()
}
