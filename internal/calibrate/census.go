package calibrate

import (
	"fmt"
	"strings"
)

// census tells the load's processes on the GPU from those of others. The
// driver may number processes as the host does, which a container does not
// see, so what is ours is known by when it came.
type census struct {
	device Device
	ours   map[int]bool
}

// others counts the processes that are not ours; adopt takes the new ones for
// the load's.
func (c *census) others(adopt bool) (n int, err error) {
	processes, err := c.device.Processes()
	if err != nil {
		return 0, fmt.Errorf("list the processes on the GPU: %w", err)
	}
	for _, p := range processes {
		switch {
		case c.ours[p.PID]:
		case adopt:
			c.ours[p.PID] = true
		default:
			n++
		}
	}
	return n, nil
}

// known takes everybody who is on the GPU now for somebody else, for good.
func (c *census) known() (map[int]bool, error) {
	processes, err := c.device.Processes()
	if err != nil {
		return nil, fmt.Errorf("list the processes on the GPU: %w", err)
	}
	before := map[int]bool{}
	for _, p := range processes {
		before[p.PID] = !c.ours[p.PID]
	}
	return before, nil
}

// adoptSince takes for ours who was not there before.
func (c *census) adoptSince(before map[int]bool) error {
	processes, err := c.device.Processes()
	if err != nil {
		return fmt.Errorf("list the processes on the GPU: %w", err)
	}
	for _, p := range processes {
		if !before[p.PID] {
			c.ours[p.PID] = true
		}
	}
	return nil
}

// ImpureError says why a figure of this GPU would not be its own.
type ImpureError struct{ Reasons []string }

// Error lists the reasons and the ways out.
func (e *ImpureError) Error() string {
	return strings.Join(e.Reasons, "; ") + ": make it free, or measure all the same with --anyway, which marks every figure grade C"
}

// impurities are the reasons that hold now.
func impurities(d Device, id Identity) ([]string, error) {
	var found []string
	processes, err := d.Processes()
	if err != nil {
		return nil, fmt.Errorf("list the processes on the GPU: %w", err)
	}
	if len(processes) > 0 {
		var names []string
		for _, p := range processes {
			names = append(names, strings.TrimSpace(fmt.Sprintf("%d %s", p.PID, p.Name)))
		}
		found = append(found, fmt.Sprintf("GPU %d is in use by %d processes (%s)", id.Index, len(processes), strings.Join(names, ", ")))
	}
	if id.MIG != nil && *id.MIG {
		found = append(found, fmt.Sprintf("GPU %d is partitioned (MIG), and power can only be read of the whole", id.Index))
	}
	return found, nil
}
