package programme

import "slices"

// words are one thing in vi, en and id.
type words [3]string

func (w words) in(lang string) string { return w[max(slices.Index(languages, lang), 0)] }

// style says how a value is shown.
type style int

const (
	stylePlain style = iota
	styleMoney
	stylePeriod
	styleQuoted // rules and texts
)

// subject describes a part of a definition to the diff. What it does not
// describe is shown by its name, so nothing is ever left out.
type subject struct {
	name   words
	style  style
	key    string // items of a list are the same when this field is; "": by their place
	item   *subject
	fields map[string]*subject
	any    *subject // of a map whose names are data
}

func plainly(vi, en, id string) *subject { return &subject{name: words{vi, en, id}} }

func styled(s style, vi, en, id string) *subject {
	return &subject{name: words{vi, en, id}, style: s}
}

func named(vi, en, id string) *subject {
	return &subject{name: words{vi, en, id}, any: &subject{style: styleQuoted}}
}

// listed describes a list: the name of the whole is that of one item.
func listed(key, vi, en, id string, fields map[string]*subject) *subject {
	name := words{vi, en, id}
	return &subject{name: name, key: key, item: &subject{name: name, fields: fields}}
}

// the phrases of a diff.
var (
	phraseFrom    = words{"từ %s thành %s", "from %s to %s", "dari %s menjadi %s"}
	phraseSet     = words{"nay là %s", "now %s", "kini %s"}
	phraseUnset   = words{"không còn (trước là %s)", "no longer given (was %s)", "tidak lagi diberikan (sebelumnya %s)"}
	phraseNew     = words{"Thêm %s", "New %s", "Baru: %s"}
	phraseGone    = words{"Bỏ %s", "Gone: %s", "Dihapus: %s"}
	phraseOrder   = words{"thứ tự mới: %s", "new order: %s", "urutan baru: %s"}
	wordYes       = words{"có", "yes", "ya"}
	wordNo        = words{"không", "no", "tidak"}
	wordNothing   = words{"trống", "nothing", "kosong"}
	wordUnlimited = words{"không giới hạn", "without limit", "tanpa batas"}
	wordYears     = words{"%d năm", "%d years", "%d tahun"}
	wordMonths    = words{"%d tháng", "%d months", "%d bulan"}
	wordDays      = words{"%d ngày", "%d days", "%d hari"}
)

