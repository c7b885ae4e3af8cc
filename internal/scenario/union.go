package scenario

import (
	"github.com/kwatt-sim/kwatt/internal/policies"
	"github.com/kwatt-sim/kwatt/internal/schema"
)

// SchemaUnion lists the registered policies, by name.
func (*Scaler) SchemaUnion() []schema.Alternative {
	var all []schema.Alternative
	for _, k := range policies.Kinds() {
		all = append(all, schema.Alternative{Key: k.Name, New: k.NewConfig})
	}
	return all
}

// SetUnion stores the kind that the document chose.
func (s *Scaler) SetUnion(kind string, config any) { s.Kind, s.Config = kind, config }

// GetUnion returns the kind and its configuration.
func (s *Scaler) GetUnion() (kind string, config any) { return s.Kind, s.Config }

// ScalerFor returns the scaler of a service under p: its own, or the one for
// all; nil when it has none, which no loaded scenario allows.
func (p *Policy) ScalerFor(service string) *Scaler {
	if s, ok := p.Scalers[service]; ok {
		return &s
	}
	return p.Scaler
}
