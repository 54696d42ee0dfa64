package postgres

// AreaTotal is how many households an area has in a year, poor or not.
type AreaTotal struct {
	Area       string
	Year       int
	Households int
}

// SaveTotals writes totals of areas and gives how many of them changed
// something.
func (tx *Tx) SaveTotals(importID *string, totals []AreaTotal) (applied int, err error) {
	for _, t := range totals {
		n, err := tx.exec(`INSERT INTO household_totals (area, year, households, import_id) VALUES ($1, $2, $3, $4)
			ON CONFLICT (area, year) DO UPDATE SET households = excluded.households, import_id = excluded.import_id
			WHERE household_totals.households <> excluded.households`, t.Area, t.Year, t.Households, importID)
		if err != nil {
			return applied, err
		}
		applied += int(n)
	}
	return applied, nil
}
