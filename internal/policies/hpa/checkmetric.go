package hpa

import (
	"fmt"
	"slices"
	"strings"
)

const (
	averageValue  = "AverageValue"
	valueType     = "Value"
	useAverage    = "use AverageValue"
	serviceLabel  = "service"
	notOfferedYet = "replicas have no CPU or memory model; use type Pods with requests_per_second, inflight_requests, queued_requests or DCGM_FI_DEV_GPU_UTIL"
)

func (c *checker) metric(path string, m MetricSpec) {
	if !c.source(path, m) {
		return
	}
	switch m.Type {
	case "Pods":
		at := path + ".pods"
		c.identifier(at+".metric", m.Pods.Metric, podMetricNames())
		c.podsTarget(at+".target", m.Pods.Target)
	case "External":
		at, t := path+".external", m.External.Target
		c.identifier(at+".metric", m.External.Metric, serviceMetricNames())
		c.quantities(at+".target", t)
		switch {
		case t.Value == nil && t.AverageValue == nil:
			c.fault(at+".target.averageValue", "must set either a target value for metric or a per-pod target", "set value or averageValue")
		case t.Value != nil && t.AverageValue != nil:
			c.fault(at+".target.value", "may not set both a target value for metric and a per-pod target", "keep one of them")
		}
	case "Object":
		at := path + ".object"
		c.reference(at+".describedObject", m.Object.DescribedObject, false)
		c.identifier(at+".metric", m.Object.Metric, serviceMetricNames())
		c.objectTarget(at+".target", m.Object.Target)
	default:
		c.fault(path+".type", fmt.Sprintf("metrics of type %s are not offered yet", m.Type), notOfferedYet)
	}
}

// source checks that the member that the type names, and no other, is set.
func (c *checker) source(path string, m MetricSpec) bool {
	members := []struct {
		kind, name string
		set        bool
	}{
		{"Pods", "pods", m.Pods != nil},
		{"External", "external", m.External != nil},
		{"Object", "object", m.Object != nil},
		{"Resource", "resource", m.Resource != nil},
		{"ContainerResource", "containerResource", m.ContainerResource != nil},
	}
	known, whole := false, true
	for _, x := range members {
		mine := x.kind == m.Type
		known = known || mine
		switch {
		case mine && !x.set:
			c.fault(path+"."+x.name, "must populate information for the given metric source", fmt.Sprintf("type %s wants the member %s", m.Type, x.name))
			whole = false
		case !mine && x.set:
			c.fault(path+"."+x.name, "must populate the given metric source only", fmt.Sprintf("type %s wants no member %s", m.Type, x.name))
		}
	}
	return known && whole
}

func (c *checker) identifier(path string, m MetricIdentifier, catalogue []string) {
	if !slices.Contains(catalogue, m.Name) {
		c.fault(path+".name", fmt.Sprintf("unknown metric %q: want one of %s", m.Name, strings.Join(catalogue, ", ")), "")
	}
	if m.Selector == nil {
		return
	}
	if len(m.Selector.MatchExpressions) > 0 {
		c.fault(path+".selector.matchExpressions", "match expressions are not offered", "use matchLabels: {service: NAME} or no selector")
	}
	var others []string
	for label := range m.Selector.MatchLabels {
		if label != serviceLabel {
			others = append(others, label)
		}
	}
	slices.Sort(others)
	for _, label := range others {
		c.fault(path+".selector.matchLabels", fmt.Sprintf("simulated metrics carry no label %q", label), "use matchLabels: {service: NAME} or no selector")
	}
}

func (c *checker) podsTarget(path string, t MetricTarget) {
	c.quantities(path, t)
	switch {
	case t.Type == "Utilization":
		c.fault(path+".type", "a Pods metric has no Utilization", useAverage)
	case t.AverageValue == nil:
		c.fault(path+".averageValue", "must specify a positive target averageValue", useAverage)
	}
}

// objectTarget: the controller compares by the target's type and can do
// nothing when its field is missing, though the API server lets some pass.
func (c *checker) objectTarget(path string, t MetricTarget) {
	c.quantities(path, t)
	switch {
	case t.Type == valueType && t.Value == nil:
		c.fault(path+".value", "type Value needs a value", "set value")
	case t.Type == averageValue && t.AverageValue == nil:
		c.fault(path+".averageValue", "type AverageValue needs an averageValue", "set averageValue")
	case t.Type != valueType && t.Type != averageValue:
		c.fault(path+".type", fmt.Sprintf("an Object metric cannot have a target of type %s", t.Type), "use Value or AverageValue")
	}
}

// quantities checks that what is set can be read and is positive.
func (c *checker) quantities(path string, t MetricTarget) {
	for _, q := range []struct {
		name string
		q    *Quantity
	}{{"value", t.Value}, {"averageValue", t.AverageValue}} {
		if q.q == nil {
			continue
		}
		if v, err := q.q.value(); err != nil {
			c.fault(path+"."+q.name, err.Error(), "")
		} else if v.Sign() <= 0 {
			c.fault(path+"."+q.name, fmt.Sprintf("must be positive, found %s", *q.q), "")
		}
	}
	if t.AverageUtilization != nil && *t.AverageUtilization < 1 {
		c.fault(path+".averageUtilization", fmt.Sprintf("must be at least 1, found %d", *t.AverageUtilization), "")
	}
}

func podMetricNames() []string {
	var names []string
	for _, m := range podMetrics {
		names = append(names, m.name)
	}
	return names
}

func serviceMetricNames() []string {
	var names []string
	for _, m := range serviceMetrics {
		names = append(names, m.name)
	}
	return names
}
