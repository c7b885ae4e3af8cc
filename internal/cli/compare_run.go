package cli

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/kwatt-sim/kwatt/internal/engine"
	"github.com/kwatt-sim/kwatt/internal/experiment"
	"github.com/kwatt-sim/kwatt/internal/policies"
	"github.com/kwatt-sim/kwatt/internal/results"
	"github.com/kwatt-sim/kwatt/internal/scenario"
	"github.com/kwatt-sim/kwatt/internal/schema"
	"github.com/kwatt-sim/kwatt/internal/stats"
)

// variant is one side of a comparison that is simulated.
type variant struct {
	name   string
	file   *scenario.File
	policy string
	config *engine.Config
}

// simulateSides runs both sides with the same seeds and compares them.
func (fl *compareFlags) simulateSides(env Env, path string) (*results.SideBySide, error) {
	a, b, err := fl.variants(path)
	if err != nil {
		return nil, err
	}
	if err := errors.Join(a.compile("A"), b.compile("B")); err != nil {
		return nil, err
	}
	seeds := seedsOf(b.file.Scenario.Spec.Seeds)
	if own, err := parseSeeds(fl.run.seeds); err != nil {
		return nil, err
	} else if own != nil {
		seeds = seedsOf(*own)
	}
	most := len(seeds)
	if fl.untilTold {
		most = max(fl.maxSeeds, most)
		if fl.maxSeeds == 0 {
			most = 4 * len(seeds)
		}
	}
	looks, err := stats.Looks(len(seeds), most)
	if err != nil {
		return nil, &codedError{exitUsage, err}
	}
	return fl.look(env, a, b, seeds[0], looks)
}

// compile makes the side's world; label tells its runs from the other side's,
// whose policy may have the same name.
func (v *variant) compile(label string) error {
	configs, err := experiment.Compile(v.file, []string{v.policy})
	if err != nil {
		return fmt.Errorf("%s: %w", v.name, err)
	}
	v.config = configs[0]
	v.config.Policy = label
	return nil
}

// look adds seeds until every metric is told, or the last look.
func (fl *compareFlags) look(env Env, a, b *variant, first uint64, looks []stats.Look) (*results.SideBySide, error) {
	runs := map[string][]*results.Run{}
	done := 0
	for i, l := range looks {
		seeds := seedsOf(scenario.Seeds{First: first + uint64(done), Count: l.Seeds - done})
		more, err := replicate(env, []*engine.Config{a.config, b.config}, seeds, fl.run.parallel, fl.run.quiet)
		if err != nil {
			return nil, err
		}
		done = l.Seeds
		for _, r := range more {
			runs[r.Policy] = append(runs[r.Policy], r)
		}
		sideA, errA := a.side(runs["A"])
		sideB, errB := b.side(runs["B"])
		if err := errors.Join(errA, errB); err != nil {
			return nil, err
		}
		s, err := results.Pair(sideA, sideB, results.SideOptions{Metrics: fl.metrics, Interval: fl.interval, Test: fl.test, Share: l.Share})
		if err != nil {
			return nil, err
		}
		if s.Decided() || i == len(looks)-1 {
			partsA, errA := a.file.Fingerprint()
			partsB, errB := b.file.Fingerprint()
			s.Warnings = append(workloadWarnings(partsA, partsB), s.Warnings...)
			return s, errors.Join(errA, errB)
		}
	}
	panic("cli: a comparison without a look")
}

func (v *variant) side(runs []*results.Run) (results.Side, error) {
	spec := &v.file.Scenario
	side := results.Side{Name: v.name, Scenario: spec.Metadata.Name, Policy: v.policy, Currency: spec.Spec.Cost.Currency}
	return results.SideOf(side, runs)
}

// variants loads both sides.
func (fl *compareFlags) variants(path string) (a, b *variant, err error) {
	a, b = &variant{}, &variant{}
	if fl.ref != "" {
		a.name, b.name = fl.ref, "the files as they are"
		if a.file, err = loadAt(fl.ref, path, fl.run.set); err != nil {
			return nil, nil, err
		}
		b.file, err = load(path, fl.run.set)
	} else {
		a.name, b.name = filepath.ToSlash(fl.manifestA), filepath.ToSlash(fl.manifestB)
		base, err := load(path, fl.run.set)
		if err != nil {
			return nil, nil, err
		}
		if a.file, err = fl.withManifest(base, fl.manifestA); err != nil {
			return nil, nil, err
		}
		if b.file, err = fl.withManifest(base, fl.manifestB); err != nil {
			return nil, nil, err
		}
		a.policy, b.policy = fl.policies[0], fl.policies[0]
		return a, b, nil
	}
	if err != nil {
		return nil, nil, err
	}
	of := func(f *scenario.File) *resultDir {
		d := &resultDir{path: f.Path, summary: &results.Summary{}}
		for _, name := range f.PolicyNames() {
			d.summary.Policies = append(d.summary.Policies, results.PolicySummary{Name: name})
		}
		return d
	}
	a.policy, b.policy, err = fl.choosePolicies(of(a.file), of(b.file))
	return a, b, err
}

