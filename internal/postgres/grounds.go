package postgres

import "sync"

// grounds keeps what follows from the areas and their calendars alone: which
// area decides at a level, and by which calendar work is counted. It is that
// of one state of them, which a decision reads after its locks (footing): a
// state has a name that is never given again, not even after a rollback.
type grounds struct {
	mu    sync.Mutex
	state int64
	kept  map[any]any
}

// areaLevel asks for the area of a level at or above an area.
type areaLevel struct{ area, level string }

// calendarKey asks for the calendar of a place; code as of calendarAt.
type calendarKey struct {
	place
	code string
}

// at gives what is kept for a state.
func (g *grounds) at(state int64, key any) (any, bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if state == 0 || state != g.state {
		return nil, false
	}
	value, ok := g.kept[key]
	return value, ok
}

// keep adds to a state; that of another one puts those of the one before away.
func (g *grounds) keep(state int64, key, value any) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.kept == nil || state != g.state {
		g.state, g.kept = state, map[any]any{}
	}
	g.kept[key] = value
}

// onGrounds gives what read finds, from what is kept if the transaction knows
// the state of the grounds and is in it. Read gives the state that it saw; a
// transaction that knows none neither uses nor keeps anything: it may be the
// one that changes them.
func onGrounds[T any](tx *Tx, key any, read func() (T, int64, error)) (T, error) {
	if known, ok := tx.store.grounds.at(tx.grounds, key); ok {
		return known.(T), nil
	}
	value, state, err := read()
	if err == nil && tx.grounds != 0 && state == tx.grounds {
		tx.store.grounds.keep(state, key, value)
	}
	return value, err
}
