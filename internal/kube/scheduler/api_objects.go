package scheduler

import (
	"time"

	v1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// The objects of a cluster as its API server would hold them, for those who
// write them down.

// APITime is an instant in the objects' timestamps, from seconds since the
// scenario's start.
func APITime(seconds float64) metav1.Time {
	return metav1.Time{Time: epoch.Add(time.Duration(seconds * float64(time.Second)))}
}

// Node returns the Node object of a pool's node while its grid has this
// intensity in g CO2e per kWh.
func (c *Config) Node(pool int, name string, intensity float64, cordoned bool) *v1.Node {
	n := c.Pools[pool].node(name, intensity)
	if cordoned {
		c.Pools[pool].cordon(n, true)
	}
	return n
}

// Pod returns the Pod object of a service's pod that has no node yet.
func (c *Config) Pod(service int, name string) (*v1.Pod, error) {
	p, err := c.Services[service].pod()
	if err != nil {
		return nil, err
	}
	p.Name, p.UID = name, types.UID(name)
	return p, nil
}

// AsWritten returns the configuration without the defaults that this version
// of kube-scheduler fills in: another version fills in its own. Do not modify.
func (c *Configuration) AsWritten() map[string]any { return c.object }
