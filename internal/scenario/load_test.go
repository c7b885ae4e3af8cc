package scenario

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/kwatt-sim/kwatt/internal/golden"
	"github.com/kwatt-sim/kwatt/internal/policies"
	"github.com/kwatt-sim/kwatt/internal/powermodel"
	"github.com/kwatt-sim/kwatt/internal/schema"
)

// goodFiles are all scenarios that must load: the test's own, the templates
// and the repository's examples.
func goodFiles(t testing.TB) []string {
	t.Helper()
	var all []string
	for _, glob := range []string{"testdata/good/*.yaml", "templates/*.yaml", "../../scenarios/*.yaml"} {
		files, err := filepath.Glob(glob)
		if err != nil || len(files) == 0 {
			t.Fatalf("%s: no files, %v", glob, err)
		}
		all = append(all, files...)
	}
	return all
}

func TestGoodScenariosLoadAndRoundTrip(t *testing.T) {
	for _, file := range goodFiles(t) {
		t.Run(filepath.ToSlash(file), func(t *testing.T) {
			f, err := Load(file)
			if err != nil {
				t.Fatal(err)
			}
			roundTrip(t, f, osOpen)
		})
	}
}

// roundTrip loads f's effective form and holds it to be the same scenario.
func roundTrip(t testing.TB, f *File, open Open) {
	t.Helper()
	out, err := f.Effective()
	if err != nil {
		t.Fatal(err)
	}
	again, err := Parse(out, f.Path, open)
	if err != nil {
		t.Fatalf("the effective scenario does not load: %v\n%s", err, out)
	}
	if !reflect.DeepEqual(f.Scenario, again.Scenario) {
		t.Errorf("the effective scenario is another one:\n%s", cmp.Diff(f.Scenario, again.Scenario))
	}
	if twice, err := again.Effective(); err != nil || string(twice) != string(out) {
		t.Errorf("the effective form of the effective form differs, %v:\n%s", err, cmp.Diff(string(out), string(twice)))
	}
}

func TestEffectiveScenarioOfTheSmallestOne(t *testing.T) {
	f, err := Load("templates/minimal.yaml")
	if err != nil {
		t.Fatal(err)
	}
	out, err := f.Effective()
	if err != nil {
		t.Fatal(err)
	}
	golden.Check(t, "testdata/minimal.effective.yaml", out)
}

func TestFileHoldsWhatItNames(t *testing.T) {
	f, err := Load("testdata/good/everything.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if len(f.Traces[0].Arrivals) != 12 || f.Traces[1].Bin.Minutes() != 1 {
		t.Errorf("traces are read wrongly: %+v", f.Traces)
	}
	if have := f.Curves[1].Mean(); have < 4.9 || have > 5.1 { // 600 req/min, halved
		t.Errorf("mean rate %g req/s, want about 5", have)
	}
	if f.Carbon.Location.String() != "Europe/Berlin" || f.CarbonClock.IntensityAt(0) != 300 {
		t.Errorf("carbon %+v, %g g/kWh at the start", f.Carbon, f.CarbonClock.IntensityAt(0))
	}
	if b := f.Boards[1]; b.Title != "Acme 9000" || b.CapWatts != 300 || b.Limit().ClockMHz != 1200 || f.Boards[0].Limit() != (powermodel.Limit{}) {
		t.Errorf("boards %+v", f.Boards)
	}
	var names []string
	for _, in := range f.Inputs {
		names = append(names, filepath.Base(in.Path))
		data, err := os.ReadFile(in.Path)
		if err != nil {
			t.Fatal(err)
		}
		if sum := fmt.Sprintf("%x", sha(data)); sum != in.SHA256 {
			t.Errorf("%s: digest %s, want %s", in.Path, in.SHA256, sum)
		}
	}
	if want := []string{"everything.yaml", "log.csv", "qps.csv", "board.yaml", "grid.csv"}; !reflect.DeepEqual(names, want) {
		t.Errorf("inputs %v, want %v", names, want)
	}
}

