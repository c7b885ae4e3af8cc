package sweepjob

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	"k8s.io/kubernetes/pkg/api/legacyscheme"
	"k8s.io/kubernetes/pkg/apis/batch"
	_ "k8s.io/kubernetes/pkg/apis/batch/install"
	batchvalidation "k8s.io/kubernetes/pkg/apis/batch/validation"
	"k8s.io/kubernetes/pkg/apis/core"
	_ "k8s.io/kubernetes/pkg/apis/core/install"
	corevalidation "k8s.io/kubernetes/pkg/apis/core/validation"

	"github.com/kwatt-sim/kwatt/internal/golden"
)

func shop() Options {
	return Options{
		Name: "sweep-0123456789ab", Namespace: "kwatt", Image: "registry.example/kwatt:1", Claim: "results", Shards: 8, Parallelism: 4, CPUs: 2,
		Files: []File{{"scenarios/shop.yaml", []byte("kind: Scenario\n")}, {"trace.bin", []byte{0xff, 0x00}}},
		Sweep: []string{"sweep", "scenarios/shop.yaml", "--grid", "spec.x=$(HOME),b", "--shards", "8"},
		Merge: []string{"merge", "/results/shop/0123456789ab.partial"},
	}
}

// decode reads the documents as an API server does: strictly, with its defaults.
func decode(t *testing.T, text []byte) []runtime.Object {
	t.Helper()
	d := serializer.NewCodecFactory(legacyscheme.Scheme, serializer.EnableStrict).UniversalDecoder()
	var objects []runtime.Object
	in := utilyaml.NewYAMLReader(bufio.NewReader(bytes.NewReader(text)))
	for {
		doc, err := in.Read()
		if errors.Is(err, io.EOF) {
			return objects
		}
		if err != nil {
			t.Fatal(err)
		}
		o, _, err := d.Decode(doc, nil, nil)
		if err != nil {
			t.Fatalf("%v\n%s", err, doc)
		}
		objects = append(objects, o)
	}
}

// What is rendered passes the validation of Kubernetes itself.
func TestKubernetesTakesIt(t *testing.T) {
	for _, shards := range []int{1, 8, 100_000} {
		o := shop()
		o.Shards = shards
		text, err := Render(o)
		if err != nil {
			t.Fatal(err)
		}
		objects := decode(t, text)
		if len(objects) != 3 {
			t.Fatalf("%d objects", len(objects))
		}
		if errs := corevalidation.ValidateConfigMap(objects[0].(*core.ConfigMap)); len(errs) > 0 {
			t.Error(errs.ToAggregate())
		}
		for _, object := range objects[1:] {
			job := object.(*batch.Job)
			if job.Namespace != "kwatt" {
				t.Errorf("namespace %q", job.Namespace)
			}
			generateSelector(job)
			if errs := batchvalidation.ValidateJob(job, batchvalidation.JobValidationOptions{RequirePrefixedLabels: true}); len(errs) > 0 {
				t.Errorf("%d shards: %v", shards, errs.ToAggregate())
			}
		}
	}
}

// generateSelector adds what the API server does before it validates a Job.
func generateSelector(j *batch.Job) {
	j.UID = "0b7c"
	selector := map[string]string{batch.ControllerUidLabel: string(j.UID)}
	labels := j.Spec.Template.Labels
	for _, name := range []string{batch.ControllerUidLabel, batch.LegacyControllerUidLabel} {
		labels[name] = string(j.UID)
	}
	for _, name := range []string{batch.JobNameLabel, batch.LegacyJobNameLabel} {
		labels[name] = j.Name
	}
	j.Spec.Selector = &metav1.LabelSelector{MatchLabels: selector}
}

func TestRender(t *testing.T) {
	text, err := Render(shop())
	if err != nil {
		t.Fatal(err)
	}
	golden.Check(t, "testdata/sweep.yaml", text)
	objects := decode(t, text)
	job := objects[1].(*batch.Job)
	if args := job.Spec.Template.Spec.Containers[0].Args; args[3] != "spec.x=$$(HOME),b" || args[len(args)-1] != "$(JOB_COMPLETION_INDEX)" {
		t.Errorf("arguments %q", args)
	}
	if *job.Spec.Completions != 8 || *job.Spec.Parallelism != 4 || *job.Spec.CompletionMode != batch.IndexedCompletion {
		t.Errorf("%+v", job.Spec)
	}
	if m := objects[0].(*core.ConfigMap); len(m.Data) != 1 || !bytes.Equal(m.BinaryData["file-1"], []byte{0xff, 0}) {
		t.Errorf("%+v", m)
	}
}

func TestAConfigMapHasALimit(t *testing.T) {
	o := shop()
	o.Files[0].Data = bytes.Repeat([]byte("x"), corev1.MaxSecretSize)
	if _, err := Render(o); err == nil || !strings.Contains(err.Error(), "put long traces into the image") {
		t.Errorf("%v", err)
	}
}
