package api

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/aid/money"
	"github.com/aidflow/aidflow/aid/programme"
	"github.com/aidflow/aidflow/internal/postgres"
)

// broughtBy is what a task keeps of the rule that brought it: the level of an
// approval, or a reason in one word.
type broughtBy struct {
	Because string `json:"because"`
	aid.Level
}

// why tells what brought a task to its reader: the rule and its version, and in
// the reader's language what that rule says and in which capacity the reader
// may decide. Who may decide is looked up now, never remembered.
func (h *handlers) why(ctx context.Context, t *postgres.TaskRow, def *programme.Definition) (Why, error) {
	var rule broughtBy
	_ = json.Unmarshal(t.Rule, &rule) // the store writes objects only
	out := Why{Rule: t.Programme, Version: t.ProgrammeVersion, Because: becauseOf(t, rule)}
	w := whyWords{texts: h.problems.texts, accept: accepts(ctx)}
	var sentence string
	if t.Kind == aid.Approve && rule.Row > 0 {
		of, err := h.store.Definition(ctx, t.Programme, rule.Version)
		if err != nil {
			return out, err
		}
		out.Version, out.Place = rule.Version, fmt.Sprintf("/matrix/%d/levels/%d", rule.Row-1, rule.Place-1)
		sentence = w.matrix(of, rule.Level)
	} else {
		sentence = w.texts.first(w.accept, w.about(def), "why_"+string(t.Kind)+"_"+rule.Because, "why_"+string(t.Kind))
	}
	capacity, behalf, err := h.capacity(ctx, t, def, w)
	out.Behalf, out.Text = behalf, strings.TrimSpace(sentence+" "+capacity)
	return out, err
}

// becauseOf gives the reason in one word, for programs.
func becauseOf(t *postgres.TaskRow, rule broughtBy) string {
	switch {
	case rule.Because != "":
		return rule.Because
	case rule.Mode != "":
		return "approval_level:" + t.Level + ":" + rule.Mode
	}
	return string(t.Stage)
}

// capacity says in which capacity the caller may decide a task, and for whom
// when it is a delegate; or why it may not.
func (h *handlers) capacity(ctx context.Context, t *postgres.TaskRow, def *programme.Definition, w whyWords) (text, behalf string, err error) {
	caller := callerOf(ctx)
	if t.ClosedAt != nil {
		return "", "", nil
	}
	if t.Blocked != "" {
		return w.say("why_not_you", map[string]string{"reason": w.say(t.Blocked, nil)}), "", nil
	}
	grant, ok := caller.Capacity(t)
	if !ok {
		return w.say("why_you_partner", nil), "", nil
	}
	area, err := h.store.Area(ctx, t.Area)
	if err != nil && aid.KindOf(err) != aid.NotFound {
		return "", "", err
	}
	as := w.say(asOf(t, grant), map[string]string{"area": area.Name, "level": w.level(grant.Level)})
	if grant.Behalf == "" {
		return w.say("why_you", map[string]string{"as": as}), "", nil
	}
	lender, err := h.store.LenderTo(ctx, caller.Actor(), grant.Behalf, t.Programme)
	if aid.KindOf(err) == aid.NotFound {
		return "", "", nil // ended while this was read
	}
	return w.say("why_you_delegate", map[string]string{"as": as, "principal": lender.Name, "until": w.moment(lender.Until, def.Location())}), grant.Behalf, err
}

// asOf gives the text of a capacity.
func asOf(t *postgres.TaskRow, g postgres.RoleGrant) string {
	switch {
	case t.Kind != aid.Approve || !t.Committee():
		return "why_as_" + string(g.Role)
	case g.Chair:
		return "why_as_chair"
	}
	return "why_as_member"
}

// whyWords says why in one language.
type whyWords struct {
	texts  *texts
	accept string
}

func (w whyWords) say(code string, params map[string]string) string {
	return w.texts.say(w.accept, code, params)
}

// about gives what every sentence may name.
func (w whyWords) about(def *programme.Definition) map[string]string {
	return map[string]string{"programme": def.Titles.In(w.texts.language(w.accept)), "version": strconv.Itoa(def.Version)}
}

// level gives the word for the level of an area; its code where the catalogue
// has none.
func (w whyWords) level(code string) string { return w.texts.word(w.accept, "area_level_"+code, code) }

// matrix says which row of a matrix asks a level, and how it decides.
func (w whyWords) matrix(def *programme.Definition, l aid.Level) string {
	params := w.about(def)
	row := def.Matrix[min(l.Row, len(def.Matrix))-1]
	from, to := def.Bounds(l.Row - 1)
	areas := make([]string, len(row.AreaLevels))
	for i, code := range row.AreaLevels {
		areas[i] = w.level(code)
	}
	params["row"], params["level"], params["areas"] = strconv.Itoa(l.Row), w.level(l.Name), strings.Join(areas, ", ")
	params["to"], params["from"] = w.money(to, def.Currency), ""
	if from > 0 {
		params["from"] = w.money(from, def.Currency)
	}
	params["how"] = w.how(l, def.Currency)
	return w.say("why_approve_row", params)
}

// moment writes an instant with its day first or last, as the language does.
func (w whyWords) moment(t time.Time, zone *time.Location) string {
	layouts := map[string]string{"vi": "15:04 02/01/2006", "id": "02/01/2006 15.04", "en": "2 January 2006 15:04"}
	return t.In(zone).Format(layouts[w.texts.language(w.accept)])
}

func (w whyWords) money(amount int64, currency string) string {
	return money.Of(amount, currency).Format(w.texts.language(w.accept))
}

// how says how a level decides.
func (w whyWords) how(l aid.Level, currency string) string {
	params := map[string]string{"n": strconv.Itoa(l.N), "quorum": strconv.Itoa(l.Quorum)}
	if l.Chair {
		params["chair"] = "1"
	}
	if l.Decides == aid.DecidesUnanimity {
		params["unanimity"] = "1"
	}
	if l.Limit > 0 {
		params["limit"] = w.money(l.Limit, currency)
	}
	if !slices.Contains([]string{aid.ModeNOfM, aid.ModeCommittee}, l.Mode) {
		l.Mode = aid.ModeAny
	}
	return w.say("why_how_"+l.Mode, params)
}
