package scheduler

import (
	"maps"
	"slices"
	"strings"
	"testing"

	v1 "k8s.io/api/core/v1"
	"sigs.k8s.io/yaml"

	"github.com/kwatt-sim/kwatt/internal/kube/plugins/power"
	"github.com/kwatt-sim/kwatt/internal/policies"
)

const deployment = `
apiVersion: apps/v1
kind: Deployment
metadata: {name: ranker}
spec:
  selector: {matchLabels: {app: ranker, tier: gpu}}
  template:
    metadata: {labels: {app: ranker, tier: gpu, version: v2}}
    spec:
      priorityClassName: system-cluster-critical
      containers:
        - {name: server, image: triton, resources: {requests: {cpu: 4, memory: 16Gi}, limits: {nvidia.com/gpu: 1}}}
        - {name: proxy, image: envoy, resources: {requests: {cpu: 100m}}}
`

func object(t testing.TB, text string) map[string]any {
	t.Helper()
	var o map[string]any
	if err := yaml.Unmarshal([]byte(text), &o); err != nil {
		t.Fatal(err)
	}
	return o
}

func TestDeployment(t *testing.T) {
	p, problems := ParseDeployment(object(t, deployment))
	if len(problems) > 0 {
		t.Fatal(problems)
	}
	if names := p.Containers(); !slices.Equal(names, []string{"server", "proxy"}) {
		t.Errorf("containers %q", names)
	}
	s := Service{Name: "ranker", Template: p, Units: 1, BusyWatts: map[string]float64{"nvidia-t4": 60}}
	pod, err := s.pod()
	if err != nil {
		t.Fatal(err)
	}
	if *pod.Spec.Priority != 2000000000 || pod.Spec.SchedulerName != "default-scheduler" || pod.Spec.RestartPolicy != v1.RestartPolicyAlways {
		t.Errorf("priority %d, scheduler %s, restart policy %s", *pod.Spec.Priority, pod.Spec.SchedulerName, pod.Spec.RestartPolicy)
	}
	if got := pod.Annotations[power.PodBusy]; got != `{"nvidia-t4":60}` {
		t.Errorf("busy watts %s", got)
	}
	// The ReplicaSet selects by the Deployment's selector and its own hash.
	selector := s.replicaSet(pod).Spec.Selector.MatchLabels
	if want := map[string]string{"app": "ranker", "tier": "gpu", "pod-template-hash": pod.Labels["pod-template-hash"]}; !maps.Equal(selector, want) {
		t.Errorf("selector %v, want %v", selector, want)
	}
	containers, err := s.Containers()
	if err != nil || containers[0].Requests["cpu"] != 4000 || containers[0].Requests["nvidia.com/gpu"] != 1000 || containers[1].Requests["cpu"] != 100 {
		t.Errorf("%+v, %v", containers, err)
	}
}

