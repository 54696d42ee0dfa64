package files

import (
	"bytes"
	"image"
	"image/draw"
	"image/jpeg"
	"image/png"

	"github.com/gen2brain/heic"
)

// quality of a JPEG that is made anew: print on paper does not show the
// difference.
const quality = 90

// makeImage decodes an image and encodes it anew.
func makeImage(t Type, data []byte) (made Made, err error) {
	defer func() { // a decoder that panics has met a broken file
		if recover() != nil {
			made, err = Made{}, refuse("file_damaged")
		}
	}()
	if err := measure(t, data); err != nil {
		return Made{}, err
	}
	seen := look(t, data)
	img, err := decode(t, data)
	if err != nil {
		return Made{}, refuse("file_damaged")
	}
	if t == JPEG { // the others are decoded upright
		img = upright(img, seen.orientation)
	}
	made = Made{Type: JPEG, Seen: seen}
	var out bytes.Buffer
	if t == PNG {
		made.Type = PNG
		err = png.Encode(&out, img)
	} else {
		err = jpeg.Encode(&out, plain(img), &jpeg.Options{Quality: quality})
	}
	made.Data = out.Bytes()
	return made, err
}

// measure refuses an image that is broken, or too much to decode.
func measure(t Type, data []byte) error {
	var err error
	switch t {
	case JPEG:
		_, err = walkJPEG(data)
	case PNG:
		_, err = walkPNG(data)
	default:
		err = walkHEIC(data)
	}
	return err
}

func decode(t Type, data []byte) (image.Image, error) {
	switch t {
	case JPEG:
		return jpeg.Decode(bytes.NewReader(data))
	case PNG:
		return png.Decode(bytes.NewReader(data))
	}
	if heic.Dynamic() == nil {
		// It would run the machine's own library, outside the sandbox.
		return nil, refuse("unsupported_file_type")
	}
	return heic.Decode(bytes.NewReader(data))
}

// plain gives an image that the JPEG encoder takes without asking for each
// pixel.
func plain(img image.Image) image.Image {
	switch img.(type) {
	case *image.YCbCr, *image.RGBA, *image.Gray:
		return img
	}
	out := image.NewRGBA(img.Bounds())
	draw.Draw(out, out.Bounds(), img, img.Bounds().Min, draw.Src)
	return out
}

// upright turns an image by its EXIF orientation, 1 to 8.
func upright(img image.Image, orientation int) image.Image {
	if orientation < 2 || orientation > 8 {
		return img
	}
	switch m := img.(type) {
	case *image.Gray:
		pix, w, h := turn(m.Pix, m.Stride, m.Rect.Dx(), m.Rect.Dy(), 1, orientation)
		return &image.Gray{Pix: pix, Stride: w, Rect: image.Rect(0, 0, w, h)}
	case *image.YCbCr:
		if ratio, ok := turned(m.SubsampleRatio, orientation); ok {
			return turnYCbCr(m, ratio, orientation)
		}
	}
	m, ok := img.(*image.RGBA)
	if !ok {
		m = image.NewRGBA(img.Bounds())
		draw.Draw(m, m.Bounds(), img, img.Bounds().Min, draw.Src)
	}
	pix, w, h := turn(m.Pix, m.Stride, m.Rect.Dx(), m.Rect.Dy(), 4, orientation)
	return &image.RGBA{Pix: pix, Stride: 4 * w, Rect: image.Rect(0, 0, w, h)}
}

// turned gives how the colours of a turned image are sampled.
func turned(r image.YCbCrSubsampleRatio, orientation int) (image.YCbCrSubsampleRatio, bool) {
	switch {
	case r == image.YCbCrSubsampleRatio444 || r == image.YCbCrSubsampleRatio420:
		return r, true
	case r != image.YCbCrSubsampleRatio422 && r != image.YCbCrSubsampleRatio440:
		return r, false
	case orientation < 5:
		return r, true
	case r == image.YCbCrSubsampleRatio422:
		return image.YCbCrSubsampleRatio440, true
	}
	return image.YCbCrSubsampleRatio422, true
}

// turnYCbCr turns the three planes, which takes a third of the memory of
// pixels.
func turnYCbCr(m *image.YCbCr, ratio image.YCbCrSubsampleRatio, orientation int) image.Image {
	width, height := m.Rect.Dx(), m.Rect.Dy()
	cw, ch := width, height
	if m.SubsampleRatio != image.YCbCrSubsampleRatio444 && m.SubsampleRatio != image.YCbCrSubsampleRatio440 {
		cw = (width + 1) / 2
	}
	if m.SubsampleRatio == image.YCbCrSubsampleRatio420 || m.SubsampleRatio == image.YCbCrSubsampleRatio440 {
		ch = (height + 1) / 2
	}
	y, w, h := turn(m.Y, m.YStride, width, height, 1, orientation)
	cb, stride, _ := turn(m.Cb, m.CStride, cw, ch, 1, orientation)
	cr, _, _ := turn(m.Cr, m.CStride, cw, ch, 1, orientation)
	return &image.YCbCr{Y: y, Cb: cb, Cr: cr, YStride: w, CStride: stride, SubsampleRatio: ratio, Rect: image.Rect(0, 0, w, h)}
}

// turn gives a plane of w x h pixels of n bytes upright, without gaps between
// its rows.
func turn(src []byte, stride, w, h, n, orientation int) (dst []byte, width, height int) {
	width, height = w, h
	if orientation >= 5 {
		width, height = h, w
	}
	dst = make([]byte, width*height*n)
	for y := range height {
		for x := range width {
			sx, sy := source(x, y, w, h, orientation)
			copy(dst[(y*width+x)*n:(y*width+x+1)*n], src[sy*stride+sx*n:])
		}
	}
	return dst, width, height
}

// source tells where the pixel of an upright image stands in one that is w x h
// and lies as EXIF numbers it.
func source(x, y, w, h, orientation int) (sx, sy int) {
	switch orientation {
	case 2:
		return w - 1 - x, y
	case 3:
		return w - 1 - x, h - 1 - y
	case 4:
		return x, h - 1 - y
	case 5:
		return y, x
	case 6:
		return y, h - 1 - x
	case 7:
		return w - 1 - y, h - 1 - x
	}
	return w - 1 - y, x // 8
}
