package cli

import (
	"github.com/kwatt-sim/kwatt/internal/kube/hpa"
	"github.com/kwatt-sim/kwatt/internal/kube/scheduler"
	"github.com/kwatt-sim/kwatt/internal/policies"
	"github.com/kwatt-sim/kwatt/internal/schema"
)

// validateManifest checks a Kubernetes object as the scenario that names it would;
// known is false for a kind that it knows nothing of.
func validateManifest(data []byte, file string) (what string, known bool, err error) {
	object, positions, errs := schema.DecodeOpen(data, file)
	kind, _ := object["kind"].(string)
	var problems []policies.Problem
	switch kind {
	case "KubeSchedulerConfiguration":
		_, problems = scheduler.ParseConfig(object)
	case "HorizontalPodAutoscaler":
		config := hpa.NewConfig()
		config.File = file
		config.SetManifest(object)
		problems = config.Check()
	default:
		return "", false, nil
	}
	for _, p := range problems {
		errs = append(errs, schema.Error{Position: positions.At(p.Path), Path: p.Path, Message: p.Message, Hint: p.Hint, Class: schema.Meaning})
	}
	errs.Sort()
	return kind, true, errs.Err()
}
