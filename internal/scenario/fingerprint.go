package scenario

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"github.com/kwatt-sim/kwatt/internal/policies"
	"github.com/kwatt-sim/kwatt/internal/schema"
)

// Fingerprint is of all that a scenario puts its policies to: a hash for each
// part of the spec but policies, seeds and regret, which adds runs and changes
// none, defaults filled in, and one for the files those parts name. Where two are equal, one seed brings both scenarios the
// same customers on the same cluster.
type Fingerprint map[string]string

// filesPart is the part for traces, carbon series and pod templates.
const filesPart = "files"

// Parts returns the fingerprint of what stands in the scenario itself.
func (s *Scenario) Parts() (Fingerprint, error) {
	parts := Fingerprint{}
	spec := reflect.ValueOf(s.Spec)
	for i := range spec.NumField() {
		field := spec.Type().Field(i)
		name, options, _ := strings.Cut(field.Tag.Get("yaml"), ",")
		if name == "policies" || name == "seeds" || name == "regret" {
			continue
		}
		if options == "omitempty" && spec.Field(i).IsZero() {
			continue // a part that a scenario may lack, and that older ones could not have
		}
		part := reflect.New(reflect.StructOf([]reflect.StructField{field}))
		part.Elem().Field(0).Set(spec.Field(i))
		text, err := schema.Encode(part.Interface())
		if err != nil {
			return nil, fmt.Errorf("fingerprint of spec.%s: %w", name, err)
		}
		parts["spec."+name] = shortHash(text)
	}
	return parts, nil
}

// Fingerprint returns that of the scenario and of the files it names, those of its
// policies left out.
func (f *File) Fingerprint() (Fingerprint, error) {
	parts, err := f.Scenario.Parts()
	if err != nil {
		return nil, err
	}
	var sums strings.Builder
	ofPolicies := f.policyFiles()
	for _, in := range f.Inputs[1:] {
		if !slices.Contains(ofPolicies, in.Path) {
			sums.WriteString(in.SHA256 + "\n")
		}
	}
	parts[filesPart] = shortHash([]byte(sums.String()))
	return parts, nil
}

// policyFiles are the manifests and other files that only policies name.
func (f *File) policyFiles() []string {
	var files []string
	add := func(named string) {
		if named != "" {
			files = append(files, Resolve(f.Path, named))
		}
	}
	manifest := func(s *Scaler) {
		if m, ok := s.Config.(policies.ManifestConfig); ok {
			add(m.Manifest())
		}
		if c, ok := s.Config.(policies.FileConfig); ok {
			_, named := c.NamedFile()
			add(named)
		}
	}
	for i := range f.Scenario.Spec.Policies {
		p := &f.Scenario.Spec.Policies[i]
		add(p.Scheduler.Config)
		if p.Scaler != nil {
			manifest(p.Scaler)
		}
		for _, name := range slices.Sorted(maps.Keys(p.Scalers)) {
			s := p.Scalers[name]
			manifest(&s)
		}
	}
	for _, s := range f.Scenario.Spec.Services {
		own := Resolve(f.Path, s.Pod.Deployment)
		files = slices.DeleteFunc(files, func(file string) bool { return s.Pod.Deployment != "" && file == own })
	}
	return files
}

// Differences names the parts in which the two differ, in order.
func (f Fingerprint) Differences(other Fingerprint) []string {
	var parts []string
	for part, hash := range f {
		if other[part] != hash {
			parts = append(parts, part)
		}
	}
	for part := range other {
		if _, ok := f[part]; !ok {
			parts = append(parts, part)
		}
	}
	slices.Sort(parts)
	return parts
}

func shortHash(text []byte) string {
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:6])
}
