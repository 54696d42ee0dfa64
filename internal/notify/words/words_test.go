package words_test

import (
	"testing"

	"github.com/aidflow/aidflow/aid"
	"github.com/aidflow/aidflow/internal/notify/words"
)

// Every kind of news and of task has its words in every language; a word that
// is missing would be its own id.
func TestEveryWordIsThere(t *testing.T) {
	t.Parallel()
	all, err := words.New()
	if err != nil {
		t.Fatal(err)
	}
	for _, lang := range words.Languages() {
		w := all.In(lang)
		said := map[string]string{}
		for _, rule := range aid.NoticeRules() {
			said["kind_"+rule.Kind] = w.Kind(rule.Kind)
		}
		for _, rule := range aid.TaskRules() {
			said["task_"+string(rule.Kind)] = w.Task(rule.Kind, "")
		}
		for _, id := range []string{"clock", "urgent", "open", "why", "change", "due"} {
			said[id] = w.Word(id, map[string]string{"At": "x", "Link": "x"})
		}
		for _, id := range []string{"several", "digest", "more"} {
			for _, n := range []int{0, 1, 2, 51} {
				said[id] = w.Count(id, n)
				if said[id] == id {
					break
				}
			}
		}
		for id, text := range said {
			if text == "" || text == id && id != "urgent" || len(text) > 5 && (text[:5] == "kind_" || text[:5] == "task_") {
				t.Errorf("%s: no word for %s: %q", lang, id, text)
			}
		}
		if got := w.Task(aid.Approve, "hamlet"); got != w.Task(aid.Approve, "")+" (hamlet)" {
			t.Errorf("%s: %q", lang, got)
		}
	}
	if all.In("fr") != all.In("en") {
		t.Error("an unknown language is not English")
	}
}
