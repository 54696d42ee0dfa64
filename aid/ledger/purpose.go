package ledger

// A purpose is what donors bound money to: a programme, an area, or both.
// Purposes divide the accounts contributions and available; "" is the free
// money, which may be used for anything. What a purpose has promised is what
// was raised for it less what of it is available, and never more than was
// raised.

// Share is a part of an amount, in minor units, that belongs to one purpose.
type Share struct {
	Purpose string
	Amount  int64
}

// From gives the transaction with its amount divided among purposes, in their
// order: what moves of the accounts that purposes divide carries its purpose.
// The shares are the caller's to add up to the amount; Check refuses shares of
// zero or less, and a purpose named twice.
func (t Transaction) From(shares ...Share) Transaction {
	group := t.Entries
	t.Entries = make([]Entry, 0, len(group)*len(shares))
	for _, share := range shares {
		for _, e := range group {
			t.Entries = append(t.Entries, e.of(share))
		}
	}
	return t
}

func (e Entry) of(share Share) Entry {
	if e.Amount < 0 {
		share.Amount = -share.Amount
	}
	e.Amount = share.Amount
	if divided(e.Account) {
		e.Purpose = share.Purpose
	}
	return e
}

// divided tells whether purposes divide an account.
func divided(account Account) bool { return account == Contributions || account == Available }

// Take divides an amount over what is available, in the order given, and tells
// whether it suffices. The caller's order is the rule which money is taken
// first: bound money before free.
func Take(amount int64, available []Share) ([]Share, bool) {
	var taken []Share
	for _, pot := range available {
		n := min(amount, pot.Amount)
		if n <= 0 {
			continue
		}
		taken = append(taken, Share{pot.Purpose, n})
		amount -= n
	}
	return taken, amount == 0
}

// GiveBack divides an amount over what was taken before, the last first, so
// that bound money stays used as long as anything is. It tells whether so much
// was taken.
func GiveBack(amount int64, taken []Share) ([]Share, bool) {
	back := make([]Share, len(taken))
	for i, share := range taken {
		back[len(taken)-1-i] = share
	}
	return Take(amount, back)
}
