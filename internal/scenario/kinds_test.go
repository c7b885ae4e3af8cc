package scenario

import _ "github.com/kwatt-sim/kwatt/internal/policies/all" // scenarios name them
