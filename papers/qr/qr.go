// Package qr makes QR codes: of a text, its dark and light squares. Drawing
// them on a page is the work of papers/pdf and papers/page; as a picture of
// their own they are PNG or SVG. The same text gives the same bytes.
package qr

import (
	"bytes"
	"fmt"
	"image"
	"image/color"
	"image/png"

	"github.com/boombuler/barcode/qr"
)

// Quiet is the width of the light border, in squares, without which cameras do
// not find a code.
const Quiet = 4

// Code is a code without its border: Dark[y][x].
type Code struct{ Dark [][]bool }

// Of makes the code of a text, with 15 % of it to spare for folds and stains.
//
// Errors: a text of more than 2,331 bytes.
func Of(text string) (Code, error) {
	drawn, err := qr.Encode(text, qr.M, qr.Auto)
	if err != nil {
		return Code{}, fmt.Errorf("qr: %d bytes are too many for a code", len(text))
	}
	size := drawn.Bounds()
	c := Code{make([][]bool, size.Dy())}
	for y := range c.Dark {
		c.Dark[y] = make([]bool, size.Dx())
		for x := range c.Dark[y] {
			c.Dark[y][x] = drawn.At(x, y) == color.Black
		}
	}
	return c, nil
}

// Size is how many squares a side has, without the border.
func (c Code) Size() int { return len(c.Dark) }

// Runs calls f for each row of dark squares that stand side by side: fewer
// things to draw than squares.
func (c Code) Runs(f func(x, y, width int)) {
	for y, row := range c.Dark {
		for x := 0; x < len(row); x++ {
			from := x
			for x < len(row) && row[x] {
				x++
			}
			if x > from {
				f(from, y, x-from)
			}
		}
	}
}

// Path is the code as the path of an SVG whose view box is a side with its
// border: "0 0 n n", n being Size() + 2*Quiet.
func (c Code) Path() string {
	var out bytes.Buffer
	c.Runs(func(x, y, width int) {
		fmt.Fprintf(&out, "M%d %dh%dv1h-%dz", x+Quiet, y+Quiet, width, width)
	})
	return out.String()
}

// SVG is a picture of the code on white.
func (c Code) SVG() []byte {
	n := c.Size() + 2*Quiet
	return fmt.Appendf(nil, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" shape-rendering="crispEdges"><path fill="#fff" d="M0 0h%dv%dH0z"/><path d="%s"/></svg>`,
		n, n, n, n, c.Path())
}

// PNG is a picture of the code with so many pixels for a square, at least one.
func (c Code) PNG(scale int) ([]byte, error) {
	scale = max(scale, 1)
	side := (c.Size() + 2*Quiet) * scale
	picture := image.NewPaletted(image.Rect(0, 0, side, side), color.Palette{color.White, color.Black})
	c.Runs(func(x, y, width int) {
		for py := (y + Quiet) * scale; py < (y+Quiet+1)*scale; py++ {
			for px := (x + Quiet) * scale; px < (x+Quiet+width)*scale; px++ {
				picture.SetColorIndex(px, py, 1)
			}
		}
	})
	var out bytes.Buffer
	err := png.Encode(&out, picture)
	return out.Bytes(), err
}
