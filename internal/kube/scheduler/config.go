package scheduler

import (
	"embed"
	"fmt"
	"slices"
	"strings"

	"k8s.io/kubernetes/pkg/scheduler/apis/config"
	"k8s.io/kubernetes/pkg/scheduler/apis/config/scheme"
	configv1 "k8s.io/kubernetes/pkg/scheduler/apis/config/v1"
	"k8s.io/kubernetes/pkg/scheduler/apis/config/validation"
	"sigs.k8s.io/yaml"

	"github.com/kwatt-sim/kwatt/internal/kube/manifest"
	"github.com/kwatt-sim/kwatt/internal/kube/plugins/carbonaware"
	"github.com/kwatt-sim/kwatt/internal/policies"
)

// Configuration is a KubeSchedulerConfiguration that kube-scheduler would
// start with.
type Configuration struct {
	internal *config.KubeSchedulerConfiguration
	object   map[string]any // as it was written
}

//go:embed profiles/*.yaml
var profiles embed.FS

// CarbonAware is the plugin that scores nodes by the intensity of their grid.
const CarbonAware = carbonaware.Name

// Profiles are the names of the configurations that come with kwatt.
func Profiles() []string { return []string{"Default", "BinPacking", "EnergyAware", "CarbonAware"} }

// ProfileYAML returns a builtin configuration as a file to start from.
func ProfileYAML(name string) ([]byte, error) {
	b, err := profiles.ReadFile("profiles/" + name + ".yaml")
	if err != nil {
		return nil, fmt.Errorf("unknown scheduler profile %q: want one of %s", name, strings.Join(Profiles(), ", "))
	}
	return b, nil
}

// Builtin returns the configuration of a builtin profile.
func Builtin(name string) (*Configuration, error) {
	b, err := ProfileYAML(name)
	if err != nil {
		return nil, err
	}
	var object map[string]any
	if err := yaml.Unmarshal(b, &object); err != nil {
		return nil, fmt.Errorf("profile %s: %w", name, err)
	}
	c, problems := ParseConfig(object)
	if len(problems) > 0 {
		return nil, fmt.Errorf("profile %s: %s: %s", name, problems[0].Path, problems[0].Message)
	}
	return c, nil
}

// ParseConfig reads a KubeSchedulerConfiguration as kube-scheduler does:
// upstream's strict decoding, defaulting and validation, and its construction
// of the plugins, with their messages. HTTP extenders are refused: nothing
// answers them in virtual time.
func ParseConfig(object map[string]any) (*Configuration, []policies.Problem) {
	if err := prepare(); err != nil {
		return nil, []policies.Problem{{Message: err.Error()}}
	}
	decoded, problems := manifest.Decode(scheme.Codecs.UniversalDecoder(), object, "KubeSchedulerConfiguration")
	if len(problems) > 0 {
		return nil, problems
	}
	c, ok := decoded.(*config.KubeSchedulerConfiguration)
	if !ok {
		return nil, []policies.Problem{{Path: "apiVersion", Message: fmt.Sprintf("couldn't decode as KubeSchedulerConfiguration, got %T", decoded),
			Hint: "write apiVersion: kubescheduler.config.k8s.io/v1"}}
	}
	c.APIVersion = configv1.SchemeGroupVersion.String() // the decoder clears it
	if problems := manifest.Aggregated(validation.ValidateKubeSchedulerConfiguration(c)); len(problems) > 0 {
		return nil, problems
	}
	if len(c.Extenders) > 0 {
		return nil, []policies.Problem{{Path: "extenders", Message: "extenders are called over HTTP, which a simulation cannot do",
			Hint: "leave them out, or make the extender a plugin"}}
	}
	parsed := &Configuration{internal: c, object: object}
	if err := parsed.probe(); err != nil {
		return nil, []policies.Problem{{Path: "profiles", Message: err.Error()}}
	}
	return parsed, nil
}

// Scores reports whether a profile enables a plugin that scores nodes.
func (c *Configuration) Scores(plugin string) bool {
	for _, p := range c.internal.Profiles {
		if p.Plugins == nil {
			continue
		}
		for _, set := range []config.PluginSet{p.Plugins.MultiPoint, p.Plugins.Score} {
			if slices.ContainsFunc(set.Enabled, func(e config.Plugin) bool { return e.Name == plugin }) {
				return true
			}
		}
	}
	return false
}

// probe makes a scheduler from the configuration and drops it.
func (c *Configuration) probe() error {
	s, err := newUpstream(c, nil, nil)
	if err != nil {
		return err
	}
	s.cancel()
	return nil
}
