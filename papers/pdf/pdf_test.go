package pdf_test

import (
	"bytes"
	"compress/zlib"
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
	"time"
	"unicode/utf16"

	"pgregory.net/rapid"

	"github.com/aidflow/aidflow/papers"
	"github.com/aidflow/aidflow/papers/pdf"
)

// alphabet has every letter of Vietnamese in all its tones.
const alphabet = "aàáảãạ ăằắẳẵặ âầấẩẫậ bcdđ eèéẻẽẹ êềếểễệ ghiìíỉĩị klmn oòóỏõọ ôồốổỗộ ơờớởỡợ pqrst uùúủũụ ưừứửữự vxyỳýỷỹỵ AÀÁẢÃẠ ĂẰẮẲẴẶ ÂẦẤẨẪẬ BCDĐ EÈÉẺẼẸ ÊỀẾỂỄỆ GHIÌÍỈĨỊ OÒÓỎÕỌ ÔỒỐỔỖỘ ƠỜỚỞỠỢ UÙÚỦŨỤ ƯỪỨỬỮỰ YỲÝỶỸỴ"

// paper has a block of every sort, and members rows in its table.
func paper(members int) papers.Paper {
	t := papers.Table{Caption: "members", Columns: []papers.Column{{Title: "No", Share: 10, Right: true}, {Title: "Name", Share: 60}, {Title: "Born", Share: 30}}}
	for i := range members {
		t.Rows = append(t.Rows, []string{fmt.Sprint(i + 1), fmt.Sprintf("Thành viên số %d", i+1), "02/03/1984"})
	}
	t.Total = []string{"", "Tổng cộng", fmt.Sprint(members)}
	return papers.Paper{Lang: "vi", Title: "BIÊN BẢN", Subtitle: "ĐỒNG Ý", Date: time.Date(2026, 10, 5, 0, 0, 0, 0, time.UTC),
		Head: papers.Head{Organisation: []string{"QUỸ VÌ NGƯỜI NGHÈO TỈNH QUẢNG NGÃI"}, Motto: []string{"Độc lập"}, Number: "Số: 1/BB", PlaceDate: "Quảng Ngãi, ngày 05"},
		Foot: papers.Foot{Reference: "HS-2026-000001", Note: "(*) phải kiểm tra", Page: "Trang {n}/{m}"},
		Blocks: []papers.Block{papers.Heading{Text: "I. Người đề nghị"}, papers.Paragraph{Text: alphabet}, papers.Paragraph{Text: "chữ đậm", Strong: true},
			papers.Fields{Rows: []papers.Field{{Label: "Họ và tên", Value: "Phạm (Văn) \\Tình"}}}, t, papers.List{Items: []string{"một", "hai"}}, papers.Code{Text: "HS-2026-000001-1", Caption: "Mã phiếu: HS-2026-000001-1"},
			papers.Signatures{Places: []papers.Signature{{Role: "Chủ tọa", Hint: "(Ký)", Name: "Võ Thị Lan"}, {Role: "Thư ký"}, {Role: "Ba"}, {Role: "Bốn"}}}}}
}