// withManifest loads the scenario with a manifest in the place of the one of its
// kind that the policy names.
func (fl *compareFlags) withManifest(base *scenario.File, manifest string) (*scenario.File, error) {
	data, err := os.ReadFile(manifest)
	if err != nil {
		return nil, filesError(err)
	}
	kind := kindOf(data, manifest)
	places := manifestPlaces(base, kind)
	if len(fl.policies) > 0 {
		places = slices.DeleteFunc(places, func(p manifestPlace) bool { return p.policy != fl.policies[0] })
	}
	if len(places) != 1 {
		var names []string
		for _, p := range manifestPlaces(base, kind) {
			names = append(names, p.path)
		}
		return nil, usageError("%s is a %s, and that of one policy is replaced; the scenario names one at: %s; choose with --policy", manifest, kind, strings.Join(names, ", "))
	}
	fl.policies = []string{places[0].policy}
	absolute, err := filepath.Abs(manifest)
	if err != nil {
		return nil, filesError(err)
	}
	return load(base.Path, append(slices.Clone(fl.run.set), places[0].path+"="+absolute))
}

// manifestPlace is where a scenario names a manifest.
type manifestPlace struct{ policy, path string }

func manifestPlaces(f *scenario.File, kind string) []manifestPlace {
	var out []manifestPlace
	for _, p := range f.Scenario.Spec.Policies {
		at := "spec.policies[" + p.Name + "]"
		add := func(path string, s scenario.Scaler) {
			if m, ok := s.Config.(policies.ManifestConfig); ok && m.Manifest() != "" {
				out = append(out, manifestPlace{p.Name, path + "." + s.Kind + ".manifest"})
			}
		}
		switch kind {
		case "KubeSchedulerConfiguration":
			if p.Scheduler.Config != "" {
				out = append(out, manifestPlace{p.Name, at + ".scheduler.config"})
			}
		default:
			if p.Scaler != nil {
				add(at+".scaler", *p.Scaler)
			}
			for _, name := range slices.Sorted(maps.Keys(p.Scalers)) {
				add(at+".scalers."+name, p.Scalers[name])
			}
		}
	}
	return out
}

// workloadWarnings say where two sides differ in more than their policies.
func workloadWarnings(a, b scenario.Fingerprint) []string {
	if parts := a.Differences(b); len(parts) > 0 {
		return []string{fmt.Sprintf("the sides differ in more than the policy: %s", strings.Join(parts, ", "))}
	}
	return nil
}

// scenarioWarnings compare what two results directories say they ran. The files
// that the scenarios name are not in them; the load is compared by requests.
func scenarioWarnings(a, b *resultDir) []string {
	var both []scenario.Fingerprint
	for _, d := range []*resultDir{a, b} {
		var s scenario.Scenario
		_, errs := schema.Decode(d.effective, filepath.Join(d.path, results.EffectiveFile), &s)
		parts, err := s.Parts()
		if len(errs) > 0 || err != nil {
			return []string{"it cannot be told whether the sides ran the same scenario: " + d.path + " was written by another version of kwatt"}
		}
		both = append(both, parts)
	}
	return workloadWarnings(both[0], both[1])
}

// loadAt loads the scenario at path, and the files it names, as they are in a git
// revision.
func loadAt(ref, path string, set []string) (*scenario.File, error) {
	repo, err := openGit(path)
	if err != nil {
		return nil, err
	}
	open := func(path string) (io.ReadCloser, error) { return repo.open(ref, path) }
	f, err := open(path)
	if err != nil {
		return nil, filesError(err)
	}
	data, err := io.ReadAll(f)
	if err != nil {
		return nil, filesError(err)
	}
	return loadFrom(set, func(o []scenario.Override) (*scenario.File, error) {
		return scenario.Parse(data, path, open, o...)
	})
}
