package files_test

import (
	"bytes"
	"image"
	"image/color"
	_ "image/jpeg"
	_ "image/png"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/internal/files"
	"github.com/aidflow/aidflow/internal/files/filestest"
)

// Every hostile file is refused, with one clear code and nothing kept.
func TestHostileFilesAreRefused(t *testing.T) {
	hostile := filestest.Hostile()
	require.GreaterOrEqual(t, len(hostile), 60)
	names := map[string]bool{}
	for _, f := range hostile {
		require.False(t, names[f.Name], f.Name)
		names[f.Name] = true
		t.Run(f.Name, func(t *testing.T) {
			made, err := files.Make(f.Data)
			require.Equal(t, aid.Invalid, aid.KindOf(err))
			require.Equal(t, f.Code, aid.CodeOf(err))
			require.Empty(t, made.Data)
		})
	}
}

func TestTooLarge(t *testing.T) {
	_, err := files.Make(append(filestest.PDF(), make([]byte, files.MaxSize)...))
	require.Equal(t, "file_too_large", aid.CodeOf(err))
}

func TestGoodFilesAreKept(t *testing.T) {
	photo := filestest.Photo(48, 32, filestest.Shot{})
	for _, f := range []struct {
		name string
		data []byte
		want files.Type
		same bool
	}{
		{"PDF", filestest.PDF(), files.PDF, true},
		{"PDF with packed text", filestest.PDF(filestest.Packed("BT (Đơn đề nghị) Tj ET")), files.PDF, true},
		{"PDF with lines behind its end", append(filestest.PDF(), "\r\n\x00\x00"...), files.PDF, true},
		{"JPEG", photo, files.JPEG, false},
		{"JPEG with filling behind it", append(bytes.Clone(photo), make([]byte, 100)...), files.JPEG, false},
		{"JPEG with a second picture", append(bytes.Clone(photo), photo...), files.JPEG, false},
		{"JPEG with a film behind it", append(bytes.Clone(photo), "\x00\x00\x00\x18ftypmp42\x00\x00\x00\x00isommp42"...), files.JPEG, false},
		{"PNG", filestest.Picture(20, 20), files.PNG, false},
		{"HEIC", filestest.HEIC, files.JPEG, false},
	} {
		t.Run(f.name, func(t *testing.T) {
			made, err := files.Make(f.data)
			require.NoError(t, err)
			require.Equal(t, f.want, made.Type)
			require.Equal(t, f.same, made.Data == nil)
			if !f.same {
				again, err := files.Make(made.Data)
				require.NoError(t, err, "what is kept is a good file itself")
				require.Equal(t, made.Type, again.Type)
			}
		})
	}
}

// Time and place are read, and then nothing of what was no pixel is left.
func TestWhatACameraSaysIsReadAndDropped(t *testing.T) {
	shot := filestest.Shot{Taken: "2026:03:02 14:30:05", Offset: "+07:00", Latitude: [3]int{15, 7, 12}, Longitude: [3]int{108, 48, 0}, Comment: "Qanary Phạm Văn Tình"}
	sent := filestest.Photo(64, 48, shot)
	require.Contains(t, string(sent), "Qanary")
	made, err := files.Make(sent)
	require.NoError(t, err)
	for _, left := range []string{"Qanary", "Exif", "ICC_PROFILE", "xmp", "2026:03"} {
		require.NotContains(t, string(made.Data), left)
	}
	require.Equal(t, &files.Place{Latitude: 15.12, Longitude: 108.8}, made.Place)
	require.Equal(t, time.Date(2026, 3, 2, 7, 30, 5, 0, time.UTC), made.Taken.In(time.UTC))

	shot.Offset = ""
	made, err = files.Make(filestest.Photo(64, 48, shot))
	require.NoError(t, err)
	zone := time.FixedZone("", 7*3600)
	require.Equal(t, time.Date(2026, 3, 2, 7, 30, 5, 0, time.UTC), made.Taken.In(zone), "a camera without an offset shows the time of the place")
}