func render(t testing.TB, p papers.Paper) []byte {
	t.Helper()
	raw, err := pdf.Render(p)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

var (
	streams = regexp.MustCompile(`(?s)stream\r?\n(.*?)endstream`)
	shown   = regexp.MustCompile(`(?s)\(((?:\\.|[^\\)])*)\) ?Tj`)
)

// textOf reads the text of a PDF back, by hand: the strings that its pages
// show, which are UTF-16.
func textOf(raw []byte) string {
	var out strings.Builder
	for _, stream := range streams.FindAllSubmatch(raw, -1) {
		content := stream[1]
		if r, err := zlib.NewReader(bytes.NewReader(content)); err == nil {
			content, _ = io.ReadAll(r)
		}
		if !bytes.Contains(content, []byte("BT ")) {
			continue
		}
		for _, s := range shown.FindAllSubmatch(content, -1) {
			out.WriteString(utf16Text(s[1]) + "\n")
		}
	}
	return out.String()
}

func utf16Text(escaped []byte) string {
	var plain []byte
	for i := 0; i < len(escaped); i++ {
		if escaped[i] == '\\' && i+1 < len(escaped) {
			i++
			if escaped[i] == 'r' {
				plain = append(plain, '\r')
				continue
			}
		}
		plain = append(plain, escaped[i])
	}
	var units []uint16
	for i := 0; i+1 < len(plain); i += 2 {
		units = append(units, uint16(plain[i])<<8|uint16(plain[i+1]))
	}
	return string(utf16.Decode(units))
}

func TestTextCanBeReadBack(t *testing.T) {
	raw := render(t, paper(3))
	text := textOf(raw)
	for _, want := range append(strings.Fields(alphabet), "BIÊN BẢN", "ĐỒNG Ý", "Độc lập", "Số: 1/BB", "I. Người đề nghị", "chữ đậm", "Họ và tên:", `Phạm (Văn) \Tình`,
		"Thành viên số 3", "Tổng cộng", "hai", "Võ Thị Lan", "Bốn", "HS-2026-000001", "(*) phải kiểm tra", "Trang 1/1") {
		if !strings.Contains(text, want) {
			t.Errorf("%q is missing", want)
		}
	}
	if n := bytes.Count(raw, []byte("/FontFile2")); n != 3 {
		t.Errorf("%d fonts are embedded", n)
	}
	if n := bytes.Count(raw, []byte("/ToUnicode")); n != 3 {
		t.Errorf("%d fonts tell which letters they draw", n)
	}
	if !bytes.Contains(raw, []byte("/Lang (vi)")) && !bytes.Contains(raw, []byte("/Lang(vi)")) {
		t.Error("the language is not named")
	}
}

// The reader of other people's programs sees the same, where it is installed.
// The test above never skips, and this one not in CI.
func TestOtherReaders(t *testing.T) {
	tool, err := exec.LookPath("pdftotext")
	if err != nil && os.Getenv("CI") != "" {
		t.Fatal("install poppler-utils: pdftotext reads the papers as other people's programs do")
	}
	if err != nil {
		t.Skip("no pdftotext here (poppler-utils); TestTextCanBeReadBack reads the file by itself")
	}
	cmd := exec.Command(tool, "-", "-")
	cmd.Stdin = bytes.NewReader(render(t, paper(60)))
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range append(strings.Fields(alphabet), "QUỸ VÌ NGƯỜI", "Thành viên số 60", "Trang 2/3") {
		if !strings.Contains(string(out), want) {
			t.Errorf("%q is missing", want)
		}
	}
}

func TestSamePaperSameBytes(t *testing.T) {
	a := render(t, paper(40))
	for range 3 {
		if !bytes.Equal(a, render(t, paper(40))) {
			t.Fatal("the same paper gives other bytes")
		}
	}
	other := paper(40)
	other.Title = "KHÁC"
	if bytes.Equal(a, render(t, other)) {
		t.Error("another paper gives the same bytes")
	}
}

// A long table goes on over pages, each with its titles and its number.
func TestManyMembers(t *testing.T) {
	raw := render(t, paper(100))
	text := textOf(raw)
	pages := bytes.Count(raw, []byte("/Type /Page\n"))
	if pages < 3 || strings.Count(text, "\nBorn\n") != pages && strings.Count(text, "\nBorn\n") != pages-1 {
		t.Errorf("%d pages, %d rows of titles", pages, strings.Count(text, "\nBorn\n"))
	}
	for i := range pages {
		if !strings.Contains(text, fmt.Sprintf("Trang %d/%d\n", i+1, pages)) {
			t.Errorf("page %d has no number", i+1)
		}
	}
}

// Whatever stands in a paper, wherever: it is drawn, nothing is lost.
func TestAnythingIsDrawn(t *testing.T) {
	words := rapid.SampledFrom([]string{"Phạm", strings.Repeat("Ạ", 400), "W", "(", ")", "\\", "漢字", "□", "a\u00a0b", "", "{n}", strings.Repeat("dài ", 300)})
	rapid.Check(t, func(t *rapid.T) {
		text := func(name string) string {
			return strings.Join(strings.Fields(words.Draw(t, name)+" "+words.Draw(t, name)), " ")
		}
		p := paper(rapid.IntRange(0, 5).Draw(t, "members"))
		p.Title, p.Head.Organisation, p.Head.PlaceDate, p.Foot.Note = text("title"), []string{text("organisation")}, text("place"), ""
		p.Blocks = append(p.Blocks, papers.Heading{Text: text("heading")}, papers.Paragraph{Text: text("paragraph")},
			papers.Fields{Rows: []papers.Field{{Label: text("label"), Value: text("value")}}}, papers.List{Items: []string{text("item")}}, papers.Code{Text: "x", Caption: text("caption")},
			papers.Table{Columns: []papers.Column{{Title: text("column"), Share: 100}}, Rows: [][]string{{text("cell")}}},
			papers.Signatures{Places: []papers.Signature{{Role: text("role"), Hint: text("hint"), Name: text("name")}}},
			papers.Paragraph{Text: "the end"})
		raw, err := pdf.Render(p)
		if err != nil {
			t.Fatal(err)
		}
		drawn := textOf(raw)
		if letters := strings.Count(drawn, "Ạ"); letters < strings.Count(fmt.Sprint(p.Blocks), "Ạ") || !strings.Contains(drawn, "the end") {
			t.Fatalf("%d letters of %d", letters, strings.Count(fmt.Sprint(p.Blocks), "Ạ"))
		}
	})
}

func BenchmarkRender(b *testing.B) {
	p := paper(5)
	for b.Loop() {
		render(b, p)
	}
}
