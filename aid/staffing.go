package aid

// Post is one place in a case that takes a person of its own: a duty, or one
// seat of a committee. Able are those who may fill it.
type Post struct {
	Name string
	Able []string
}

// Unfilled gives the first post that has nobody left when every post takes a
// different person, and false when all can be filled. Persons who may fill
// several posts are moved until everybody has one.
func Unfilled(posts []Post) (Post, bool) {
	holder := map[string]int{} // person -> post
	for i, post := range posts {
		if !seat(posts, holder, i, map[string]bool{}) {
			return post, true
		}
	}
	return Post{}, false
}

// seat finds a person for a post, moving others to posts that they may fill
// as well.
func seat(posts []Post, holder map[string]int, post int, asked map[string]bool) bool {
	for _, person := range posts[post].Able {
		if asked[person] {
			continue
		}
		asked[person] = true
		other, busy := holder[person]
		if !busy || seat(posts, holder, other, asked) {
			holder[person] = post
			return true
		}
	}
	return false
}

// Posts gives the posts of an approval level: those who may vote at it, and
// the chairs among them.
func (l Level) Posts(able, chairs []string) []Post {
	seats := 1
	switch l.Mode {
	case ModeNOfM:
		seats = l.N
	case ModeCommittee:
		seats = l.Quorum
	}
	var posts []Post
	for i := range seats {
		if i == 0 && l.Mode == ModeCommittee && l.Chair {
			posts = append(posts, Post{Name: l.Name, Able: chairs})
			continue
		}
		posts = append(posts, Post{Name: l.Name, Able: able})
	}
	return posts
}
