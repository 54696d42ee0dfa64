package banktest

import (
	"bytes"
	"crypto/sha256"
	"encoding/csv"
	"encoding/hex"
	"encoding/xml"
	"fmt"
	"strconv"
	"strings"

	"github.com/aidflow/aidflow/aid/money"
)

// read gives the message id, the account to pay from, and the lines. A CSV file
// has no id: it is called by its content.
func read(file []byte, currency string) (batch, account string, orders []order, err error) {
	file = bytes.TrimPrefix(file, []byte("\ufeff"))
	if bytes.HasPrefix(file, []byte("<")) {
		return readXML(file, currency)
	}
	account, orders, err = readCSV(file, currency)
	sum := sha256.Sum256(file)
	return hex.EncodeToString(sum[:16]), account, orders, err
}

func readXML(file []byte, currency string) (string, string, []order, error) {
	var m struct {
		XMLName xml.Name
		ID      string `xml:"CstmrCdtTrfInitn>GrpHdr>MsgId"`
		Number  int    `xml:"CstmrCdtTrfInitn>GrpHdr>NbOfTxs"`
		Sum     string `xml:"CstmrCdtTrfInitn>GrpHdr>CtrlSum"`
		Account string `xml:"CstmrCdtTrfInitn>PmtInf>DbtrAcct>Id>Othr>Id"`
		Lines   []struct {
			EndToEnd string `xml:"PmtId>EndToEndId"`
			Amount   struct {
				Currency string `xml:"Ccy,attr"`
				Text     string `xml:",chardata"`
			} `xml:"Amt>InstdAmt"`
			Name    string `xml:"Cdtr>Nm"`
			Account string `xml:"CdtrAcct>Id>Othr>Id"`
			Text    string `xml:"RmtInf>Ustrd"`
		} `xml:"CstmrCdtTrfInitn>PmtInf>CdtTrfTxInf"`
	}
	if err := xml.Unmarshal(file, &m); err != nil {
		return "", "", nil, fmt.Errorf("banktest: %w", err)
	}
	var orders []order
	sum := int64(0)
	for _, l := range m.Lines {
		amount, err := minor(l.Amount.Text, currency)
		if err != nil || l.Amount.Currency != currency {
			return "", "", nil, fmt.Errorf("banktest: an amount cannot be paid")
		}
		sum += amount
		orders = append(orders, order{l.EndToEnd, l.Name, l.Account, l.Text, amount})
	}
	if told, err := minor(m.Sum, currency); err != nil || told != sum || m.Number != len(orders) {
		return m.ID, m.Account, nil, fmt.Errorf("banktest: number or sum of the file is wrong")
	}
	return m.ID, m.Account, orders, nil
}

func readCSV(file []byte, currency string) (account string, orders []order, err error) {
	in := csv.NewReader(bytes.NewReader(file))
	in.Comma = ';'
	rows, err := in.ReadAll()
	if err != nil || len(rows) < 2 {
		return "", nil, fmt.Errorf("banktest: the file cannot be read")
	}
	at := map[string]int{}
	for i, title := range rows[0] {
		at[title] = i
	}
	for _, title := range []string{"EndToEndId", "Amount", "AccountName", "AccountNumber", "Purpose", "DebtorAccount"} {
		if _, there := at[title]; !there {
			return "", nil, fmt.Errorf("banktest: the file has no column %s", title)
		}
	}
	sum := int64(0)
	for _, row := range rows[1:] {
		amount, err := minor(row[at["Amount"]], currency)
		if err != nil {
			return "", nil, err
		}
		if strings.HasPrefix(row[0], "Total") {
			if amount != sum {
				return "", nil, fmt.Errorf("banktest: the sum of the file is wrong")
			}
			return account, orders, nil
		}
		sum += amount
		account = row[at["DebtorAccount"]]
		orders = append(orders, order{row[at["EndToEndId"]], row[at["AccountName"]], row[at["AccountNumber"]], row[at["Purpose"]], amount})
	}
	return account, orders, nil
}

// minor reads an amount that has exactly the currency's decimals.
func minor(text, currency string) (int64, error) {
	digits, _ := money.Exponent(currency)
	whole, fraction, _ := strings.Cut(text, ".")
	if len(fraction) != digits {
		return 0, fmt.Errorf("banktest: an amount has other decimals than %s", currency)
	}
	return strconv.ParseInt(whole+fraction, 10, 64)
}

// decimal writes minor units as banks do.
func decimal(amount int64, currency string) string {
	digits, _ := money.Exponent(currency)
	text := fmt.Sprintf("%0*d", digits+1, amount)
	if digits == 0 {
		return text
	}
	return text[:len(text)-digits] + "." + text[len(text)-digits:]
}
