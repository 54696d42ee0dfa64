package files

import (
	"bytes"
	"math"
	"strings"
	"time"

	"github.com/bep/imagemeta"
)

// Seen is what a camera wrote into an image. It is the camera's word only:
// anybody can write it.
type Seen struct {
	Taken *Taken // nil when the image does not say
	Place *Place // nil when the image does not say

	orientation int
}

// Taken is when an image was taken, by the camera's own clock.
type Taken struct {
	Local  time.Time // the wall time that the camera showed, as if it were UTC
	Offset *int      // seconds east of UTC; nil when the camera does not say
}

// In gives the instant; a camera that does not say its offset shows the time
// of the zone.
func (t Taken) In(zone *time.Location) time.Time {
	if t.Offset != nil {
		return t.Local.Add(-time.Duration(*t.Offset) * time.Second)
	}
	l := t.Local
	return time.Date(l.Year(), l.Month(), l.Day(), l.Hour(), l.Minute(), l.Second(), 0, zone).UTC()
}

// Place is where an image was taken, in degrees, to about a metre.
type Place struct {
	Latitude  float64 `json:"latitude"`
	Longitude float64 `json:"longitude"`
}

// wanted are the tags that are read; all others are passed over.
var wanted = map[string]bool{"Orientation": true, "DateTimeOriginal": true, "OffsetTimeOriginal": true,
	"GPSLatitude": true, "GPSLatitudeRef": true, "GPSLongitude": true, "GPSLongitudeRef": true}

// look reads the EXIF of an image within narrow limits. What cannot be read
// was not said. That of PNG is not read: cameras write none.
func look(t Type, data []byte) (seen Seen) {
	defer func() {
		if recover() != nil {
			seen = Seen{}
		}
	}()
	format := imagemeta.JPEG
	switch t {
	case HEIC:
		format = imagemeta.HEIF
	case JPEG:
	default:
		return seen
	}
	var tags imagemeta.Tags
	_, err := imagemeta.Decode(imagemeta.Options{
		R: bytes.NewReader(data), ImageFormat: format, Sources: imagemeta.EXIF,
		LimitNumTags: 1000, LimitTagSize: 200, Timeout: 2 * time.Second,
		ShouldHandleTag: func(tag imagemeta.TagInfo) bool {
			return wanted[tag.Tag] && !strings.HasPrefix(tag.Namespace, "IFD1")
		},
		HandleTag: func(tag imagemeta.TagInfo) error {
			if !tags.Has(tag) {
				tags.Add(tag)
			}
			return nil
		},
	})
	if err != nil {
		return Seen{}
	}
	return Seen{Taken: takenOf(tags), Place: placeOf(tags), orientation: orientationOf(tags)}
}

func orientationOf(tags imagemeta.Tags) int {
	n, _ := tags.EXIF()["Orientation"].Value.(uint16)
	return int(n)
}

func takenOf(tags imagemeta.Tags) *Taken {
	text, _ := tags.EXIF()["DateTimeOriginal"].Value.(string)
	at, err := time.Parse("2006:01:02 15:04:05", strings.TrimRight(text, "\x00 "))
	if err != nil || at.Year() < 1990 {
		return nil
	}
	taken := &Taken{Local: at}
	zone, _ := tags.EXIF()["OffsetTimeOriginal"].Value.(string)
	if z, err := time.Parse("-07:00", strings.TrimRight(zone, "\x00 ")); err == nil {
		_, offset := z.Zone()
		taken.Offset = &offset
	}
	return taken
}

func placeOf(tags imagemeta.Tags) *Place {
	lat, long, err := tags.GetLatLong()
	out := math.IsNaN(lat) || math.IsNaN(long) || math.Abs(lat) > 90 || math.Abs(long) > 180
	if err != nil || out || (lat == 0 && long == 0) { // a camera that has not found itself says 0, 0
		return nil
	}
	round := func(f float64) float64 { return math.Round(f*1e5) / 1e5 }
	return &Place{Latitude: round(lat), Longitude: round(long)}
}
