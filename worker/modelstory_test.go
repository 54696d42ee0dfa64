package worker_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/internal/postgres"
)

// story is a walk as rapid draws and shrinks it. Its numbers choose among what
// is there when their act comes.
type story struct {
	Matrix []tier
	Claims time.Duration
	Money  int64
	Acts   []deed
}

// deed is one act of somebody, or of nobody.
type deed struct {
	Do              string
	Who, Task, Pick int
	Fit             bool // by somebody who may
	Behalf          int  // in whose name: 0 in none
	Old             bool // on a task that is over, or seen long ago
	Crash           int  // what goes wrong with the next activities
}

func stories() *rapid.Generator[story] {
	return rapid.Custom(func(t *rapid.T) story {
		return story{Matrix: matrices().Draw(t, "matrix"), Claims: rapid.SampledFrom([]time.Duration{330 * time.Minute, 0}).Draw(t, "claims"),
			Money: rapid.SampledFrom([]int64{100_000_000, 4_500_000}).Draw(t, "money"), Acts: rapid.SliceOfN(deeds(), 20, 40).Draw(t, "acts")}
	})
}

func matrices() *rapid.Generator[[]tier] {
	return rapid.Custom(func(t *rapid.T) []tier {
		all := []tier{rapid.SampledFrom([]tier{{mode: "any"}, {mode: "any", limit: 5_000_000}, {mode: "n_of_m", n: 2}, {mode: "n_of_m", n: 2, once: "vote"}}).Draw(t, "commune")}
		all[0].name = "commune"
		if rapid.Bool().Draw(t, "district") {
			all = append(all, tier{name: "district", mode: "any", group: rapid.IntRange(0, 1).Draw(t, "apart")})
		}
		top := tier{mode: "any"}
		if rapid.IntRange(0, 3).Draw(t, "committee") > 0 {
			top = tier{mode: "committee", quorum: rapid.IntRange(2, 3).Draw(t, "quorum"), chair: rapid.Bool().Draw(t, "chair"),
				once: rapid.SampledFrom([]string{"", "veto"}).Draw(t, "one rejection")}
			if top.decides = rapid.SampledFrom([]string{"", "unanimity"}).Draw(t, "decides"); top.decides == "" {
				top.tie = rapid.SampledFrom([]string{"chair", "rejected", "open"}).Draw(t, "tie")
				top.chair = top.chair || top.tie == "chair"
			}
		}
		top.name, top.group = "province", all[len(all)-1].group+rapid.IntRange(0, 1).Draw(t, "apart")
		return append(all, top)
	})
}

func deeds() *rapid.Generator[deed] {
	often := strings.Fields(strings.Repeat("decide ", 14) + "lose lose bring time time time time claim claim release delegate delegate delegate revoke role role give withdraw twice twice")
	return rapid.Custom(func(t *rapid.T) deed {
		n := rapid.IntRange(0, 1<<16)
		return deed{Do: rapid.SampledFrom(often).Draw(t, "do"), Who: n.Draw(t, "who"), Task: n.Draw(t, "task"), Pick: n.Draw(t, "pick"),
			Fit: rapid.IntRange(0, 3).Draw(t, "fit") > 0, Behalf: max(0, rapid.IntRange(-6, 3).Draw(t, "behalf")),
			Old: rapid.IntRange(0, 15).Draw(t, "old") == 15, Crash: max(0, rapid.IntRange(-6, waysToCrash-1).Draw(t, "crash"))}
	})
}

// yaml writes a level as a definition has it.
func (t tier) yaml(parallel bool) string {
	out := "    - {name: " + t.name + ", mode: " + t.mode
	add := func(set bool, format string, v any) {
		if set {
			out += fmt.Sprintf(", "+format, v)
		}
	}
	add(t.n > 0, "n: %d", t.n)
	add(t.quorum > 0, "quorum: %d", t.quorum)
	add(t.chair, "chair: %t", t.chair)
	add(t.decides != "", "decides: %s", t.decides)
	add(t.tie != "", "tie: %s", t.tie)
	add(t.once != "", "one_rejection: %s", t.once)
	add(t.limit > 0, "limit: %d", t.limit)
	add(parallel, "parallel: %t", true)
	return out + "}\n"
}

