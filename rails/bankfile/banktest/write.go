package banktest

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"strings"
	"time"
)

// page writes XML with the names of ISO 20022.
type page struct {
	bytes.Buffer
	old bool
}

// put writes an element with a text.
func (p *page) put(name, text string) {
	if text == "" {
		return
	}
	fmt.Fprintf(p, "<%s>", name)
	_ = xml.EscapeText(p, []byte(text))
	fmt.Fprintf(p, "</%s>", name)
}

// in writes elements around what f writes; names are parted by slashes.
func (p *page) in(names string, f func()) {
	path := strings.Split(names, "/")
	for _, name := range path {
		fmt.Fprintf(p, "<%s>", name)
	}
	f()
	for i := range path {
		fmt.Fprintf(p, "</%s>", path[len(path)-1-i])
	}
}

func (p *page) amount(name string, amount int64, currency string) {
	fmt.Fprintf(p, `<%s Ccy="%s">%s</%s>`, name, currency, decimal(amount, currency), name)
}

func (p *page) side(credit bool) {
	side := "DBIT"
	if credit {
		side = "CRDT"
	}
	p.put("CdtDbtInd", side)
}

// account writes a number that is no IBAN.
func (p *page) account(name, number string) {
	p.in(name, func() { p.in("Id/Othr", func() { p.put("Id", number) }) })
}

// party writes a name, which newer versions put one deeper.
func (p *page) party(name, who string) {
	if who == "" {
		return
	}
	if !p.old {
		name += "/Pty"
	}
	p.in(name, func() { p.put("Nm", who) })
}

// message writes a document around its content.
func message(kind string, old bool, f func(*page)) []byte {
	p := &page{old: old}
	p.WriteString(xml.Header)
	fmt.Fprintf(p, `<Document xmlns="urn:iso:std:iso:20022:tech:xsd:%s">`, kind)
	f(p)
	p.WriteString("</Document>\n")
	return p.Bytes()
}

const moment = "2006-01-02T15:04:05-07:00"

func (b *Books) header(p *page, id string) {
	p.in("GrpHdr", func() {
		p.put("MsgId", id)
		p.put("CreDtTm", b.evening().Format(moment))
	})
}

func (b *Books) morning() time.Time {
	y, m, d := b.day.On.Date()
	return time.Date(y, m, d, 0, 0, 0, 0, b.day.On.Location())
}

func (b *Books) evening() time.Time { return b.morning().Add(24*time.Hour - time.Second) }

// version chooses between the two versions of a message.
func (b *Books) version(kind, old, now string) string {
	if b.day.Old {
		return kind + ".001." + old
	}
	return kind + ".001." + now
}