func TestACameraThatSaysNothingOrNonsense(t *testing.T) {
	for _, shot := range []filestest.Shot{{}, {Taken: "0000:00:00 00:00:00"}, {Taken: "yesterday"}, {Latitude: [3]int{91, 0, 0}, Longitude: [3]int{1, 0, 0}},
		{Latitude: [3]int{1, 0, 0}, Longitude: [3]int{181, 0, 0}}, {Orientation: 77}} {
		made, err := files.Make(filestest.Photo(16, 16, shot))
		require.NoError(t, err)
		require.Nil(t, made.Taken)
		require.Nil(t, made.Place)
	}
}

// A photo that lies on its side is kept upright: red was left of blue on the
// sensor.
func TestPhotosAreKeptUpright(t *testing.T) {
	for orientation, red := range map[int]image.Point{1: {2, 20}, 2: {60, 20}, 3: {60, 20}, 4: {2, 20}, 5: {20, 2}, 6: {20, 2}, 7: {20, 60}, 8: {20, 60}} {
		made, err := files.Make(filestest.Photo(64, 40, filestest.Shot{Orientation: orientation}))
		require.NoError(t, err)
		img, _, err := image.Decode(bytes.NewReader(made.Data))
		require.NoError(t, err)
		wide := image.Pt(64, 40)
		if orientation >= 5 {
			wide = image.Pt(40, 64)
		}
		require.Equal(t, wide, img.Bounds().Size(), "orientation %d", orientation)
		require.Greater(t, color.RGBAModel.Convert(img.At(red.X, red.Y)).(color.RGBA).R, uint8(150), "orientation %d", orientation)
	}
}

// Whatever bytes stand behind a good beginning: no panic, no endless work, and
// what is accepted is of an allowed type.
func TestAnyBytes(t *testing.T) {
	heads := [][]byte{nil, filestest.PDF(), filestest.Photo(8, 8, filestest.Shot{Taken: "2026:03:02 14:30:05"}), filestest.Picture(8, 8), filestest.HEIC[:2000]}
	rapid.Check(t, func(t *rapid.T) {
		data := bytes.Clone(rapid.SampledFrom(heads).Draw(t, "head"))
		for range rapid.IntRange(0, 8).Draw(t, "changes") {
			if len(data) > 0 {
				data[rapid.IntRange(0, len(data)-1).Draw(t, "at")] = rapid.Byte().Draw(t, "byte")
			}
		}
		data = append(data, rapid.SliceOfN(rapid.Byte(), 0, 40).Draw(t, "rest")...)
		data = data[:rapid.IntRange(0, len(data)).Draw(t, "cut")]
		checkMade(t, data)
	})
}

func checkMade(t interface{ Errorf(string, ...any) }, data []byte) {
	made, err := files.Make(data)
	if err != nil {
		if aid.KindOf(err) != aid.Invalid || strings.Contains(aid.CodeOf(err), " ") {
			t.Errorf("%v", err)
		}
		return
	}
	if made.Type != files.PDF && made.Type != files.JPEG && made.Type != files.PNG {
		t.Errorf("made %q", made.Type)
	}
}

// FuzzSniff looks for heads that two readers understand in two ways.
func FuzzSniff(f *testing.F) {
	for _, h := range filestest.Hostile() {
		f.Add(h.Data[:min(len(h.Data), files.HeadSize)])
	}
	f.Add(filestest.PDF())
	f.Add(filestest.Picture(2, 2))
	f.Add(filestest.Photo(2, 2, filestest.Shot{}))
	f.Add(filestest.HEIC[:64])
	f.Fuzz(func(t *testing.T, head []byte) {
		kind, err := files.Sniff(head)
		if err != nil {
			if kind != "" || aid.KindOf(err) != aid.Invalid {
				t.Fatalf("%q, %v", kind, err)
			}
			return
		}
		begin := map[files.Type]string{files.PDF: "%PDF-", files.JPEG: "\xff\xd8\xff", files.PNG: "\x89PNG\r\n\x1a\n"}
		if kind == files.HEIC && string(head[4:8]) == "ftyp" {
			return
		}
		if begin[kind] == "" || !bytes.HasPrefix(head, []byte(begin[kind])) {
			t.Fatalf("%q begins with %q", kind, head[:min(len(head), 16)])
		}
	})
}
