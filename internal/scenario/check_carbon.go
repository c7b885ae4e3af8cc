package scenario

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/kwatt-sim/kwatt/internal/carbon"
)

func (c *checker) carbon(g Carbon) {
	const path = "spec.carbon"
	if !c.exactlyOne(path, choice{"zone", g.Zone != ""}, choice{"file", g.File != ""}, choice{"constant", g.Constant != nil}) {
		return
	}
	if g.Zone == "" {
		c.onlyWith(path, "a zone", choice{"year", g.Year != 0})
	}
	if g.File == "" {
		c.onlyWith(path, "a file", choice{"timeZone", g.TimeZone != ""}, choice{"timestamps", g.Timestamps != ""})
	}
	switch {
	case c.Touches(path):
	case g.Zone != "":
		c.carbonZone(g)
	case g.File != "":
		c.Carbon = c.carbonFile(g)
	default:
		series, err := carbon.Constant(*g.Constant)
		if err != nil {
			c.Fail(path+".constant", err.Error(), "")
			return
		}
		c.Carbon = series
	}
	c.carbonClock(g)
	for i, p := range c.Scenario.Spec.Cluster.NodePools {
		if p.CarbonZone != "" && c.CarbonClock != nil {
			c.poolCarbon(i, p.CarbonZone, g, fmt.Sprintf("spec.cluster.nodePools[%d].carbonZone", i))
		}
	}
	if c.CarbonClock != nil {
		c.regionCarbon(g)
	}
}

// poolCarbon gives a node pool the grid of its own zone, which is named at path.
func (c *checker) poolCarbon(i int, zone string, g Carbon, path string) {
	if g.Zone == "" {
		c.Fail(path, "has a meaning only when spec.carbon names a zone and a year", "set spec.carbon.zone", "spec.carbon")
		return
	}
	if !slices.Contains(carbon.Zones(), zone) {
		c.Fail(path, fmt.Sprintf("there is no builtin carbon series of zone %q", zone), near(zone, carbon.Zones()))
		return
	}
	series, err := carbon.Builtin(zone, g.Year)
	if err != nil {
		c.Fail(path, err.Error(), "", "spec.carbon.year")
		return
	}
	clock, err := series.Aligned(carbon.Alignment(g.Alignment), c.Start(), c.Scenario.Spec.Duration.D())
	if err != nil {
		c.Fail(path, err.Error(), "")
		return
	}
	c.PoolClocks[i] = clock
}

// carbonClock lays the series on the scenario's time, which needs a figure for
// every hour of it.
func (c *checker) carbonClock(g Carbon) {
	if c.Carbon == nil || c.Touches("spec.duration") || c.Touches("spec.services") {
		return
	}
	clock, err := c.Carbon.Aligned(carbon.Alignment(g.Alignment), c.Start(), c.Scenario.Spec.Duration.D())
	if err != nil {
		c.Fail("spec.carbon", err.Error(), "")
		return
	}
	c.CarbonClock = clock
}

func (c *checker) carbonZone(g Carbon) {
	const path = "spec.carbon"
	first, last := carbon.Years()
	if !slices.Contains(carbon.Zones(), g.Zone) {
		c.Fail(path+".zone", fmt.Sprintf("there is no builtin carbon series of zone %q", g.Zone), near(g.Zone, carbon.Zones()))
		return
	}
	if g.Year == 0 {
		c.Fail(path+".year", "is required with a zone", fmt.Sprintf("want %d to %d", first, last))
		return
	}
	if g.Signal != string(carbon.Average) {
		c.Fail(path+".signal", fmt.Sprintf("the builtin series hold the average signal, not the %s one", g.Signal), "use a file for another signal")
	}
	series, err := carbon.Builtin(g.Zone, g.Year)
	if err != nil {
		c.Fail(path+".year", fmt.Sprintf("there is no builtin carbon series of %s for %d", g.Zone, g.Year), fmt.Sprintf("want %d to %d", first, last))
		return
	}
	c.Carbon = series
}

// carbonFile reads a series, or reports why it cannot be read and returns nil.
func (c *checker) carbonFile(g Carbon) *carbon.Series {
	const path = "spec.carbon"
	if _, err := time.LoadLocation(g.TimeZone); err != nil || g.TimeZone == "Local" {
		c.Fail(path+".timeZone", fmt.Sprintf("%q is not an IANA time zone", g.TimeZone), "for example Europe/Berlin or UTC")
		return nil
	}
	var series *carbon.Series
	c.input(g.File, path+".file", func(r io.Reader, name string) (err error) {
		series, err = carbon.ReadCSV(r, name, carbon.ReadOptions{TimeZone: g.TimeZone, Signal: carbon.Signal(g.Signal), Timestamps: carbon.Timestamps(g.Timestamps)})
		var at *carbon.ReadError
		if errors.As(err, &at) {
			return &inputError{at.File, at.Line, at.Column, at.Msg}
		}
		return err
	})
	return series
}
