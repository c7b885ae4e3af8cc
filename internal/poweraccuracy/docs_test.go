package poweraccuracy

import (
	"testing"

	"github.com/kwatt-sim/kwatt/internal/golden"
)

// docs/power-accuracy.md is what the comparisons come to today.
func TestDocs(t *testing.T) {
	golden.Check(t, "../../docs/power-accuracy.md", []byte(computed(t).Markdown()))
}
