package bankfile

import (
	"bytes"
	"encoding/xml"
	"strconv"
	"strings"
	"time"

	"github.com/aidflow/aidflow/rails"
)

// namespace is what the namespaces of all messages begin with.
const namespace = "urn:iso:std:iso:20022:tech:xsd:"

// The elements of pain.001, with the names of ISO 20022. What is not here is
// not written.
type (
	painDocument struct {
		XMLName xml.Name    `xml:"Document"`
		Space   string      `xml:"xmlns,attr"`
		Header  painHeader  `xml:"CstmrCdtTrfInitn>GrpHdr"`
		Payment painPayment `xml:"CstmrCdtTrfInitn>PmtInf"`
	}
	painHeader struct {
		ID        string `xml:"MsgId"`
		CreatedAt string `xml:"CreDtTm"`
		Number    string `xml:"NbOfTxs"`
		Sum       string `xml:"CtrlSum"`
		Initiator string `xml:"InitgPty>Nm"`
	}
	painPayment struct {
		ID          string         `xml:"PmtInfId"`
		Method      string         `xml:"PmtMtd"`
		BatchBooked bool           `xml:"BtchBookg"`
		Number      string         `xml:"NbOfTxs"`
		Sum         string         `xml:"CtrlSum"`
		ExecuteOn   painDate       `xml:"ReqdExctnDt"`
		Debtor      string         `xml:"Dbtr>Nm"`
		Account     painAccount    `xml:"DbtrAcct"`
		Agent       painAgent      `xml:"DbtrAgt"`
		Charges     string         `xml:"ChrgBr"`
		Transfers   []painTransfer `xml:"CdtTrfTxInf"`
	}
	painDate struct {
		Plain string `xml:",chardata"`    // until version 07
		Day   string `xml:"Dt,omitempty"` // since version 08
	}
	painAccount struct {
		Number   string `xml:"Id>Othr>Id"`
		Scheme   string `xml:"Id>Othr>SchmeNm>Cd"`
		Currency string `xml:"Ccy,omitempty"`
	}
	painAgent struct {
		System string `xml:"FinInstnId>ClrSysMmbId>ClrSysId>Prtry"`
		BIN    string `xml:"FinInstnId>ClrSysMmbId>MmbId"`
	}
	painTransfer struct {
		EndToEnd string       `xml:"PmtId>EndToEndId"`
		Amount   painAmount   `xml:"Amt>InstdAmt"`
		Agent    painAgent    `xml:"CdtrAgt"`
		Creditor string       `xml:"Cdtr>Nm"`
		Account  painAccount  `xml:"CdtrAcct"`
		Purpose  *painPurpose `xml:"RmtInf"`
	}
	painAmount struct {
		Currency string `xml:"Ccy,attr"`
		Amount   string `xml:",chardata"`
	}
	painPurpose struct {
		Text string `xml:"Ustrd"`
	}
)

// bban says that an account number is the bank's own: Vietnam has no IBAN.
const bban = "BBAN"

func (r *Rail) writePain001(b rails.Batch) (rails.File, error) {
	number, sum := strconv.Itoa(len(b.Lines)), decimal(b.Sum(), b.Currency)
	message := painDocument{
		Space: namespace + "pain.001.001." + r.set.Version,
		Header: painHeader{ID: b.ID, CreatedAt: b.CreatedAt.UTC().Format(time.RFC3339),
			Number: number, Sum: sum, Initiator: b.Debtor.Name},
		Payment: painPayment{ID: b.ID, Method: "TRF", Number: number, Sum: sum,
			ExecuteOn: painDate{Day: day(b.ExecuteOn)}, Debtor: b.Debtor.Name,
			Account: painAccount{b.Debtor.Number, bban, b.Currency}, Agent: r.agent(b.Debtor.BankBIN),
			Charges: "DEBT"}, // the fund pays the fee, the household gets the whole
	}
	if r.set.Version == "03" {
		message.Payment.ExecuteOn = painDate{Plain: day(b.ExecuteOn)}
	}
	for _, l := range b.Lines {
		message.Payment.Transfers = append(message.Payment.Transfers, r.transfer(l))
	}
	var out bytes.Buffer
	out.WriteString(xml.Header)
	encoder := xml.NewEncoder(&out)
	encoder.Indent("", " ")
	if err := encoder.Encode(message); err != nil {
		return rails.File{}, err
	}
	out.WriteByte('\n')
	return rails.File{Name: fileName(b, ".xml"), Type: "application/xml", Bytes: out.Bytes()}, nil
}

func (r *Rail) agent(bin string) painAgent { return painAgent{r.set.ClearingSystem, bin} }

func (r *Rail) transfer(l rails.BatchLine) painTransfer {
	t := painTransfer{
		EndToEnd: rails.EndToEnd(l.Key),
		Amount:   painAmount{l.Currency, decimal(l.Amount, l.Currency)},
		Agent:    r.agent(l.Payee.BankBIN),
		Creditor: l.Payee.AccountName,
		Account:  painAccount{Number: l.Payee.AccountNumber, Scheme: bban},
	}
	if l.Purpose != "" {
		t.Purpose = &painPurpose{l.Purpose}
	}
	return t
}

// fileName names a file by its batch.
func fileName(b rails.Batch, ending string) string { return strings.ToLower(b.ID) + ending }
