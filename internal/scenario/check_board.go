package scenario

import (
	"fmt"
	"io"

	"github.com/kwatt-sim/kwatt/internal/powerfile"
	"github.com/kwatt-sim/kwatt/internal/powermodel"
)

// board finds the GPU of a node pool: in its power model, or in the catalogue,
// held down by its limits. Where that fails its name stays empty.
func (c *checker) board(i int) {
	p := &c.Scenario.Spec.Cluster.NodePools[i].GPU
	path := fmt.Sprintf("spec.cluster.nodePools[%d].gpu", i)
	gpu, ok := c.unlimited(p, path)
	if !ok {
		return
	}
	var l powermodel.Limit
	if p.PowerCap != nil {
		l.CapWatts = float64(*p.PowerCap)
		ok = c.holds(gpu, powermodel.Limit{CapWatts: l.CapWatts}, path+".powerCap")
	}
	if p.SMClockMHz != nil {
		l.ClockMHz = *p.SMClockMHz
		ok = c.holds(gpu, powermodel.Limit{ClockMHz: l.ClockMHz}, path+".smClockMHz") && ok
	}
	if ok && c.holds(gpu, l, path+".powerCap") { // either alone may do where both together do not
		c.Boards[i], _ = gpu.Under(l)
	}
}

// holds reports whether a board can be held down like this, and says at path
// why not.
func (c *checker) holds(gpu powermodel.GPU, l powermodel.Limit, path string) bool {
	_, err := gpu.Under(l)
	if err != nil {
		c.Fail(path, err.Error(), "")
	}
	return err == nil
}

// unlimited is the pool's board on its own.
func (c *checker) unlimited(p *PoolGPU, path string) (gpu powermodel.GPU, ok bool) {
	if p.PowerModel == "" {
		gpu, err := powermodel.Lookup(p.Model)
		if err != nil {
			c.gpuModel(p.Model, path+".model")
		}
		return gpu, err == nil
	}
	c.input(p.PowerModel, path+".powerModel", func(r io.Reader, name string) error {
		m, err := powerfile.Read(r, name)
		if err != nil {
			return err
		}
		if m.Spec.GPU != p.Model {
			c.Fail(path+".powerModel", fmt.Sprintf("%s is of %s, the pool has %s", name, m.Spec.GPU, p.Model), "", path+".model")
			return nil
		}
		gpu, err = m.GPU()
		ok = err == nil
		return err
	})
	return gpu, ok
}
