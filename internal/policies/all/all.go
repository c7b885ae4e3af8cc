// Package all makes every policy known: import it for its effect.
package all

import (
	_ "github.com/kwatt-sim/kwatt/internal/kube/hpa"             // registers hpa
	_ "github.com/kwatt-sim/kwatt/internal/kube/keda"            // registers keda
	_ "github.com/kwatt-sim/kwatt/internal/kube/kpa"             // registers knative
	_ "github.com/kwatt-sim/kwatt/internal/policies/carbonaware" // registers carbonAware
	_ "github.com/kwatt-sim/kwatt/internal/policies/energyaware" // registers energyAware
	_ "github.com/kwatt-sim/kwatt/internal/policies/forecast"    // registers forecast
	_ "github.com/kwatt-sim/kwatt/internal/policies/oracle"      // registers oracle
	_ "github.com/kwatt-sim/kwatt/internal/policies/static"      // registers static
)