// The object is read as an API server reads it, and paths are those in it.
func TestDeploymentProblems(t *testing.T) {
	for change, want := range map[string]string{
		"kind: Deployment -> kind: StatefulSet":                                                         "kind: want a Deployment, found StatefulSet",
		"apiVersion: apps/v1 -> apiVersion: apps/v2":                                                    `apiVersion: no kind "Deployment" is registered for version "apps/v2" in scheme`,
		"selector: -> replica: 3\n  selector:":                                                          `spec.replica: unknown field "spec.replica"`,
		"tier: gpu, version -> tier: cpu, version":                                                      "spec.template.metadata.labels: Invalid value: {\"app\":\"ranker\",\"tier\":\"cpu\",\"version\":\"v2\"}: `selector` does not match template `labels`",
		"image: triton, -> image: '',":                                                                  "spec.template.spec.containers[0].image: Required value",
		"cpu: 100m -> cpu: 100x":                                                                        "quantities must match",
		"limits: {nvidia.com/gpu: 1} -> limits: {cpu: 1}":                                               "spec.template.spec.containers[0].resources.requests: Invalid value: \"4\": must be less than or equal to cpu limit of 1",
		"{nvidia.com/gpu: 1} -> {nvidia.com/gpu: 0.5}":                                                  "spec.template.spec.containers[0].resources.limits[nvidia.com/gpu]: Invalid value: \"500m\": must be an integer",
		"priorityClassName: system-cluster-critical -> priorityClassName: gold":                         `spec.template.spec.priorityClassName: the value of PriorityClass "gold" is not known`,
		"containers: -> nodeName: a1\n      containers:":                                                "spec.template.spec.nodeName: a pod with a node passes the scheduler by",
		"containers: -> schedulingGates: [{name: a/b}]\n      containers:":                              "spec.template.spec.schedulingGates: nothing would ever remove a gate: the pods would wait for ever",
		"containers: -> volumes: [{name: v, persistentVolumeClaim: {claimName: c}}]\n      containers:": "spec.template.spec.volumes: persistent volumes are not simulated",
		"containers: -> resourceClaims: [{name: g, resourceClaimName: c}]\n      containers:":           "spec.template.spec.resourceClaims: dynamic resource allocation is not simulated",
		"containers: -> affinity: {nodeAffinity: {requiredDuringSchedulingIgnoredDuringExecution: {nodeSelectorTerms: [{matchFields: [{key: metadata.name, operator: In, values: [a]}]}, {matchFields: [{key: metadata.name, operator: In, values: [b]}]}]}}}\n      containers:": "spec.template.spec.affinity.nodeAffinity: which of several nodes named by matchFields is looked at first kube-scheduler leaves to chance",
		"containers: -> topologySpreadConstraints: [{maxSkew: 0, topologyKey: zone, whenUnsatisfiable: DoNotSchedule}]\n      containers:":                                                                                                                                        "spec.template.spec.topologySpreadConstraints[0].maxSkew: Invalid value: 0: must be greater than zero",
	} {
		from, to, _ := strings.Cut(change, " -> ")
		text := strings.Replace(deployment, from, to, 1)
		if text == deployment {
			t.Errorf("%q changes nothing", change)
		}
		var o map[string]any
		if err := yaml.Unmarshal([]byte(text), &o); err != nil {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %v", change, err)
			}
			continue
		}
		_, problems := ParseDeployment(o)
		if all := problemText(problems); !strings.Contains(all, want) {
			t.Errorf("%s:\n%s\nwant %s", change, all, want)
		}
	}
}

func problemText(problems []policies.Problem) string {
	var all []string
	for _, p := range problems {
		all = append(all, p.Path+": "+p.Message)
	}
	return strings.Join(all, "\n")
}

// A template of its own needs no labels; its paths are those in the template.
func TestPodTemplate(t *testing.T) {
	for _, x := range []struct{ text, want string }{
		{"spec: {containers: [{name: c, image: i}]}", ""},
		{"metadata: {labels: {app: other}}\nspec: {containers: [{name: c, image: i}]}", ""},
		{"spec: {containers: [{name: c, image: i}], restartPolicy: Never}", `spec.restartPolicy: Unsupported value: "Never": supported values: "Always"`},
		{"spec: {containers: []}", "spec.containers: Required value"},
		{"spec: {containers: [{name: c, image: i}], nodeselector: {a: b}}", `spec.nodeselector: unknown field "spec.template.spec.nodeselector"`},
		{"spec: {containers: [{name: c, image: i}], priorityClassName: gold}", `spec.priorityClassName: the value of PriorityClass "gold" is not known`},
		{"spec: {containers: [{name: c, image: i}], priorityClassName: gold, priority: 7}", ""},
	} {
		p, problems := ParsePodTemplate(object(t, x.text))
		if all := problemText(problems); all != x.want {
			t.Errorf("%s:\n%s\nwant %s", x.text, all, x.want)
		}
		if x.want != "" {
			continue
		}
		pod, err := Service{Name: "ranker", Template: p, Units: 1}.pod()
		if err != nil {
			t.Fatal(err)
		}
		if want := map[bool]string{true: "other", false: "ranker"}[strings.Contains(x.text, "other")]; pod.Labels["app"] != want {
			t.Errorf("%s: labels %v, want app=%s", x.text, pod.Labels, want)
		}
	}
	if names := (*PodTemplate)(nil).Containers(); !slices.Equal(names, []string{"server"}) {
		t.Errorf("the default template has %q", names)
	}
}

