package schedsim

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"sort"
	"strings"

	v1 "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"

	"github.com/kwatt-sim/kwatt/internal/decisions"
)

// maxAnnotations is what an API server takes of an object's annotations, keys
// and values together, in bytes (TotalAnnotationSizeLimitB of
// k8s.io/apimachinery/pkg/api/validation).
const maxAnnotations = 256 * 1024

// LeftOutKey is the annotation that says what was left out to stay below the
// limit on an object's annotations.
const LeftOutKey = "kwatt.dev/results-left-out"

// ErrNoResults says that a ledger lacks the results of the nodes.
var ErrNoResults = errors.New("the ledger lacks the nodes' filter and score results")

// Pods are Pod objects.
type Pods []*v1.Pod

// Pods returns the pods that were tried until t seconds after the start, each
// with the simulator's annotations of its last attempt and the history of all.
// With gone those that have left by then are among them.
func (c *Cluster) Pods(t float64, gone bool) (Pods, error) {
	known := c
	if gone { // nobody leaves
		known = &Cluster{Scheduler: c.Scheduler, Initial: c.Initial, Intensity: c.Intensity}
		for _, e := range c.Ledger {
			if e.Kind != decisions.PodGone {
				known.Ledger = append(known.Ledger, e)
			}
		}
	}
	at, err := known.at(t)
	if err != nil {
		return nil, err
	}
	var out Pods
	for _, p := range at.pods {
		attempts := slices.DeleteFunc(slices.Clone(p.attempts), func(e *decisions.Entry) bool {
			return e.Placement.Evaluated == 0 && e.Kind != decisions.Bind // there was no node to try
		})
		if len(attempts) == 0 {
			continue
		}
		if slices.ContainsFunc(attempts, func(e *decisions.Entry) bool { return e.Placement.Cycle == nil }) {
			return nil, ErrNoResults
		}
		o, err := c.object(p)
		if err != nil {
			return nil, err
		}
		if err := annotate(o, attempts); err != nil {
			return nil, err
		}
		out = append(out, o)
	}
	return out, nil
}

// attempt is one attempt to place a pod, with the nodes' results in the order
// of their use to a reader.
type attempt struct {
	*decisions.Entry
	byUse []decisions.NodeResult
}

// annotate adds the results of the attempts: of as many as fit with a node
// each, the last ones, as many nodes of each as fit.
func annotate(o *v1.Pod, entries []*decisions.Entry) error {
	own := o.Annotations
	most := 0
	attempts := make([]attempt, len(entries))
	for i, e := range entries {
		attempts[i] = attempt{e, byUse(e)}
		most = max(most, len(attempts[i].byUse))
	}
	var failed error
	fits := func(first, size int) bool {
		a, err := annotations(own, attempts, first, size)
		failed = cmp.Or(failed, err)
		return sizeOf(a) <= maxAnnotations
	}
	first := sort.Search(len(attempts)-1, func(i int) bool { return fits(i, 1) })
	size := sort.Search(most, func(i int) bool { return !fits(first, i+1) })
	if failed != nil {
		return failed
	}
	o.Annotations, failed = annotations(own, attempts, first, size)
	return failed
}

func sizeOf(annotations map[string]string) int {
	n := 0
	for k, v := range annotations {
		n += len(k) + len(v)
	}
	return n
}

// annotations are those of a pod with the attempts from first on, each with its
// size most useful nodes.
func annotations(own map[string]string, attempts []attempt, first, size int) (map[string]string, error) {
	out := maps.Clone(own)
	var history []map[string]string
	var leftOut []string
	if first > 0 {
		leftOut = append(leftOut, fmt.Sprintf("the first %d of %d attempts", first, len(attempts)))
	}
	for i, a := range attempts[first:] {
		all := len(a.byUse)
		results, err := attemptResults(a.Entry, a.byUse[:min(size, all)])
		if err != nil {
			return nil, err
		}
		history = append(history, results)
		if all > size {
			leftOut = append(leftOut, fmt.Sprintf("%d of %d nodes of attempt %d", all-size, all, first+i+1))
		}
	}
	maps.Copy(out, history[len(history)-1])
	b, err := json.Marshal(history)
	if err != nil {
		return nil, fmt.Errorf("write %s: %w", historyKey, err)
	}
	out[historyKey] = string(b)
	if len(leftOut) > 0 {
		out[LeftOutKey] = fmt.Sprintf("%s, to stay within %d bytes of annotations", strings.Join(leftOut, ", "), maxAnnotations)
	}
	return out, nil
}

// byUse sorts an attempt's nodes, the most useful to look at first: the chosen
// and the nominated one, then one for each reason to be rejected, then the
// others by their scores, then the other rejected ones.
func byUse(e *decisions.Entry) []decisions.NodeResult {
	seen := map[string]bool{}
	rank := make(map[string]int, len(e.Placement.Nodes))
	for _, n := range e.Placement.Nodes {
		switch reason := n.Rejected + ":" + n.Reason; {
		case n.Node == e.Node || n.Node == e.Placement.Nominated:
			rank[n.Node] = 0
		case n.Reason == "":
			rank[n.Node] = 2
		case seen[reason]:
			rank[n.Node] = 3
		default:
			seen[reason] = true
			rank[n.Node] = 1
		}
	}
	order := slices.Clone(e.Placement.Nodes)
	slices.SortStableFunc(order, func(a, b decisions.NodeResult) int {
		return cmp.Or(cmp.Compare(rank[a.Node], rank[b.Node]), cmp.Compare(b.Total, a.Total))
	})
	return order
}

// WriteYAML writes pods as manifests.
func WriteYAML(w io.Writer, pods Pods) error {
	for _, p := range pods {
		b, err := yaml.Marshal(p)
		if err != nil {
			return fmt.Errorf("write pod %s: %w", p.Name, err)
		}
		if _, err := fmt.Fprintf(w, "---\n%s", b); err != nil {
			return err
		}
	}
	return nil
}

// WriteJSONLines writes pods as JSON, one a line.
func WriteJSONLines(w io.Writer, pods Pods) error {
	e := json.NewEncoder(w)
	for _, p := range pods {
		if err := e.Encode(p); err != nil {
			return fmt.Errorf("write pod %s: %w", p.Name, err)
		}
	}
	return nil
}
