package files

import (
	"encoding/binary"
)

// maxTiles bounds the parts that an image is put together from: 50 megapixels
// in tiles of 512 x 512 are 200.
const maxTiles = 1024

// walkHEIC reads the structure of an image, far enough to know from above what
// decoding takes: every size that is written anywhere, in the container, in
// the grid and in the coded pictures themselves.
func walkHEIC(b []byte) error {
	w := heif{data: b, sizes: map[uint32]string{}}
	if err := w.boxes(b, 0, w.top); err != nil {
		return err
	}
	if !w.meta || w.grids+w.pictures == 0 || w.coded.width == 0 {
		return refuse("file_damaged")
	}
	return w.items()
}

// heif is what is known of an image while its boxes are read.
type heif struct {
	data     []byte
	meta     bool
	idat     []byte
	sizes    map[uint32]string // item -> its type: hvc1, grid, Exif ...
	extents  []extent
	coded    shape // the largest coded picture
	grids    int
	pictures int
	length   int // bytes of the length before each unit of a coded picture
}

// extent is where a part of an item stands.
type extent struct {
	item uint32
	data []byte
}

// boxes visits the boxes of a stretch; they fill it to its end.
func (w *heif) boxes(b []byte, depth int, visit func(name string, body []byte, depth int) error) error {
	for len(b) > 0 {
		if len(b) < 8 || depth > 4 {
			return refuse("file_damaged")
		}
		size, head := uint64(binary.BigEndian.Uint32(b)), 8
		if size == 1 && len(b) >= 16 {
			size, head = binary.BigEndian.Uint64(b[8:]), 16
		}
		if size == 0 {
			size = uint64(len(b))
		}
		if size < uint64(head) || size > uint64(len(b)) {
			return refuse("file_damaged")
		}
		if err := visit(string(b[4:8]), b[head:size], depth); err != nil {
			return err
		}
		b = b[size:]
	}
	return nil
}

func (w *heif) top(name string, body []byte, _ int) error {
	switch name {
	case "ftyp", "mdat", "free", "skip", "uuid", "moov", "mpvd":
		return nil
	case "meta":
		if w.meta || len(body) < 4 {
			return refuse("file_damaged")
		}
		w.meta = true
		return w.boxes(body[4:], 1, w.inMeta)
	}
	return refuse("file_trailing_data")
}

func (w *heif) inMeta(name string, body []byte, depth int) error {
	switch name {
	case "iprp", "ipco":
		return w.boxes(body, depth+1, w.inMeta)
	case "idat":
		w.idat = body
	case "ispe":
		if len(body) < 12 {
			return refuse("file_damaged")
		}
		s := shape{width: int(binary.BigEndian.Uint32(body[4:])), height: int(binary.BigEndian.Uint32(body[8:]))}
		return s.fits()
	case "hvcC":
		return w.config(body)
	case "iinf":
		return w.inventory(body)
	case "iloc":
		return w.locations(body)
	}
	return nil
}

// inventory reads which items there are.
func (w *heif) inventory(body []byte) error {
	skip := 6
	if len(body) > 0 && body[0] > 0 {
		skip = 8
	}
	if len(body) < skip {
		return refuse("file_damaged")
	}
	return w.boxes(body[skip:], 2, func(name string, entry []byte, _ int) error {
		if name != "infe" || len(entry) < 12 || entry[0] < 2 {
			return refuse("file_damaged")
		}
		id, kind := uint32(binary.BigEndian.Uint16(entry[4:])), entry[8:12]
		if entry[0] > 2 {
			if len(entry) < 14 {
				return refuse("file_damaged")
			}
			id, kind = binary.BigEndian.Uint32(entry[4:]), entry[10:14]
		}
		switch string(kind) {
		case "hvc1":
			w.pictures++
		case "grid":
			w.grids++
		case "Exif", "mime", "uri ", "tmap":
		default: // other codecs, overlays, pictures that refer to pictures
			return refuse("image_too_complex")
		}
		w.sizes[id] = string(kind)
		return nil
	})
}

// config reads the sizes of coded pictures from their parameter sets.
func (w *heif) config(body []byte) error {
	if len(body) < 23 {
		return refuse("file_damaged")
	}
	length := int(body[21]&3) + 1
	if w.length != 0 && w.length != length {
		return refuse("image_too_complex")
	}
	w.length = length
	at := 23
	for range int(body[22]) {
		if at+3 > len(body) {
			return refuse("file_damaged")
		}
		kind, count := body[at]&63, int(binary.BigEndian.Uint16(body[at+1:]))
		at += 3
		for range count {
			if at+2 > len(body) || at+2+int(binary.BigEndian.Uint16(body[at:])) > len(body) {
				return refuse("file_damaged")
			}
			unit := body[at+2 : at+2+int(binary.BigEndian.Uint16(body[at:]))]
			at += 2 + len(unit)
			if kind != 33 && (len(unit) < 2 || unit[0]>>1&63 != 33) {
				continue
			}
			s, ok := pictureSize(unit)
			if !ok {
				return refuse("file_damaged")
			}
			if err := s.fits(); err != nil {
				return err
			}
			if s.width*s.height > w.coded.width*w.coded.height {
				w.coded = s
			}
		}
	}
	return nil
}

// items looks into the data of grids and coded pictures.
func (w *heif) items() error {
	tiles, whole := 0, map[uint32][]byte{}
	for _, e := range w.extents {
		if kind := w.sizes[e.item]; kind == "hvc1" || kind == "grid" {
			if len(whole[e.item])+len(e.data) > MaxSize {
				return refuse("image_too_complex")
			}
			whole[e.item] = append(whole[e.item], e.data...)
		}
	}
	for id, data := range whole {
		if w.sizes[id] == "hvc1" {
			if err := w.units(data); err != nil {
				return err
			}
			continue
		}
		n, s, ok := readGrid(data)
		if !ok {
			return refuse("file_damaged")
		}
		if err := s.fits(); err != nil {
			return err
		}
		tiles += n
	}
	if tiles > maxTiles || tiles*w.coded.width*w.coded.height > 4*MaxPixels {
		return refuse("image_too_complex")
	}
	return nil
}

// units passes coded pixels and refuses a picture that brings other sizes
// along than its container says.
func (w *heif) units(data []byte) error {
	for len(data) > 0 {
		if len(data) < w.length {
			return refuse("file_damaged")
		}
		size := 0
		for _, c := range data[:w.length] {
			size = size<<8 | int(c)
		}
		data = data[w.length:]
		if size < 2 || size > len(data) {
			return refuse("file_damaged")
		}
		if kind := data[0] >> 1 & 63; kind >= 32 && kind <= 34 {
			return refuse("image_too_complex")
		}
		data = data[size:]
	}
	return nil
}

func readGrid(b []byte) (tiles int, s shape, ok bool) {
	if len(b) < 8 {
		return 0, s, false
	}
	tiles = (int(b[2]) + 1) * (int(b[3]) + 1)
	if b[1]&1 == 0 {
		return tiles, shape{width: int(binary.BigEndian.Uint16(b[4:])), height: int(binary.BigEndian.Uint16(b[6:]))}, true
	}
	if len(b) < 12 {
		return 0, s, false
	}
	return tiles, shape{width: int(binary.BigEndian.Uint32(b[4:])), height: int(binary.BigEndian.Uint32(b[8:]))}, true
}
