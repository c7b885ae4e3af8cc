package gate

import (
	"fmt"
	"strings"

	"github.com/kwatt-sim/kwatt/internal/tty"
)

// mostAnnotations is how many GitHub shows of one kind for a step; it drops the
// others.
const mostAnnotations = 10

// Annotations writes a workflow command of GitHub Actions for each check that did
// not pass, on its line of the gate file, which is at path within the repository.
func (r *Report) Annotations(path string) string {
	var b strings.Builder
	for _, level := range []struct {
		command string
		verdict Verdict
	}{{"error", Fail}, {"warning", Inconclusive}} {
		left := mostAnnotations
		for _, o := range r.Outcomes {
			if o.Verdict != level.verdict || left == 0 {
				continue
			}
			left--
			fmt.Fprintf(&b, "::%s file=%s,line=%d,title=%s::%s\n", level.command, property(path), o.Line,
				property("kwatt gate "+r.Gate), data(o.label()+": "+string(o.Verdict)+": "+o.Reason))
		}
	}
	return b.String()
}

// data escapes the message of a workflow command, and property its properties,
// as GitHub's own toolkit does.
func data(s string) string {
	return strings.NewReplacer("%", "%25", "\r", "%0D", "\n", "%0A").Replace(tty.Plain(s))
}

func property(s string) string {
	return strings.NewReplacer(":", "%3A", ",", "%2C").Replace(data(s))
}