// subjects describes a whole definition.
var subjects = &subject{fields: map[string]*subject{
	"code":            plainly("mã chương trình", "code", "kode"),
	"version":         plainly("phiên bản", "version", "versi"),
	"effective_from":  plainly("có hiệu lực từ", "effective from", "berlaku mulai"),
	"effective_to":    plainly("hết hiệu lực từ", "no longer effective from", "tidak berlaku mulai"),
	"titles":          named("tên", "name", "nama"),
	"currency":        plainly("loại tiền", "currency", "mata uang"),
	"time_zone":       plainly("múi giờ", "time zone", "zona waktu"),
	"calendar":        plainly("lịch làm việc", "working calendar", "kalender kerja"),
	"ceiling":         styled(styleMoney, "mức trần", "ceiling", "batas tertinggi"),
	"form":            {name: words{"biểu mẫu đề nghị", "request form", "formulir permohonan"}},
	"example_request": {name: words{"đơn mẫu", "example request", "contoh permohonan"}},
	"means_test":      plainly("tiêu chí rà soát", "means test", "uji kemampuan"),
	"eligibility": listed("code", "điều kiện", "eligibility rule", "syarat", map[string]*subject{
		"code":    plainly("mã", "code", "kode"),
		"require": styled(styleQuoted, "quy tắc", "condition", "ketentuan"),
		"effect":  plainly("hệ quả", "effect", "akibat"),
		"titles":  named("tên", "name", "nama"),
	}),
	"hits": {name: words{"khi trùng khớp", "hit", "temuan"}},
	"repeat": listed("", "quy định hỗ trợ lặp lại", "repeat rule", "aturan pengulangan", map[string]*subject{
		"after": styled(stylePeriod, "sau", "after", "setelah"),
		"of":    plainly("chương trình", "programmes", "program"),
		"who":   plainly("đối với", "for", "untuk"),
	}),
	"visit": {name: words{"thăm hộ", "visit", "kunjungan"}, fields: map[string]*subject{
		"form":      {name: words{"biểu mẫu", "form", "formulir"}},
		"verifiers": plainly("số người thẩm tra", "number of verifiers", "jumlah pemeriksa"),
		"photos":    plainly("số ảnh ít nhất", "photos at least", "foto paling sedikit"),
	}},
	"award": {name: words{"mức hỗ trợ", "award", "bantuan"}, fields: map[string]*subject{
		"amount":    styled(styleQuoted, "số tiền", "amount", "jumlah"),
		"own_share": plainly("phần gia đình tự lo (%)", "own share (%)", "bagian sendiri (%)"),
		"cost":      styled(styleQuoted, "kinh phí", "cost", "biaya"),
		"round_to":  styled(styleMoney, "làm tròn xuống", "rounded down to", "dibulatkan ke bawah"),
	}},
	"posting": {name: words{"niêm yết công khai", "public posting", "pengumuman"}, fields: map[string]*subject{
		"days":   styled(stylePeriod, "ngày làm việc", "working days", "hari kerja"),
		"titles": named("tên", "name", "nama"),
	}},
	"papers": listed("kind", "văn bản", "paper", "surat", map[string]*subject{
		"titles": named("tên", "name", "nama"), "body": named("nội dung", "text", "isi"),
		"appeal": named("khiếu nại", "appeal", "keberatan"), "law": named("căn cứ", "basis in law", "dasar hukum"),
	}),
	"documents": listed("kind", "giấy tờ", "document", "dokumen", map[string]*subject{
		"titles": named("tên", "name", "nama"), "required": plainly("bắt buộc", "required", "wajib"),
	}),
	"checks": listed("kind register", "kiểm tra", "check", "pemeriksaan", map[string]*subject{
		"final": plainly("tự từ chối", "rejects by itself", "menolak sendiri"), "register": plainly("đăng ký", "register", "daftar"),
	}),
	"payees": listed("", "người nhận tiền", "payee", "penerima", nil),
	"matrix": listed("", "khoảng tiền", "range of amounts", "rentang jumlah", map[string]*subject{
		"up_to": styled(styleMoney, "đến", "up to", "sampai"),
		"levels": listed("name", "cấp", "level", "tingkat", map[string]*subject{
			"name": plainly("tên", "name", "nama"), "mode": plainly("cách quyết định", "mode", "cara"), "n": plainly("số người đồng ý", "people who agree", "orang yang setuju"),
			"quorum": plainly("số người tham gia tối thiểu", "quorum", "kuorum"), "chair": plainly("cần chủ tịch", "chair required", "ketua wajib"),
			"decides":       plainly("hội đồng quyết định theo", "the committee decides by", "komite memutuskan dengan"),
			"tie":           plainly("khi phiếu bằng nhau", "at a tie", "bila suara seimbang"),
			"one_rejection": plainly("một phiếu từ chối", "one rejection", "satu penolakan"),
			"limit":         styled(styleMoney, "duyệt tối đa", "may approve up to", "boleh menyetujui sampai"),
			"parallel":      plainly("cùng lúc với cấp trước", "together with the level before it", "bersama tingkat sebelumnya"),
			"skip":          styled(styleQuoted, "bỏ qua khi", "skipped when", "dilewati bila"),
		}),
		"area_levels": plainly("cho hồ sơ của cấp", "for cases of the area levels", "untuk berkas tingkat wilayah"),
	}),
	"tranches": listed("", "đợt chi", "instalment", "tahap", map[string]*subject{
		"share": plainly("tỷ lệ (%)", "share (%)", "bagian (%)"), "milestone": plainly("sau mốc", "after the milestone", "setelah tonggak"),
		"titles": named("tên", "name", "nama"),
	}),
	"milestones": listed("code", "mốc", "milestone", "tonggak", map[string]*subject{"titles": named("tên", "name", "nama")}),
	"follow_up": listed("", "lần thăm sau hỗ trợ", "follow-up visit", "kunjungan lanjutan", map[string]*subject{
		"after": styled(stylePeriod, "sau", "after", "setelah"),
	}),
	"deadlines":       {name: words{"thời hạn (ngày làm việc)", "deadline (working days)", "tenggat (hari kerja)"}, any: &subject{style: stylePeriod}},
	"stage_deadlines": {name: words{"thời hạn giai đoạn (ngày làm việc)", "deadline of the stage (working days)", "tenggat tahap (hari kerja)"}, any: &subject{style: stylePeriod}},
	"case_deadline":   styled(stylePeriod, "thời hạn cả hồ sơ (ngày làm việc)", "deadline of the case (working days)", "tenggat berkas (hari kerja)"),
	"escalation": listed("", "bậc nhắc khi trễ hạn", "rung of the ladder for late work", "tingkat pengingat keterlambatan", map[string]*subject{
		"at":    plainly("khi đã dùng (%)", "when so much of the time is gone (%)", "bila waktu terpakai (%)"),
		"after": styled(stylePeriod, "sau hạn (ngày làm việc)", "after the deadline (working days)", "setelah tenggat (hari kerja)"),
		"do":    plainly("việc làm", "act", "tindakan"),
	}),
	"stalled": {name: words{"hồ sơ chờ bổ sung", "returned case", "berkas dikembalikan"}, fields: map[string]*subject{
		"remind": {name: words{"nhắc sau", "reminder after", "pengingat setelah"}, item: &subject{name: words{"nhắc sau", "reminder after", "pengingat setelah"}, style: stylePeriod}},
		"decide": styled(stylePeriod, "quyết định sau", "decided after", "diputuskan setelah"),
	}},
	"bulk_up_to":   styled(styleMoney, "duyệt hàng loạt đến", "approved in batches up to", "disetujui massal hingga"),
	"max_returns":  plainly("số lần trả lại tối đa", "returns at most", "pengembalian paling banyak"),
	"start_within": styled(stylePeriod, "phải khởi công trong", "start within", "mulai dalam"),
	"reasons": {name: words{"lý do", "reasons", "alasan"}, any: &subject{key: "code", item: &subject{name: words{"lý do", "reason", "alasan"},
		fields: map[string]*subject{"titles": named("tên", "name", "nama")}}}},
	"conditions": listed("code", "điều kiện kèm phê duyệt", "condition of an approval", "syarat persetujuan", map[string]*subject{"titles": named("tên", "name", "nama")}),
	"funds":      listed("", "quỹ", "fund", "dana", nil),
}}
