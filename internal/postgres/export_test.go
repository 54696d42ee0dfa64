package postgres

// The queries that every look at who may see or decide asks, for a test of
// their plans.
const AreaAtQuery = areaAt

// AreasBelowQuery is the query of an area and all below it.
func AreasBelowQuery() string { return areasBelow("$1") }
