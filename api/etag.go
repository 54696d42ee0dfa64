package api

import (
	"strconv"
	"strings"
)

// etag writes the version of a resource as a strong entity tag.
func etag(version int) string { return `"` + strconv.Itoa(version) + `"` }

// ifMatch gives the version that an If-Match header asks for, and 0 (do not
// compare) when there is none. "*" means any version where the header is
// optional; where it is required it names nothing that was seen, and like
// every tag that is not ours it matches no version: -1.
func ifMatch(header string, required bool) int {
	header = strings.TrimSpace(header)
	if header == "" || (header == "*" && !required) {
		return 0
	}
	inner, ok := strings.CutPrefix(header, `"`)
	inner, closed := strings.CutSuffix(inner, `"`)
	version, err := strconv.Atoi(inner)
	if !ok || !closed || err != nil || version < 1 {
		return -1
	}
	return version
}