func TestOverrides(t *testing.T) {
	const file = "templates/flash-sale.yaml"
	for _, tt := range []struct{ set, want string }{ // want is the error; empty when it must load
		{"spec.seeds.count=3", ""},
		{"spec.policies[energy-aware].nodes.sleep=true", ""},
		{"spec.policies[0].scaler={energyAware: {headroom: 0.5}}", ""},
		{"spec.services[ranker].queue.timeout=2s", ""},
		{"spec.cost.gpuHour.nvidia-l4=0.7", ""},
		{"metadata.name=77", ""},
		{"spec.seeds.cuont=3", "override spec.seeds.cuont: unknown path spec.seeds.cuont: did you mean count? want first or count"},
		{"spec.policies[hap].nodes.sleep=true", "override spec.policies[hap].nodes.sleep: cannot set spec.policies[hap]: the list has 5 elements and none of that name"},
		{"spec.duration=1h", file + ":18:18: spec.services[0].workload.events[0].at: 3h is not before the end of the window, 1h (hint: move the event or raise spec.duration)"},
		{"spec.seeds.count=many", `--set spec.seeds.count:1:1: spec.seeds.count: want a whole number, found the text "many"`},
		{"spec.services[0].queue.capacity=2", "--set spec.services[0].queue.capacity:1:1: spec.services[0].queue.capacity: 2 is less than a batch of 32, which could never fill (hint: raise capacity or lower maxBatch)"},
	} {
		t.Run(tt.set, func(t *testing.T) {
			o, err := ParseOverride(tt.set)
			if err != nil {
				t.Fatal(err)
			}
			_, err = Load(file, o)
			have := ""
			if err != nil {
				have = filepath.ToSlash(err.Error())
			}
			if have != tt.want {
				t.Errorf("got  %s\nwant %s", have, tt.want)
			}
		})
	}
	if _, err := ParseOverride("spec.seeds.count"); err == nil {
		t.Error("an override without a value is accepted")
	}
}

func TestScenarioFileThatCannotBeRead(t *testing.T) {
	_, err := Load("testdata/nowhere.yaml")
	var errs schema.Errors
	if !errors.Is(err, fs.ErrNotExist) || errors.As(err, &errs) {
		t.Errorf("Load says %v, want the file system's error", err)
	}
}

func TestInit(t *testing.T) {
	for _, name := range Templates() {
		data, err := Init(name)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasPrefix(string(data), "# yaml-language-server: $schema=") {
			t.Errorf("%s lacks the modeline that gives editors the schema", name)
		}
		if _, err := Parse(data, "new.yaml", osOpen); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := Init("none"); err == nil || !strings.Contains(err.Error(), "minimal, flash-sale, full") {
		t.Errorf("unknown template: %v", err)
	}
}

// TestPolicyDefaultsAgreeWithTheirTags: what a policy's constructor sets and
// what its tags say must be one thing, since explain shows the tags.
func TestPolicyDefaultsAgreeWithTheirTags(t *testing.T) {
	for _, k := range policies.Kinds() {
		have := k.NewConfig()
		tagged := reflect.New(reflect.TypeOf(have).Elem()).Interface()
		schema.SetDefaults(tagged)
		if !reflect.DeepEqual(have, tagged) {
			t.Errorf("%s: NewConfig gives %+v, the tags %+v", k.Name, have, tagged)
		}
	}
}

func TestScalerFor(t *testing.T) {
	f, err := Load("templates/full.yaml")
	if err != nil {
		t.Fatal(err)
	}
	mixed, static := &f.Scenario.Spec.Policies[4], &f.Scenario.Spec.Policies[0]
	if have := mixed.ScalerFor("search").Kind; have != "static" {
		t.Errorf("search is scaled by %s under %s", have, mixed.Name)
	}
	if have := static.ScalerFor("search"); have != static.Scaler {
		t.Errorf("search is scaled by %+v under %s", have, static.Name)
	}
}
