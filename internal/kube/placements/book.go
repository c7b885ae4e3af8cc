package placements

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"

	"k8s.io/apimachinery/pkg/types"

	"github.com/kwatt-sim/kwatt/internal/decisions"
)

// OpenFile opens a file for Record, behind what an earlier scheduler wrote. One
// that was killed may have left a line without its end.
func OpenFile(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_APPEND|os.O_CREATE, 0o600) // #nosec G304 -- the caller's
	if err != nil {
		return nil, fmt.Errorf("open the file of placements: %w", err)
	}
	last := []byte{'\n'}
	size, err := f.Seek(0, io.SeekEnd)
	if err == nil && size > 0 {
		_, err = f.ReadAt(last, size-1)
	}
	if err == nil && last[0] != '\n' {
		_, err = f.Write([]byte{'\n'})
	}
	if err != nil {
		_ = f.Close()
		return nil, fmt.Errorf("open the file of placements: %w", err)
	}
	return f, nil
}

// Book reads the entries of a file that a scheduler is writing.
type Book struct {
	path    string
	read    int64  // bytes
	torn    []byte // the beginning of a line
	entries map[types.UID][]line
}

// line is an entry whose last field is read when somebody asks for it: most of a
// file of many nodes is of attempts of which only the last is asked for.
type line struct {
	Entry
	how []byte
}

// NewBook returns the book of a file, which need not be there yet.
func NewBook(path string) *Book { return &Book{path: path, entries: map[types.UID][]line{}} }

// Bound returns how the scheduler came to bind the pod to the node. The pod's
// earlier entries are forgotten.
func (b *Book) Bound(pod types.UID, node string) (decisions.Placement, error) {
	how, err := b.find(pod, func(e Entry) bool { return e.Node == node })
	if err != nil {
		return how, fmt.Errorf("find how node %s was chosen: %w", node, err)
	}
	return how, nil
}

// Refused returns how the scheduler came to find no node for the pod, with this
// message. The pod's earlier entries are forgotten.
func (b *Book) Refused(pod types.UID, message string) (decisions.Placement, error) {
	how, err := b.find(pod, func(e Entry) bool { return e.Node == "" && e.Message == message })
	if err != nil {
		return how, fmt.Errorf("find how no node was chosen (%s): %w", message, err)
	}
	return how, nil
}

// Forget drops the entries of a pod that is gone.
func (b *Book) Forget(pod types.UID) { delete(b.entries, pod) }

// find returns the pod's last entry of which is says so.
func (b *Book) find(pod types.UID, is func(Entry) bool) (decisions.Placement, error) {
	if err := b.catchUp(); err != nil {
		return decisions.Placement{}, err
	}
	all := b.entries[pod]
	for i, e := range slices.Backward(all) {
		if is(e.Entry) {
			b.entries[pod] = all[i:]
			var how decisions.Placement
			if err := json.Unmarshal(e.how, &how); err != nil {
				return how, fmt.Errorf("%s: an entry of pod %s: %w", b.path, pod, err)
			}
			return how, nil
		}
	}
	return decisions.Placement{}, fmt.Errorf("%s has %d entries of pod %s, not that one: see the scheduler's log for why it could not write", b.path, len(all), pod)
}

// catchUp reads what has been written since.
func (b *Book) catchUp() error {
	f, err := os.Open(b.path)
	if err != nil {
		return fmt.Errorf("read placements: %w", err)
	}
	defer func() { _ = f.Close() }()
	text, err := io.ReadAll(io.NewSectionReader(f, b.read, 1<<62))
	if err != nil {
		return fmt.Errorf("read placements: %w", err)
	}
	b.read += int64(len(text))
	lines := bytes.Split(append(b.torn, text...), []byte{'\n'})
	b.torn = bytes.Clone(lines[len(lines)-1])
	for _, text := range lines[:len(lines)-1] {
		if e, ok := parse(text); ok { // else a scheduler was killed as it wrote; it had told nobody of this cycle
			b.entries[e.UID] = append(b.entries[e.UID], e)
		}
	}
	return nil
}

// placementKey cannot be within another value: quotes are escaped there.
var placementKey = []byte(`,"placement":`)

// parse reads a line up to its last field.
func parse(text []byte) (e line, ok bool) {
	head, how, found := bytes.Cut(text, placementKey)
	how, closed := bytes.CutSuffix(how, []byte("}"))
	if !found || !closed || json.Unmarshal(append(bytes.Clone(head), '}'), &e.Entry) != nil || !json.Valid(how) {
		return e, false
	}
	e.how = bytes.Clone(how) // not all of what was read with it
	return e, true
}