// A template may ask for the GPU by itself, but only for the service's part.
func TestGPUAmounts(t *testing.T) {
	limits := func(text string) *PodTemplate {
		return template(t, "containers: [{name: c, image: i, resources: {limits: {"+text+"}}}]")
	}
	for _, x := range []struct {
		s    Service
		want string
	}{
		{Service{Units: 1}, ""},
		{Service{Units: 2, Template: limits("nvidia.com/gpu: 2")}, ""},
		{Service{MIG: "1g.10gb", Template: limits("nvidia.com/mig-1g.10gb: 1")}, ""},
		{Service{Units: 1, Template: limits("nvidia.com/gpu: 2")}, "service ranker: container c of its pod template asks for 2 of nvidia.com/gpu, the service's gpu field for 1 of nvidia.com/gpu: leave it out of the template"},
		{Service{MIG: "1g.10gb", Template: limits("nvidia.com/gpu: 1")}, "the service's gpu field for 1 of nvidia.com/mig-1g.10gb"},
		{Service{Units: 1, Template: template(t, "containers: [{name: a, image: i, resources: {limits: {nvidia.com/gpu: 1}}}, {name: b, image: i, resources: {limits: {nvidia.com/gpu: 1}}}]")}, "container b"},
	} {
		x.s.Name = "ranker"
		p, err := x.s.pod()
		if x.want != "" {
			if err == nil || !strings.Contains(err.Error(), x.want) {
				t.Errorf("%+v: %v, want %s", x.s, err, x.want)
			}
			continue
		}
		if err != nil {
			t.Errorf("%+v: %v", x.s, err)
			continue
		}
		name, want := x.s.gpu()
		if q := p.Spec.Containers[0].Resources.Requests[name]; q.Value() != want {
			t.Errorf("%+v: asks for %s of %s, want %d", x.s, q.String(), name, want)
		}
	}
}

func TestPoolProblems(t *testing.T) {
	good := Pool{Name: "a100", CPU: "64", Memory: "512Gi"}
	for want, edit := range map[string]func(*Pool){
		"":                                   func(*Pool) {},
		`cpu: "many": quantities must match`: func(p *Pool) { p.CPU = "many" },
		"memory: must not be negative, found -1Gi":       func(p *Pool) { p.Memory = "-1Gi" },
		"labels: Invalid value: \"a b\"":                 func(p *Pool) { p.Labels = map[string]string{"a b": "c"} },
		"labels.nvidia.com/gpu.product: is set by kwatt": func(p *Pool) { p.Labels = map[string]string{"nvidia.com/gpu.product": "x"} },
		"labels.kubernetes.io/hostname: is set by kwatt": func(p *Pool) { p.Labels = map[string]string{"kubernetes.io/hostname": "x"} },
		"zone: Invalid value: \"eu west\"":               func(p *Pool) { p.Zone = "eu west" },
		"taints[0].effect: Unsupported value: \"NoWay\"": func(p *Pool) { p.Taints = []Taint{{Key: "a", Effect: "NoWay"}} },
		"taints[1]: Duplicate value":                     func(p *Pool) { p.Taints = []Taint{{"a", "", "NoSchedule"}, {"a", "", "NoSchedule"}} },
	} {
		p := good
		edit(&p)
		if got := problemText(p.Check()); !strings.Contains(got, want) || want == "" && got != "" {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
