package parity

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"
)

// Text writes a report for a terminal; the worlds are what its columns are called.
func (r *Report) Text(out io.Writer, worlds [2]string) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	for _, t := range r.Trajectories {
		fmt.Fprintf(w, "replicas of %s\tequal at %.1f %% of %d looks\tmean absolute error %.3f\tlargest %d\n", t.Service, 100*t.Equal, t.Looks, t.MeanAbsoluteError, t.Most)
	}
	p := r.Placements
	fmt.Fprintf(w, "placements\t%d pods in both\tsame pool %.1f %%\tsame node %.1f %%\n\n", p.Pods, 100*p.SamePool, 100*p.SameNode)
	fmt.Fprintf(w, "metric\t%s\t%s\tdifference\n", worlds[0], worlds[1])
	for _, m := range r.Metrics {
		fmt.Fprintf(w, "%s\t%.6g\t%.6g\t%+.2f %%\n", m.Name, m.First, m.Second, 100*m.Error)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	for _, t := range r.Trajectories {
		if text := t.differences(r.Period); text != "" {
			if _, err := fmt.Fprintf(out, "\nreplicas of %s where they differ, as %s/%s: %s\n", t.Service, worlds[0], worlds[1], text); err != nil {
				return err
			}
		}
	}
	return nil
}

// differences lists the looks at which the runs had asked for different
// replicas, neighbours as one: "12m0s–12m30s 40/42".
func (t *Trajectory) differences(period float64) string {
	var spans []string
	instant := func(i int) time.Duration { return time.Duration(float64(i) * period * float64(time.Second)) }
	for i := 0; i < t.Looks; {
		j := i + 1
		for j < t.Looks && t.First[j] == t.First[i] && t.Second[j] == t.Second[i] {
			j++
		}
		if t.First[i] != t.Second[i] {
			spans = append(spans, fmt.Sprintf("%v–%v %d/%d", instant(i), instant(j), t.First[i], t.Second[i]))
		}
		i = j
	}
	return strings.Join(spans, ", ")
}
