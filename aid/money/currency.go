package money

import "strings"

// The active currencies of ISO 4217, by number of digits of the minor unit.
// Funds, metals and test codes are left out: nobody is paid in them.
const (
	noDigits = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX VND VUV XAF XOF XPF "

	threeDigits = "BHD IQD JOD KWD LYD OMR TND "

	twoDigits = "AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BMD BND BOB BRL BSD BTN BWP BYN BZD " +
		"CAD CDF CHF CNY COP CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD " +
		"HKD HNL HTG HUF IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK " +
		"MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB " +
		"SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD " +
		"UYU UZS VED VES WST XCD XCG YER ZAR ZMW ZWG "
)

// Exponent gives the number of digits of a currency's minor unit as in ISO
// 4217 (VND 0, USD 2, KWD 3), and whether the code is known. The code is upper
// case.
func Exponent(currency string) (digits int, known bool) {
	if len(currency) != 3 || strings.Contains(currency, " ") {
		return 0, false
	}
	code := currency + " "
	switch {
	case strings.Contains(noDigits, code):
		return 0, true
	case strings.Contains(twoDigits, code):
		return 2, true
	case strings.Contains(threeDigits, code):
		return 3, true
	}
	return 0, false
}
