package bankfile

import (
	"strconv"
	"strings"

	"github.com/aidflow/aidflow/rails"
)

// pain002 reads an answer to a file of ours. One answer speaks of one file,
// which has one payment information block.
type pain002 struct {
	collector
	line          rails.ReportLine
	status, other string // of the line; its other reference
	group, block  verdict
	blocks        int
	number        string // of the instructions in our file
	totals        []total
	total         total
	lines, sums   map[string]int64 // per status
	silent        map[string]bool  // statuses with a line that has no amount
}

// verdict is what a bank says of a whole file or block.
type verdict struct{ status, reason string }

// total is what a bank says of all lines of one status.
type total struct{ status, number, sum string }

func newPain002() *pain002 {
	return &pain002{collector: newCollector("pain.002"), lines: map[string]int64{}, sums: map[string]int64{}, silent: map[string]bool{}}
}

const (
	painGroup = "CstmrPmtStsRpt/OrgnlGrpInfAndSts"
	painBlock = "CstmrPmtStsRpt/OrgnlPmtInfAndSts"
	painLine  = painBlock + "/TxInfAndSts"
)

func (p *pain002) start(path string) error {
	switch path {
	case painBlock:
		if p.blocks++; p.blocks > 1 {
			return p.fault("malformed")
		}
	case painLine:
		p.line, p.status, p.other = rails.ReportLine{}, "", ""
	case painGroup + "/NbOfTxsPerSts", painBlock + "/NbOfTxsPerSts":
		p.total = total{}
	}
	return nil
}

func (p *pain002) end(path string, e element) error {
	if below, ok := strings.CutPrefix(path, painLine+"/"); ok {
		return p.ofLine(below, e)
	}
	if below, ok := strings.CutPrefix(path, painGroup+"/"); ok {
		return p.ofWhole(below, e, &p.group)
	}
	if below, ok := strings.CutPrefix(path, painBlock+"/"); ok && path != painLine {
		return p.ofWhole(below, e, &p.block)
	}
	switch path {
	case "CstmrPmtStsRpt/GrpHdr/MsgId":
		return p.set(&p.ID, e)
	case painLine:
		return p.endLine()
	}
	return nil
}

// ofWhole reads what is said of the file, or of its one block.
func (p *pain002) ofWhole(path string, e element, v *verdict) error {
	switch path {
	case "OrgnlMsgId":
		return p.set(&p.Batch, e)
	case "GrpSts", "PmtInfSts":
		return p.set(&v.status, e)
	case "StsRsnInf/Rsn/Cd", "StsRsnInf/Rsn/Prtry":
		if v.reason == "" { // there may be several
			v.reason = e.text
		}
	case "OrgnlNbOfTxs":
		p.number = e.text
	case "NbOfTxsPerSts/DtldSts":
		return p.set(&p.total.status, e)
	case "NbOfTxsPerSts/DtldNbOfTxs":
		return p.set(&p.total.number, e)
	case "NbOfTxsPerSts/DtldCtrlSum":
		return p.set(&p.total.sum, e)
	case "NbOfTxsPerSts":
		p.totals = append(p.totals, p.total)
		if len(p.totals) > 100 {
			return p.fault("malformed")
		}
	}
	return nil
}

func (p *pain002) ofLine(path string, e element) error {
	switch path {
	case "OrgnlEndToEndId":
		return p.set(&p.line.EndToEnd, e)
	case "TxSts":
		return p.set(&p.status, e)
	case "AcctSvcrRef":
		return p.set(&p.line.Reference, e)
	case "StsId":
		return p.set(&p.other, e)
	case "StsRsnInf/Rsn/Cd", "StsRsnInf/Rsn/Prtry":
		if p.line.Code == "" {
			p.line.Code = e.text
		}
	case "StsRsnInf/AddtlInf":
		p.line.Text = joined(p.line.Text, e.text)
	case "OrgnlTxRef/Amt/InstdAmt":
		amount, err := p.amount(e)
		if err != nil {
			return err
		}
		if amount == 0 || p.line.Amount != 0 {
			return p.fault("malformed")
		}
		p.line.Amount, p.line.Currency = amount, e.currency
	case "OrgnlTxRef/Cdtr/Nm", "OrgnlTxRef/Cdtr/Pty/Nm":
		return p.set(&p.line.Name, e)
	case "OrgnlTxRef/CdtrAcct/Id/Othr/Id", "OrgnlTxRef/CdtrAcct/Id/IBAN":
		return p.set(&p.line.Account, e)
	}
	return nil
}

