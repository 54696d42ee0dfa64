package demo

import (
	"bytes"
	"context"
	"image"
	"image/color"
	"image/jpeg"
	"io"
	"mime/multipart"
	"slices"
)

// upload is a file that is sent with its fields.
type upload struct {
	fields  map[string]string
	name    string
	content []byte
}

// encode gives the body and its content type.
func (u *upload) encode() (io.Reader, string, error) {
	var body bytes.Buffer
	form := multipart.NewWriter(&body)
	names := make([]string, 0, len(u.fields))
	for name := range u.fields {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		if err := form.WriteField(name, u.fields[name]); err != nil {
			return nil, "", err
		}
	}
	part, err := form.CreateFormFile("file", u.name)
	if err != nil {
		return nil, "", err
	}
	if _, err := part.Write(u.content); err != nil {
		return nil, "", err
	}
	return &body, form.FormDataContentType(), form.Close()
}

// sendPhotos sends what a visit still needs: pictures that the demonstration
// has painted itself.
func (p *play) sendPhotos(ctx context.Context, who *caller, t task) error {
	for n := range t.PhotosNeeded {
		picture, err := paint(n)
		if err != nil {
			return err
		}
		_, err = who.call(ctx, request{method: "POST", path: "/v1/documents", form: &upload{name: "visit.jpg", content: picture,
			fields: map[string]string{"case": p.id, "kind": "visit_photo", "task": t.ID}}}, nil)
		if err != nil {
			return err
		}
	}
	return nil
}

// paint gives a small picture, another one for each n.
func paint(n int) ([]byte, error) {
	picture := image.NewRGBA(image.Rect(0, 0, 64, 48))
	for x := range 64 {
		for y := range 48 {
			picture.Set(x, y, color.RGBA{R: uint8(x * 4), G: uint8(y * 5), B: uint8(40 * n), A: 255}) //nolint:gosec // small numbers
		}
	}
	var out bytes.Buffer
	err := jpeg.Encode(&out, picture, nil)
	return out.Bytes(), err
}
