// Package carbonaware spends the SLO's slack where the grid is dirty, and can
// cap replicas by carbon intensity.
//
// Each tick it provides for the observed arrival rate times (1 + headroom). How
// much a replica gets depends on the intensity now: up to load.clean of what
// keeps the predicted latency within the SLO while the grid is at cleanBelow or
// less, up to load.dirty at dirtyAbove or more, and on a line between. Dirty
// hours so run on fewer, fuller replicas, with longer latencies that are still
// within the promise; clean ones have room.
//
// maxReplicasByCarbonIntensity and ecoModeOff are those of the carbon-aware KEDA
// operator (github.com/Azure/carbon-aware-keda-operator, CarbonAwareKedaScaler
// v1alpha1, controllers/max_replica_getter.go and eco_mode_setter.go): the
// thresholds are upper limits, the previous one the lower limit, excluded; above
// the last one the last cap holds. An intensity of 0 lies within no limits
// there, so the last cap holds for it as well. Eco mode is off, and its own cap
// holds, once the intensity has been at or above a threshold in every minute of
// a duration. The operator's two schedules are not offered.
//
// Limits: a cap knows nothing of the SLO and breaks it when demand needs more.
// The intensity is the mean over the service's pools, by how many replicas they
// can hold.
package carbonaware
