package bankfile_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/aidflow/aidflow/rails"
	"github.com/aidflow/aidflow/rails/bankfile"
)

// sample gives a file of testdata with one piece of it replaced, which must be
// there.
func sample(t testing.TB, name, was, is string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(text), was) {
		t.Fatalf("%s has no %q", name, was)
	}
	return strings.Replace(string(text), was, is, 1)
}

// read reads a file that has to be believed.
func read(t testing.TB, set bankfile.Settings, file string) *rails.Report {
	t.Helper()
	r, err := rail(t, set).Read(strings.NewReader(file))
	if err != nil {
		t.Fatalf("%v in %s", err, file)
	}
	return r
}

const (
	answer10  = "answer.pain.002.001.10.xml"
	camt08    = "statement.camt.053.001.08.xml"
	camt02    = "statement.camt.053.001.02.xml"
	csvSheet  = "statement.csv"
	secondRef = "-2</AcctSvcrRef><EndToEndId>01hx5zzkbkactav9wev000001/1/1</EndToEndId>"
)

func TestWhatIsNotBelieved(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ file, was, is, code string }{
		"closing":            {camt08, `>898010889<`, `>898010890<`, "control_sum"},
		"opening":            {camt08, `>900000000<`, `>900000001<`, "control_sum"},
		"overdrawn":          {camt08, `898010889</Amt><CdtDbtInd>CRDT`, `898010889</Amt><CdtDbtInd>DBIT`, "control_sum"},
		"two openings":       {camt08, `<Cd>CLBD</Cd>`, `<Cd>OPBD</Cd>`, "malformed"},
		"number of entries":  {camt08, `<NbOfNtries>5<`, `<NbOfNtries>4<`, "control_sum"},
		"number of credits":  {camt08, `<NbOfNtries>2<`, `<NbOfNtries>3<`, "control_sum"},
		"sum of entries":     {camt08, `<Sum>4011111<`, `<Sum>4011112<`, "control_sum"},
		"sum of debits":      {camt08, `<Sum>3000111<`, `<Sum>3000110.5<`, "control_sum"},
		"batch number":       {camt02, `<NbOfTxs>3<`, `<NbOfTxs>2<`, "control_sum"},
		"batch sum":          {camt02, `<TtlAmt Ccy="VND">3000111`, `<TtlAmt Ccy="VND">3000112`, "control_sum"},
		"batch and entry":    {camt02, `<TxAmt><Amt Ccy="VND">1000037`, `<TxAmt><Amt Ccy="VND">1000038`, "control_sum"},
		"batch, no amount":   {camt02, `<AmtDtls><TxAmt><Amt Ccy="VND">1000037</Amt></TxAmt></AmtDtls>`, ``, "control_sum"},
		"detail and entry":   {camt08, `<Amt Ccy="VND">1000000</Amt><CdtDbtInd>DBIT</CdtDbtInd><RltdPties>`, `<Amt Ccy="VND">999999</Amt><CdtDbtInd>DBIT</CdtDbtInd><RltdPties>`, "control_sum"},
		"another currency":   {camt08, `<Ntry><Amt Ccy="VND">11000<`, `<Ntry><Amt Ccy="USD">11000<`, "two_currencies"},
		"account's currency": {camt08, `<Ccy>VND</Ccy>`, `<Ccy>USD</Ccy>`, "two_currencies"},
		"no currency":        {camt08, `<Ntry><Amt Ccy="VND">11000<`, `<Ntry><Amt>11000<`, "malformed"},
		"currency twice":     {camt08, `<Ntry><Amt Ccy="VND">11000<`, `<Ntry><Amt Ccy="USD" Ccy="VND">11000<`, "malformed"},
		"half a dong":        {camt08, `<Ntry><Amt Ccy="VND">11000<`, `<Ntry><Amt Ccy="VND">11000.5<`, "malformed"},
		"negative":           {camt08, `<Ntry><Amt Ccy="VND">11000<`, `<Ntry><Amt Ccy="VND">-11000<`, "malformed"},
		"too much money":     {camt08, `<Ntry><Amt Ccy="VND">11000<`, `<Ntry><Amt Ccy="VND">11000000000000000000<`, "malformed"},
		"exponent":           {camt08, `<Ntry><Amt Ccy="VND">11000<`, `<Ntry><Amt Ccy="VND">11e3<`, "malformed"},
		"no amount":          {camt08, `<Ntry><Amt Ccy="VND">11000</Amt>`, `<Ntry>`, "malformed"},
		"two amounts":        {camt08, `<Ntry><Amt Ccy="VND">11000</Amt>`, `<Ntry><Amt Ccy="VND">11000</Amt><Amt Ccy="VND">11000</Amt>`, "malformed"},
		"no direction":       {camt08, `<Ntry><Amt Ccy="VND">11000</Amt><CdtDbtInd>CRDT</CdtDbtInd>`, `<Ntry><Amt Ccy="VND">11000</Amt>`, "malformed"},
		"another direction":  {camt08, `<Ntry><Amt Ccy="VND">11000</Amt><CdtDbtInd>CRDT`, `<Ntry><Amt Ccy="VND">11000</Amt><CdtDbtInd>BOTH`, "malformed"},
		"no status":          {camt08, `<Sts><Cd>BOOK</Cd></Sts>`, ``, "malformed"},
		"no day":             {camt08, `<BookgDt><Dt>2026-09-03</Dt></BookgDt>`, ``, "malformed"},
		"another day":        {camt08, `<BookgDt><Dt>2026-09-03</Dt></BookgDt>`, `<BookgDt><Dt>03/09/2026</Dt></BookgDt>`, "malformed"},
		"words in between":   {camt08, `<Ntry><Amt Ccy="VND">11000</Amt>`, `<Ntry><Amt Ccy="VND">11<x/>000</Amt>`, "malformed"},
		"no account":         {camt08, `<Acct><Id><Othr><Id>113000000001</Id></Othr></Id><Ccy>VND</Ccy></Acct>`, ``, "malformed"},
		"no id":              {camt08, `<GrpHdr>`, `<GrpHdr><!-- -->`, ""},
		"no message id":      {camt08, `<MsgId>Sa5581eccec8d</MsgId>`, ``, "malformed"},
		"two statements":     {camt08, `</Stmt>`, `</Stmt><Stmt></Stmt>`, "several_statements"},
		"the same twice":     {camt08, secondRef, secondRef, ""},
		"a document type":    {camt08, `<Document`, `<!DOCTYPE Document [<!ENTITY x "y">]><Document`, "malformed"},
		"an entity":          {camt08, `Nguyen`, `&x;`, "malformed"},
		"two roots":          {camt08, `</Document>`, `</Document><Document/>`, "malformed"},
		"words behind":       {camt08, `</Document>`, `</Document>words`, "malformed"},
		"another encoding":   {camt08, `encoding="UTF-8"`, `encoding="UTF-16"`, "malformed"},
		"another version":    {camt08, `camt.053.001.08`, `camt.053.001.99`, "unknown_format"},
		"broken nesting":     {camt08, `</Stmt>`, `</Smt>`, "malformed"},
		"deep":               {camt08, `<Stmt>`, `<Stmt>` + strings.Repeat("<a>", 100) + strings.Repeat("</a>", 100), "malformed"},
		"a long text":        {camt08, `Nguyen`, strings.Repeat("x", 5000), "malformed"},
		"a very long text":   {camt08, `Nguyen`, strings.Repeat("x", 2<<20), "malformed"},
		"not UTF-8":          {camt08, `Nguyen`, "\xff\xfe", "malformed"},

		"answer: status":         {answer10, `<TxSts>RJCT</TxSts>`, `<TxSts>ABCD</TxSts>`, "malformed"},
		"answer: no status":      {answer10, `<TxSts>RJCT</TxSts>`, ``, "malformed"},
		"answer: no id":          {answer10, `<OrgnlEndToEndId>01hx5zzkbkactav9wev000004/1/1</OrgnlEndToEndId>`, ``, "malformed"},
		"answer: twice":          {answer10, `wev000004/1/1`, `wev000001/1/1`, "duplicate_line"},
		"answer: refused number": {answer10, `<DtldNbOfTxs>1<`, `<DtldNbOfTxs>2<`, "control_sum"},
		"answer: settled number": {answer10, `<DtldNbOfTxs>3<`, `<DtldNbOfTxs>4<`, "control_sum"},
		"answer: refused sum":    {answer10, `<DtldCtrlSum>1000111<`, `<DtldCtrlSum>1000112<`, "control_sum"},
		"answer: more than ours": {answer10, `<OrgnlNbOfTxs>4<`, `<OrgnlNbOfTxs>3<`, "control_sum"},
		"answer: currencies":     {answer10, `Ccy="VND">1000037`, `Ccy="USD">1000037`, "two_currencies"},
		"answer: nothing":        {answer10, `>1000037<`, `>0<`, "malformed"},
		"answer: to nothing":     {answer10, `<OrgnlMsgId>01hx5zzkbkactav9wevgemmvrz</OrgnlMsgId>`, ``, "malformed"},
		"answer: contradiction":  {answer10, `<GrpSts>PART<`, `<GrpSts>RJCT<`, "malformed"},
		"answer: group":          {answer10, `<GrpSts>PART<`, `<GrpSts>OKAY<`, "malformed"},
		"answer: two blocks":     {answer10, `</OrgnlPmtInfAndSts>`, `</OrgnlPmtInfAndSts><OrgnlPmtInfAndSts></OrgnlPmtInfAndSts>`, "malformed"},

		"csv: debits":        {csvSheet, `3.000.111`, `3.000.112`, "control_sum"},
		"csv: credits":       {csvSheet, `1.011.000`, `1.011.001`, "control_sum"},
		"csv: number":        {csvSheet, `Tổng cộng 5`, `Tổng cộng 4`, "control_sum"},
		"csv: no number":     {csvSheet, `Tổng cộng 5`, `Tổng cộng`, ""},
		"csv: no total":      {csvSheet, "Tổng cộng 5;;;;3.000.111;1.011.000;;;;;\r\n", ``, "truncated"},
		"csv: balance":       {csvSheet, `898.999.963`, `898.999.964`, "control_sum"},
		"csv: no balance":    {csvSheet, `898.999.963`, ``, "control_sum"},
		"csv: behind total":  {csvSheet, "1.011.000;;;;;", "1.011.000;;;;;\r\n1;03/09/2026;;;1;;;;;;", "malformed"},
		"csv: both sides":    {csvSheet, `1.000.000;;899`, `1.000.000;1;899`, "malformed"},
		"csv: no side":       {csvSheet, `1.000.000;;899`, `;;899`, "malformed"},
		"csv: two readings":  {csvSheet, `1.000.000;;899`, `1.000,000;;899`, "malformed"},
		"csv: groups":        {csvSheet, `1.000.000;;899`, `1.0000.00;;899`, "malformed"},
		"csv: month first":   {csvSheet, `1;03/09/2026`, `1;09/13/2026`, "malformed"},
		"csv: twice":         {csvSheet, `-3;01hx5zzkbkactav9wev000002/2/1;1.000.037;;898.999.963`, `-1;01hx5zzkbkactav9wev000001/1/1;1.000.000;;899.000.000`, "duplicate_line"},
		"csv: two accounts":  {csvSheet, `HS-2026-000001;113000000001`, `HS-2026-000001;113000000002`, "two_accounts"},
		"csv: short row":     {csvSheet, `HS-2026-000001;113000000001`, `HS-2026-000001`, "malformed"},
		"csv: quotes":        {csvSheet, `HS-2026-000001`, `"HS-2026-000001`, "malformed"},
		"csv: not UTF-8":     {csvSheet, `HS-2026-000001`, "\xd0", "malformed"},
		"csv: column twice":  {csvSheet, `Số dư`, `Ghi nợ`, "malformed"},
		"csv: other columns": {csvSheet, `Ghi nợ`, `Nợ nần`, "unknown_format"},
	} {
		r, err := rail(t, bankfile.Settings{}).Read(strings.NewReader(sample(t, c.file, c.was, c.is)))
		var u *rails.Unreadable
		switch {
		case c.code == "" && err != nil:
			t.Errorf("%s: %v", name, err)
		case c.code != "" && (!errors.As(err, &u) || u.Code != c.code || r != nil):
			t.Errorf("%s: %v, not %s", name, err, c.code)
		}
	}
}