func written(tiers []tier) string {
	out := "- up_to: null\n  levels:\n"
	for i, t := range tiers {
		out += t.yaml(i > 0 && tiers[i-1].group == t.group)
	}
	return out
}

func choose[T any](from []T, n int) T { return from[n%len(from)] }

// drawn makes a deed into a decision on what there is.
func (wk *walk) drawn(a deed) *decision {
	tasks := wk.m.opens()
	if a.Old || len(tasks) == 0 {
		tasks = wk.m.works
	}
	d := &decision{id: postgres.NewID(aid.DecisionID), work: choose(tasks, a.Task)}
	d.version = d.work.version
	if a.Old && a.Pick%2 == 0 {
		d.version = max(1, d.version-1)
	}
	wk.content(d, a.Pick)
	var people []string
	for _, p := range slices.Sorted(maps.Keys(wk.m.staff)) {
		d.actor = p
		if !a.Fit || len(wk.m.refusals(d, false)) == 0 {
			people = append(people, p)
		}
	}
	if len(people) == 0 {
		people = slices.Sorted(maps.Keys(wk.m.staff))
	}
	d.actor = choose(people, a.Who)
	if lenders := wk.m.lenders(d.actor); a.Behalf > 0 && len(lenders) > 0 {
		d.behalf = choose(lenders, a.Behalf).principal
	} else if a.Behalf > 2 && wk.m.staff[d.actor].role == aid.RoleApprover && d.actor != "approver2" {
		d.behalf = "approver2"
	}
	return d
}

func (wk *walk) content(d *decision, n int) {
	yes, no, back, abstains := aid.ActionApprove, aid.ActionReject, aid.ActionReturn, aid.ActionAbstain
	switch d.work.kind {
	case aid.Approve:
		d.action, d.to = choose([]aid.Action{yes, yes, yes, yes, yes, yes, no, back, back, abstains}, n), choose([]string{"partner", "verification", "commune", "district"}, n/16)
		if d.action == yes {
			d.amount = choose([]int64{0, 0, 0, 5_000_000, 4_000_000, testedRequest}, n/16)
		}
	case aid.ProvideInformation:
		d.action, d.payee, d.more = aid.ActionComplete, choose([]int{0, 0, 1, 2}, n), choose([]int64{0, 0, 0, 7_000_000, 5_000_000}, n/16)
	case aid.DecideStalled:
		d.action = choose([]aid.Action{no, no, no, aid.ActionConfirm}, n)
	default:
		d.action, d.to = choose(append(slices.Repeat([]aid.Action{aid.ActionComplete}, 10), back, back, no), n), "partner"
	}
}

// intent is what the API stores for a decision.
func (wk *walk) intent(d *decision) postgres.Intent {
	in := postgres.Intent{ID: d.id, Task: d.work.id, Actor: d.actor, Behalf: d.behalf, Partner: d.actor == "partner", TaskVersion: d.version, Action: d.action}
	if in.Partner {
		in.Actor = wk.tn.texts(`SELECT partner_id FROM cases WHERE id = $1`, wk.c)[0]
	}
	data := map[string]any{}
	switch d.action {
	case aid.ActionReject:
		in.Reason = choose([]string{"not_eligible", "other"}, map[bool]int{true: 1}[d.work.kind == aid.DecideStalled])
	case aid.ActionReturn:
		in.Reason, data["items"] = "information_needed", []any{map[string]any{"kind": "household", "problem": "unclear"}}
		if d.to != "partner" {
			data["to"] = d.to
		}
	case aid.ActionApprove:
		if d.amount > 0 {
			in.Amount = &d.amount
		}
		if d.amount > 0 && d.amount < wk.m.asking() {
			in.Reason = "partly_needed"
		}
	}
	if d.payee > 0 {
		data["payee"] = example(wk.tn.t, "medical").Payee
		if d.payee == 2 {
			data["payee"] = map[string]any{"kind": "household", "method": "bank", "bank_bin": "970416", "account_number": "0051000777", "account_name": "CANARY NAME"}
		}
	}
	if d.more > 0 {
		data["requested"] = map[string]any{"amount": d.more, "currency": "VND"}
	}
	if len(data) > 0 || in.Partner {
		raw, err := json.Marshal(data)
		require.NoError(wk.tn.t, err)
		in.Data = raw
	}
	return in
}
