package results

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
)

// NodesFile is the series of nodes. It is there where the run was asked for it.
const NodesFile = "nodes.csv"

// NodePoint is one row of nodes.csv: a node over the time up to T since its point
// before.
type NodePoint struct {
	T    float64 `json:"t"` // seconds since the scenario's start, end of the bin
	Node string  `json:"node"`
	Pool string  `json:"pool"`
	// Shares of the bin in each state; the rest of it the node was off.
	OnRatio     float64 `json:"on,omitempty"`
	BootRatio   float64 `json:"boot,omitempty"` // booting or waking up
	AsleepRatio float64 `json:"asleep,omitempty"`
	// GPUBusyRatio is busy GPU-seconds over the GPU-seconds for which the node was
	// on, whether a pod held the GPU or not; nil when it never was.
	GPUBusyRatio *float64 `json:"busy,omitempty"`
}

// Rounded is the point as it is written.
func (p NodePoint) Rounded() NodePoint {
	p.OnRatio, p.BootRatio, p.AsleepRatio = Round(p.OnRatio), Round(p.BootRatio), Round(p.AsleepRatio)
	if p.GPUBusyRatio != nil {
		busy := Round(*p.GPUBusyRatio)
		p.GPUBusyRatio = &busy
	}
	return p
}

var nodeColumns = []string{policyColumn, seedColumn, timeColumn, "node", "pool", "on_ratio", "boot_ratio", "asleep_ratio", "gpu_busy_ratio"}

// hasNodes reports whether a run kept the series of its nodes.
func hasNodes(runs []*Run) bool {
	return slices.ContainsFunc(runs, func(r *Run) bool { return len(r.Nodes) > 0 })
}

func writeNodes(w io.Writer, runs []*Run) error {
	out := csv.NewWriter(w)
	if err := out.Write(nodeColumns); err != nil {
		return err
	}
	for _, r := range runs {
		seed := strconv.FormatUint(r.Seed, 10)
		for _, p := range r.Nodes {
			row := []string{r.Policy, seed, formatFloat(p.T), p.Node, p.Pool, formatFloat(p.OnRatio), formatFloat(p.BootRatio), formatFloat(p.AsleepRatio), ""}
			if p.GPUBusyRatio != nil {
				if row[len(row)-1] = formatFloat(*p.GPUBusyRatio); !isFinite(*p.GPUBusyRatio) {
					return rowError(r, p.T, "gpu_busy_ratio", *p.GPUBusyRatio)
				}
			}
			if err := out.Write(row); err != nil {
				return err
			}
		}
	}
	out.Flush()
	return out.Error()
}

// ReadNodes returns the series of nodes of a results directory by run; empty where
// there is none.
func ReadNodes(dir string) (map[RunKey][]NodePoint, error) {
	if _, err := os.Stat(filepath.Join(dir, NodesFile)); errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	out := map[RunKey][]NodePoint{}
	return out, readFile(dir, NodesFile, func(r io.Reader) error { return readNodes(r, out) })
}

// readNodes is the inverse of writeNodes, up to rounding.
func readNodes(r io.Reader, out map[RunKey][]NodePoint) error {
	in := csv.NewReader(r)
	header, err := in.Read()
	if err != nil {
		return fmt.Errorf("read the header: %w", err)
	}
	if !slices.Equal(header, nodeColumns) {
		return errors.New("line 1: the columns are not those of this version of kwatt")
	}
	for {
		row, err := in.Read()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err // names its line
		}
		key, p, err := parseNode(row)
		if err != nil {
			line, _ := in.FieldPos(0)
			return fmt.Errorf("line %d: %w", line, err)
		}
		out[key] = append(out[key], p)
	}
}

func parseNode(row []string) (key RunKey, p NodePoint, err error) {
	key.Policy, p.Node, p.Pool = row[0], row[3], row[4]
	if key.Seed, err = strconv.ParseUint(row[1], 10, 64); err != nil {
		return key, p, fmt.Errorf("%s: %w", seedColumn, err)
	}
	if row[8] != "" {
		p.GPUBusyRatio = new(float64)
	}
	for i, field := range []*float64{2: &p.T, 5: &p.OnRatio, 6: &p.BootRatio, 7: &p.AsleepRatio, 8: p.GPUBusyRatio} {
		if field == nil {
			continue
		}
		if *field, err = strconv.ParseFloat(row[i], 64); err != nil {
			return key, p, fmt.Errorf("%s: %w", nodeColumns[i], err)
		}
	}
	return key, p, nil
}
