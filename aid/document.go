package aid

// PaperReasons are the codes with which a verifier rejects a single paper, the
// same in every programme.
func PaperReasons() []string {
	return []string{"unreadable", "incomplete", "expired", "not_signed", "wrong_document", "contradicts", "other"}
}
