package qr_test

import (
	"bytes"
	"encoding/xml"
	"image/png"
	"strings"
	"testing"

	"github.com/makiuchi-d/gozxing"
	"github.com/makiuchi-d/gozxing/qrcode"
	"pgregory.net/rapid"

	"github.com/aidflow/aidflow/papers/qr"
)

// scan reads a picture with a reader that knows nothing of who drew it.
func scan(t interface{ Fatal(...any) }, picture []byte) string {
	drawn, err := png.Decode(bytes.NewReader(picture))
	if err != nil {
		t.Fatal(err)
	}
	bits, err := gozxing.NewBinaryBitmapFromImage(drawn)
	if err != nil {
		t.Fatal(err)
	}
	found, err := qrcode.NewQRCodeReader().Decode(bits, nil)
	if err != nil {
		t.Fatal(err)
	}
	return found.GetText()
}

func TestWhatIsDrawnIsScanned(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringMatching(`[ -~]{1,200}`).Draw(t, "text")
		code, err := qr.Of(text)
		if err != nil {
			t.Fatal(err)
		}
		picture, err := code.PNG(rapid.IntRange(3, 6).Draw(t, "scale"))
		if err != nil {
			t.Fatal(err)
		}
		if got := scan(t, picture); got != text {
			t.Fatalf("%q is scanned as %q", text, got)
		}
	})
}

func TestTheSameTextIsTheSamePicture(t *testing.T) {
	t.Parallel()
	for range 3 {
		a, err := qr.Of("HS-2026-000001")
		b, _ := qr.Of("HS-2026-000001")
		if err != nil || !bytes.Equal(a.SVG(), b.SVG()) || a.Size() != 21 {
			t.Fatalf("%d squares, %v", a.Size(), err)
		}
		p, _ := a.PNG(0)
		if q, _ := b.PNG(1); !bytes.Equal(p, q) {
			t.Error("the pictures differ")
		}
	}
	if _, err := qr.Of(strings.Repeat("a", 3000)); err == nil || strings.Contains(err.Error(), "aaa") {
		t.Errorf("3,000 bytes: %v", err)
	}
}

// The squares of the SVG are those of the code.
func TestTheDrawingHasEverySquare(t *testing.T) {
	t.Parallel()
	code, err := qr.Of("TRANSFER TO SOMEONE")
	if err != nil {
		t.Fatal(err)
	}
	dark := 0
	for _, row := range code.Dark {
		for _, d := range row {
			if d {
				dark++
			}
		}
	}
	drawn := 0
	code.Runs(func(x, y, width int) {
		for i := range width {
			if !code.Dark[y][x+i] {
				t.Errorf("%d,%d is drawn and light", x+i, y)
			}
		}
		drawn += width
	})
	if drawn != dark || dark == 0 {
		t.Errorf("%d of %d squares are drawn", drawn, dark)
	}
	if err := xml.Unmarshal(code.SVG(), new(struct{})); err != nil || !strings.Contains(string(code.SVG()), code.Path()) {
		t.Errorf("the SVG: %v", err)
	}
}
