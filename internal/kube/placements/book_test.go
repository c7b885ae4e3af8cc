package placements

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/kwatt-sim/kwatt/internal/decisions"
)

func pod(name string) *v1.Pod {
	return &v1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "n", Name: name, UID: types.UID("uid-of-" + name)}}
}

// What a scheduler writes is found by who hears of it, also when it was killed as
// it wrote and another goes on.
func TestBookFollowsTheFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "placements.jsonl")
	book := NewBook(path)
	if _, err := book.Bound("uid-of-a", "x"); err == nil || !strings.Contains(err.Error(), "no such file") {
		t.Errorf("without a file: %v", err)
	}
	f, err := OpenFile(path)
	if err != nil {
		t.Fatal(err)
	}
	a := pod("a")
	how := func(n int) decisions.Placement { return decisions.Placement{Evaluated: n} }
	(&recorder{out: f}).write(a, Entry{Message: "no room", How: how(1)})
	(&recorder{out: f}).write(a, Entry{Message: "still none", How: how(2)})
	if got, err := book.Refused(a.UID, "still none"); err != nil || got.Evaluated != 2 {
		t.Errorf("%+v, %v", got, err)
	}
	if got, err := book.Refused(a.UID, "no room"); err == nil {
		t.Errorf("an earlier attempt came after a later one: %+v", got)
	}
	if _, err := f.WriteString(`{"uid":"uid-of-a","node":"x","placement":{"evalua`); err != nil { // killed
		t.Fatal(err)
	}
	if _, err := book.Bound(a.UID, "x"); err == nil || !strings.Contains(err.Error(), "scheduler's log") {
		t.Errorf("half an entry: %v", err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if f, err = OpenFile(path); err != nil {
		t.Fatal(err)
	}
	(&recorder{out: f}).write(a, Entry{Node: "y", How: how(3)})
	(&recorder{out: f}).write(a, Entry{Node: "x", How: how(4)})
	if got, err := book.Bound(a.UID, "x"); err != nil || got.Evaluated != 4 {
		t.Errorf("%+v, %v", got, err)
	}
	book.Forget(a.UID)
	if got, err := book.Bound(a.UID, "x"); err == nil {
		t.Errorf("forgotten, but %+v", got)
	}
	if text, err := os.ReadFile(path); err != nil || strings.Count(string(text), "\n") != 5 || f.Close() != nil {
		t.Errorf("%v:\n%s", err, text)
	}
}
