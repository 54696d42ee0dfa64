package files

// locations reads where the data of each item stands.
func (w *heif) locations(body []byte) error {
	r := reader{b: body}
	version := r.uint(1)
	r.uint(3)
	sizes := r.uint(2)
	offsetSize, lengthSize, baseSize, indexSize := int(sizes>>12&15), int(sizes>>8&15), int(sizes>>4&15), int(sizes&15)
	wide := 2
	if version == 2 {
		wide = 4
	}
	if version > 2 || version == 0 {
		indexSize = 0
	}
	count := r.uint(wide)
	for i := uint64(0); i < count && !r.failed; i++ {
		item, method := uint32(r.uint(wide)), uint64(0)
		if version > 0 {
			method = r.uint(2) & 15
		}
		r.uint(2)
		base := r.uint(baseSize)
		parts := r.uint(2)
		for j := uint64(0); j < parts && !r.failed; j++ {
			r.uint(indexSize)
			offset, length := r.uint(offsetSize), r.uint(lengthSize)
			w.extents = append(w.extents, extent{item: item, data: w.stretch(method, base+offset, length)})
			if len(w.extents) > 4*maxTiles {
				return refuse("image_too_complex")
			}
		}
	}
	if version > 2 || r.failed {
		return refuse("file_damaged")
	}
	return nil
}

// stretch gives a part of the file, or of the data box of its description. One
// that is not there is empty: the item fails to be read later.
func (w *heif) stretch(method, from, length uint64) []byte {
	in := w.data
	switch method {
	case 0:
	case 1:
		in = w.idat
	default:
		return nil
	}
	if from > uint64(len(in)) || length > uint64(len(in))-from {
		return nil
	}
	return in[from : from+length]
}

// reader reads numbers; after its end it gives zeros and has failed.
type reader struct {
	b      []byte
	failed bool
}

func (r *reader) uint(n int) uint64 {
	if n > len(r.b) || n > 8 {
		r.failed = true
		return 0
	}
	var v uint64
	for _, c := range r.b[:n] {
		v = v<<8 | uint64(c)
	}
	r.b = r.b[n:]
	return v
}

// bits reads the bits of a parameter set.
type bits struct {
	b  []byte
	at int
}

func (r *bits) read(n int) (v uint64) {
	for range n {
		v <<= 1
		if i := r.at / 8; i < len(r.b) {
			v |= uint64(r.b[i] >> (7 - r.at%8) & 1)
		}
		r.at++
	}
	return v
}

// golomb reads a number of the code that the format uses for sizes.
func (r *bits) golomb() uint64 {
	zeros := 0
	for r.read(1) == 0 {
		if zeros++; zeros > 32 || r.at > 8*len(r.b) {
			return 1 << 40 // no size at all
		}
	}
	return 1<<zeros - 1 + r.read(zeros)
}

// pictureSize reads the size of a coded picture from its sequence parameter
// set (ITU-T H.265, 7.3.2.2).
func pictureSize(unit []byte) (shape, bool) {
	r := &bits{b: withoutEscapes(unit), at: 16 + 4}
	layers := int(r.read(3))
	r.read(1)
	r.at += 96
	if layers > 0 {
		flags := r.read(2 * layers)
		r.at += 2 * (8 - layers)
		for i := range layers {
			pair := flags >> (2 * (layers - 1 - i))
			r.at += 88*int(pair>>1&1) + 8*int(pair&1)
		}
	}
	r.golomb()
	if r.golomb() == 3 {
		r.read(1)
	}
	width, height := r.golomb(), r.golomb()
	if width > 1<<20 || height > 1<<20 {
		return shape{width: 1 << 20, height: 1 << 20}, true
	}
	return shape{width: int(width), height: int(height)}, r.at <= 8*len(r.b)
}

// withoutEscapes drops the byte that keeps two zeros from looking like a
// start: 00 00 03.
func withoutEscapes(b []byte) []byte {
	out, zeros := make([]byte, 0, len(b)), 0
	for _, c := range b {
		if zeros >= 2 && c == 3 {
			zeros = 0
			continue
		}
		zeros++
		if c != 0 {
			zeros = 0
		}
		out = append(out, c)
	}
	return out
}