// The line at fault is named.
func TestTheLineAtFault(t *testing.T) {
	t.Parallel()
	file := sample(t, camt08, `<Ntry><Amt Ccy="VND">1000037<`, `<Ntry><Amt Ccy="VND">x<`)
	_, err := rail(t, bankfile.Settings{}).Read(strings.NewReader(file))
	var u *rails.Unreadable
	if !errors.As(err, &u) || u.Line != 3 || strings.Contains(err.Error(), "x<") {
		t.Errorf("%v at %+v", err, u)
	}
}

// An entry that stands in the file twice is not two movements. One payment
// that was booked twice under two references is.
func TestTheSameEntryTwice(t *testing.T) {
	t.Parallel()
	const entry = `<Ntry><Amt Ccy="VND">5</Amt><CdtDbtInd>DBIT</CdtDbtInd><Sts><Cd>BOOK</Cd></Sts><BookgDt><Dt>2026-09-03</Dt></BookgDt><AcctSvcrRef>%s</AcctSvcrRef><BkTxCd/>%s</Ntry>`
	const two = `<NtryDtls><TxDtls><Amt Ccy="VND">2</Amt></TxDtls><TxDtls><Amt Ccy="VND">3</Amt></TxDtls></NtryDtls>`
	const alike = `<NtryDtls><TxDtls><Amt Ccy="VND">2</Amt></TxDtls><TxDtls><Amt Ccy="VND">2</Amt></TxDtls><TxDtls><Amt Ccy="VND">1</Amt></TxDtls></NtryDtls>`
	for name, c := range map[string]struct {
		entries string
		twice   bool
	}{
		"one":                  {fmt.Sprintf(entry, "A", ""), false},
		"the same":             {fmt.Sprintf(entry, "A", "") + fmt.Sprintf(entry, "A", ""), true},
		"two references":       {fmt.Sprintf(entry, "A", "") + fmt.Sprintf(entry, "B", ""), false},
		"a fee beside it":      {fmt.Sprintf(entry, "A", "") + strings.Replace(fmt.Sprintf(entry, "A", ""), ">5<", ">1<", 1), false},
		"reversed":             {fmt.Sprintf(entry, "A", "") + strings.Replace(fmt.Sprintf(entry, "A", ""), "DBIT", "CRDT", 1), false},
		"a batch":              {fmt.Sprintf(entry, "A", two), false},
		"alike within a batch": {fmt.Sprintf(entry, "A", alike), false},
		"a batch twice":        {fmt.Sprintf(entry, "A", two) + fmt.Sprintf(entry, "A", two), true},
	} {
		file := notice(c.entries)
		_, err := rail(t, bankfile.Settings{}).Read(strings.NewReader(file))
		var u *rails.Unreadable
		if twice := errors.As(err, &u) && u.Code == "duplicate_line"; twice != c.twice || err != nil && !twice {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// notice wraps entries into a camt.054.
func notice(entries string) string {
	return `<Document xmlns="urn:iso:std:iso:20022:tech:xsd:camt.054.001.08"><BkToCstmrDbtCdtNtfctn><GrpHdr><MsgId>M</MsgId></GrpHdr>` +
		`<Ntfctn><Id>N</Id><Acct><Id><Othr><Id>113000000001</Id></Othr></Id></Acct>` + entries + `</Ntfctn></BkToCstmrDbtCdtNtfctn></Document>`
}

func TestEntriesAsBanksWriteThem(t *testing.T) {
	t.Parallel()
	const head = `<Ntry><NtryRef>9</NtryRef><Amt Ccy="VND">5.00</Amt><CdtDbtInd>DBIT</CdtDbtInd>%s<BookgDt><DtTm>2026-09-03T10:00:00</DtTm></BookgDt><BkTxCd/>%s<AddtlNtryInf>phi</AddtlNtryInf></Ntry>`
	book := `<Sts><Cd>BOOK</Cd></Sts>`
	for name, c := range map[string]struct {
		file string
		want rails.ReportLine
	}{
		"nothing but the entry": {fmt.Sprintf(head, book, ""), rails.ReportLine{State: rails.Settled, Reference: "9", Text: "phi"}},
		"to be booked":          {fmt.Sprintf(head, `<Sts><Cd>PDNG</Cd></Sts>`, ""), rails.ReportLine{State: rails.Accepted, Reference: "9", Text: "phi"}},
		"taken back":            {fmt.Sprintf(head, `<RvslInd>true</RvslInd>`+book, ""), rails.ReportLine{State: rails.Settled, Reference: "9", Text: "phi", Returned: true}},
		"one without an amount": {fmt.Sprintf(head, book, `<NtryDtls><TxDtls><Refs><EndToEndId>NOTPROVIDED</EndToEndId></Refs><RltdPties><Cdtr><Nm>A</Nm></Cdtr></RltdPties></TxDtls></NtryDtls>`),
			rails.ReportLine{State: rails.Settled, Reference: "9", Text: "phi", Name: "A"}},
		"IBAN and words": {fmt.Sprintf(head, book, `<NtryDtls><TxDtls><RltdPties><CdtrAcct><Id><IBAN>DE02</IBAN></Id></CdtrAcct></RltdPties><RmtInf><Ustrd>a</Ustrd><Ustrd>b</Ustrd></RmtInf></TxDtls></NtryDtls>`),
			rails.ReportLine{State: rails.Settled, Reference: "9", Text: "a b", Account: "DE02"}},
		"what banks add": {fmt.Sprintf(head, book, `<NtryDtls><TxDtls><SplmtryData><Envlp><Amt Ccy="USD">7</Amt></Envlp></SplmtryData></TxDtls></NtryDtls><y:x xmlns:y="urn:y"><Amt Ccy="EUR">1</Amt></y:x>`),
			rails.ReportLine{State: rails.Settled, Reference: "9", Text: "phi"}},
		"a reason in words": {strings.Replace(fmt.Sprintf(head, book, `<NtryDtls><TxDtls><RtrInf><Rsn><Prtry>sai ten</Prtry></Rsn></RtrInf></TxDtls></NtryDtls>`), "DBIT", "CRDT", 1),
			rails.ReportLine{State: rails.Settled, Reference: "9", Text: "phi", Credit: true, Returned: true, Code: "sai ten"}},
	} {
		r := read(t, bankfile.Settings{}, notice(c.file))
		want := c.want
		want.N, want.Amount, want.Currency = 1, 5, "VND"
		if want.State == rails.Settled {
			want.BookedOn = r.Lines[0].BookedOn
		}
		if len(r.Lines) != 1 || r.Lines[0] != want || want.State == rails.Settled && want.BookedOn.Format("2006-01-02") != "2026-09-03" {
			t.Errorf("%s: %+v", name, r.Lines)
		}
		if r.Full || r.Opening != nil || r.Account != "113000000001" {
			t.Errorf("%s: a notice is full, or of another account: %+v", name, r)
		}
	}
	if r := read(t, bankfile.Settings{}, notice("")); len(r.Lines) != 0 || r.ID != "M" {
		t.Errorf("a notice of nothing: %+v", r)
	}
}

// Only a whole statement proves that something is not in it.
func TestWhatIsFull(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		was, is string
		full    bool
	}{
		"as it is":      {`<Stmt>`, `<Stmt>`, true},
		"a page":        {`<CreDtTm>2026-09-03T23:59:59+07:00</CreDtTm></GrpHdr>`, `<MsgPgntn><PgNb>1</PgNb><LastPgInd>false</LastPgInd></MsgPgntn></GrpHdr>`, false},
		"the only page": {`<CreDtTm>2026-09-03T23:59:59+07:00</CreDtTm></GrpHdr>`, `<MsgPgntn><PgNb>1</PgNb><LastPgInd>true</LastPgInd></MsgPgntn></GrpHdr>`, true},
		"no period":     {`<FrToDt><FrDtTm>2026-09-03T00:00:00+07:00</FrDtTm><ToDtTm>2026-09-03T23:59:59+07:00</ToDtTm></FrToDt>`, ``, false},
		"no opening":    {`<Cd>OPBD</Cd>`, `<Cd>ITBD</Cd>`, false},
		"day before":    {`<Cd>OPBD</Cd>`, `<Cd>PRCD</Cd>`, true},
	} {
		if r := read(t, bankfile.Settings{}, sample(t, camt08, c.was, c.is)); r.Full != c.full || r.Full == r.From.IsZero() {
			t.Errorf("%s: full %v from %v", name, r.Full, r.From)
		}
	}
}

func TestTheWholeFileIsRefusedOrTaken(t *testing.T) {
	t.Parallel()
	const message = `<Document xmlns="urn:iso:std:iso:20022:tech:xsd:pain.002.001.10"><CstmrPmtStsRpt><GrpHdr><MsgId>M</MsgId></GrpHdr>` +
		`<OrgnlGrpInfAndSts><OrgnlMsgId>B</OrgnlMsgId>%s</OrgnlGrpInfAndSts>%s</CstmrPmtStsRpt></Document>`
	for name, c := range map[string]struct {
		group, block string
		rest         rails.State
		reason       string
	}{
		"refused":          {`<GrpSts>RJCT</GrpSts><StsRsnInf><Rsn><Cd>AM05</Cd></Rsn></StsRsnInf>`, ``, rails.Refused, "AM05"},
		"taken":            {`<GrpSts>ACTC</GrpSts>`, ``, rails.Accepted, ""},
		"settled as whole": {`<GrpSts>ACSC</GrpSts>`, ``, rails.Accepted, ""},
		"says nothing":     {``, ``, "", ""},
		"block refused":    {`<GrpSts>ACTC</GrpSts>`, `<OrgnlPmtInfAndSts><PmtInfSts>RJCT</PmtInfSts><StsRsnInf><Rsn><Cd>AC06</Cd></Rsn></StsRsnInf></OrgnlPmtInfAndSts>`, rails.Refused, "AC06"},
		"line of a block":  {``, `<OrgnlPmtInfAndSts><PmtInfSts>RJCT</PmtInfSts><TxInfAndSts><OrgnlEndToEndId>x</OrgnlEndToEndId></TxInfAndSts></OrgnlPmtInfAndSts>`, rails.Refused, ""},
	} {
		r := read(t, bankfile.Settings{}, fmt.Sprintf(message, c.group, c.block))
		if r.Rest != c.rest || r.RestReason != c.reason || r.Batch != "B" {
			t.Errorf("%s: %q, %q", name, r.Rest, r.RestReason)
		}
		for _, l := range r.Lines {
			if l.State != rails.Refused || l.Amount != 0 {
				t.Errorf("%s: %+v", name, l)
			}
		}
	}
}

func TestSheetsOfBanks(t *testing.T) {
	t.Parallel()
	usd := bankfile.Settings{Currency: "USD", Statement: bankfile.Layout{Decimal: "."}}
	for name, c := range map[string]struct {
		set    bankfile.Settings
		file   string
		amount int64
		credit bool
		state  rails.State
	}{
		"answer":        {bankfile.Settings{}, "EndToEndId,Status,Amount,Reason\na/1/1,Thành công,1000000,\nTotal,,1000000,\n", 1_000_000, false, rails.Settled},
		"answer, fails": {bankfile.Settings{}, "Mã đối chiếu;Trạng thái;Lý do\na/1/1;THẤT BẠI;AC01\nTổng 1;;\n", 0, false, rails.Failed},
		"own words":     {bankfile.Settings{Statement: bankfile.Layout{Status: "KQ", States: map[string]rails.State{"00": rails.Settled}}}, "EndToEndId;KQ\na/1/1;00\nTotal 1;\n", 0, false, rails.Settled},
		"signed":        {bankfile.Settings{}, "Ngày\tSố tiền\n3/9/2026 10:11\t-1.000.000 VND\nTổng\t-1.000.000\n", 1_000_000, false, rails.Settled},
		"signed credit": {bankfile.Settings{}, "Date,Amount\n2026-09-03,\"+1,000,000 đ\"\nTotal,\"+1,000,000\"\n", 1_000_000, true, rails.Settled},
		"spaces":        {bankfile.Settings{}, "Date;Debit;Credit\n03/09/2026;;1 000 000\nTotal;0;1000000\n", 1_000_000, true, rails.Settled},
		"cents":         {usd, "Date,Debit,Credit\n03/09/2026,\"1,000.50\",\nTotal,1000.50,0.00\n", 100_050, false, rails.Settled},
		"newest first":  {bankfile.Settings{}, "Date;Debit;Credit;Balance\n04/09/2026;;7;12\n03/09/2026;5;;5\nTotal;5;7;\n", 7, true, rails.Settled},
	} {
		r := read(t, c.set, c.file)
		if l := r.Lines[0]; l.Amount != c.amount || l.Credit != c.credit || l.State != c.state {
			t.Errorf("%s: %+v", name, l)
		}
		if r.ID == "" || len(r.ID) > 35 || r.Full {
			t.Errorf("%s: id %q, full %v", name, r.ID, r.Full)
		}
	}
	r := read(t, bankfile.Settings{}, "Date;Debit;Credit;Balance\n04/09/2026;;7;12\n03/09/2026;5;;5\nTotal;5;7;\n")
	if *r.Opening != 10 || *r.Closing != 12 {
		t.Errorf("newest first: from %d to %d", *r.Opening, *r.Closing)
	}
	for name, file := range map[string]string{
		"no sign":           "Date;Amount\n03/09/2026;5\nTotal;5\n",
		"two signs":         "Date;Amount\n03/09/2026;+-5\nTotal;-5\n",
		"no word of ours":   "EndToEndId;Status\na/1/1;maybe\nTotal 1;\n",
		"nothing counted":   "EndToEndId;Status\na/1/1;success\nTotal;\n",
		"twice answered":    "EndToEndId;Status\na/1/1;success\na/1/1;failed\nTotal 2;\n",
		"cents in dong":     "Date;Debit;Credit\n03/09/2026;5,50;\nTotal;5,50;0\n",
		"all three columns": "Date;Debit;Credit;Amount\n",
	} {
		if _, err := rail(t, bankfile.Settings{}).Read(strings.NewReader(file)); err == nil {
			t.Errorf("%s is believed", name)
		}
	}
	for _, text := range []string{"1.000", "1,000", "1.5", "1,00"} { // could be read in two ways
		if _, err := rail(t, usd).Read(strings.NewReader("Date;Debit;Credit\n03/09/2026;" + text + ";\nTotal;" + text + ";0\n")); err == nil && text != "1,000" {
			t.Errorf("%s dollars are believed", text)
		}
	}
}

// A file may be long; an element or row may not.
func TestLongFiles(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		file io.Reader
		code string
	}{
		"spaces":      {io.MultiReader(strings.NewReader("<?xml version=\"1.0\"?>"), endless(" ")), "malformed"},
		"an element":  {io.MultiReader(strings.NewReader("<Document"), endless(" ")), "malformed"},
		"comments":    {io.MultiReader(strings.NewReader(strings.Split(notice(""), "<Acct>")[0]), endless("<!--"+strings.Repeat("x", 1000)+"-->")), "too_large"},
		"a row":       {io.MultiReader(strings.NewReader("Date;Amount\n"), endless("x")), "malformed"},
		"empty rows":  {io.MultiReader(strings.NewReader("Date;Amount\n"), endless(";"+strings.Repeat(" ", 1000)+"\n")), "too_large"},
		"quoted rows": {io.MultiReader(strings.NewReader("Date;Amount\n\""), endless("x\n")), "malformed"},
	} {
		_, err := rail(t, bankfile.Settings{}).Read(c.file)
		var u *rails.Unreadable
		if !errors.As(err, &u) || u.Code != c.code {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// endless repeats a text for ever.
func endless(text string) io.Reader {
	return &repeated{text: []byte(strings.Repeat(text, 1+4096/len(text)))}
}

type repeated struct {
	text []byte
	in   bytes.Reader
}

func (r *repeated) Read(p []byte) (int, error) {
	if r.in.Len() == 0 {
		r.in.Reset(r.text)
	}
	return r.in.Read(p)
}

// Whatever comes, reading ends, with lines that can be used or with a code.
func FuzzRead(f *testing.F) {
	for _, name := range []string{answer10, "answer.pain.002.001.03.xml", camt08, camt02, csvSheet, "run.csv", "run.pain.001.001.09.xml"} {
		text, err := os.ReadFile(filepath.Join("testdata", name))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Add([]byte(notice("")))
	f.Add([]byte("EndToEndId,Status,Amount\na/1/1,success,\"1,000\"\nTotal 1,,1000\n"))
	r := rail(f, bankfile.Settings{})
	f.Fuzz(func(t *testing.T, file []byte) {
		report, err := r.Read(bytes.NewReader(file))
		var u *rails.Unreadable
		if err != nil {
			if !errors.As(err, &u) || u.Code == "" || report != nil {
				t.Fatalf("%v", err)
			}
			return
		}
		if report.ID == "" || report.Format == "" {
			t.Fatalf("no id or format: %+v", report)
		}
		for i, l := range report.Lines {
			if l.N != i+1 || !l.State.Valid() || l.Amount < 0 || l.Amount == 0 && (l.Currency != "" || l.BookedOn != l.BookedOn.UTC()) {
				t.Fatalf("%+v", l)
			}
		}
	})
}
