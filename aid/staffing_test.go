package aid_test

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"github.com/aidflow/aidflow/aid"
)

func TestUnfilled(t *testing.T) {
	for _, tt := range []struct {
		name  string
		posts []aid.Post
		want  string // the post that has nobody left
	}{
		{"nothing to fill", nil, ""},
		{"one each", []aid.Post{{"verify", []string{"a"}}, {"pay", []string{"b"}}}, ""},
		{"one person for two", []aid.Post{{"verify", []string{"a"}}, {"pay", []string{"a"}}}, "pay"},
		{"who came first moves over", []aid.Post{{"verify", []string{"a", "b"}}, {"pay", []string{"a"}}}, ""},
		{"moves over twice", []aid.Post{{"x", []string{"a", "b"}}, {"y", []string{"b", "c"}}, {"z", []string{"a"}}}, ""},
		{"three want two", []aid.Post{{"x", []string{"a", "b"}}, {"y", []string{"a", "b"}}, {"z", []string{"a", "b"}}}, "z"},
		{"nobody at all", []aid.Post{{"x", nil}}, "x"},
	} {
		post, unfilled := aid.Unfilled(tt.posts)
		if post.Name != tt.want || unfilled != (tt.want != "") {
			t.Errorf("%s: %q %v", tt.name, post.Name, unfilled)
		}
	}
}

// The answer is that of trying everything.
func TestUnfilledIsExact(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var posts []aid.Post
		for range rapid.IntRange(1, 5).Draw(t, "posts") {
			posts = append(posts, aid.Post{Able: rapid.SliceOfDistinct(rapid.SampledFrom([]string{"a", "b", "c", "d", "e"}), rapid.ID[string]).Draw(t, "able")})
		}
		if _, unfilled := aid.Unfilled(posts); unfilled == fillable(posts, nil) {
			t.Fatalf("%v: %v", posts, unfilled)
		}
	})
}

func fillable(posts []aid.Post, taken []string) bool {
	if len(posts) == 0 {
		return true
	}
	return slices.ContainsFunc(posts[0].Able, func(who string) bool {
		return !slices.Contains(taken, who) && fillable(posts[1:], append(slices.Clone(taken), who))
	})
}

func TestPostsOfALevel(t *testing.T) {
	members, chairs := []string{"a", "b", "c"}, []string{"c"}
	for _, tt := range []struct {
		level    aid.Level
		posts    int
		unfilled bool
	}{
		{aid.Level{Mode: aid.ModeAny}, 1, false},
		{aid.Level{Mode: aid.ModeNOfM, N: 3}, 3, false},
		{aid.Level{Mode: aid.ModeNOfM, N: 4}, 4, true},
		{aid.Level{Mode: aid.ModeCommittee, Quorum: 3, Chair: true}, 3, false},
		{aid.Level{Mode: aid.ModeCommittee, Quorum: 4}, 4, true},
	} {
		posts := tt.level.Posts(members, chairs)
		if _, unfilled := aid.Unfilled(posts); len(posts) != tt.posts || unfilled != tt.unfilled {
			t.Errorf("%+v: %v", tt.level, posts)
		}
	}
	chairless := aid.Level{Mode: aid.ModeCommittee, Quorum: 2, Chair: true}
	if _, unfilled := aid.Unfilled(chairless.Posts(members, nil)); !unfilled {
		t.Error("a committee without its chair")
	}
}