// joined puts texts of several elements together, up to what one may have.
func joined(a, b string) string {
	text := strings.TrimSpace(a + " " + b)
	if len(text) > maxField {
		return strings.ToValidUTF8(text[:maxField], "")
	}
	return text
}

// stateOf translates a status of ISO 20022; "" for one that is not known or,
// as PART, says nothing of a single instruction.
func stateOf(status string) rails.State {
	switch status {
	case "RJCT":
		return rails.Refused
	case "CANC":
		return rails.Failed
	case "ACSC", "ACCC":
		return rails.Settled
	case "RCVD", "PDNG", "ACTC", "ACCP", "ACSP", "ACWC", "ACWP", "ACFC", "PATC":
		return rails.Accepted
	}
	return ""
}

func (p *pain002) endLine() error {
	if p.status == "" {
		p.status = p.block.status
	}
	if p.line.State = stateOf(p.status); p.line.State == "" || p.line.EndToEnd == "" {
		return p.fault("malformed")
	}
	if p.line.Reference == "" {
		p.line.Reference = p.other
	}
	if p.line.Code == "" && p.line.State == rails.Refused {
		p.line.Code = p.block.reason
	}
	if err := p.add(p.line); err != nil {
		return err
	}
	p.lines[p.status]++
	p.sums[p.status] = plus(p.sums[p.status], p.line.Amount)
	p.silent[p.status] = p.silent[p.status] || p.line.Amount == 0
	// An answer says one thing of each instruction.
	return p.once(rails.ReportLine{N: len(p.Lines), EndToEnd: p.line.EndToEnd}, p.line.EndToEnd)
}

func (p *pain002) finish() (*rails.Report, error) {
	if p.ID == "" || p.Batch == "" {
		return nil, unreadable("malformed", 0)
	}
	if err := p.rest(); err != nil {
		return nil, err
	}
	if err := p.check(); err != nil {
		return nil, err
	}
	return &p.Report, nil
}

// rest says what became of the instructions that have no line. The block is
// more exact than the file, and settled are only those that have a line.
func (p *pain002) rest() error {
	v := p.block
	if v.status == "" {
		v = p.group
	}
	state := stateOf(v.status)
	switch {
	case state == "" && v.status != "" && v.status != "PART":
		return unreadable("malformed", 0)
	case state == rails.Settled:
		state = rails.Accepted
	case state == rails.Failed:
		state = rails.Refused
	}
	if state == rails.Refused {
		p.RestReason = v.reason
		for _, l := range p.Lines {
			if l.State != rails.Refused && l.State != rails.Failed {
				return unreadable("malformed", l.N)
			}
		}
	}
	p.Rest = state
	return nil
}

// check compares the lines with the totals that the bank gives. A status of
// which no line is told need not have them, but what was refused is told.
func (p *pain002) check() error {
	if p.number != "" {
		n, ok := number(p.number)
		if !ok || n < int64(len(p.Lines)) {
			return unreadable("control_sum", 0)
		}
	}
	for _, t := range p.totals {
		n, err := strconv.ParseInt(t.number, 10, 64)
		if err != nil || t.status == "" {
			return unreadable("malformed", 0)
		}
		told := p.lines[t.status]
		if told == 0 && (t.status != "RJCT" || p.Rest == rails.Refused) {
			continue
		}
		if told != n {
			return unreadable("control_sum", 0)
		}
		if t.sum == "" || p.silent[t.status] || told == 0 {
			continue
		}
		if sum, ok := minor(t.sum, p.Currency); !ok || sum != p.sums[t.status] {
			return unreadable("control_sum", 0)
		}
	}
	return nil
}
