package openmetrics

import (
	"crypto/sha256"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/kwatt-sim/kwatt/internal/cluster"
	"github.com/kwatt-sim/kwatt/internal/engine"
	"github.com/kwatt-sim/kwatt/internal/results"
	"github.com/kwatt-sim/kwatt/internal/vtime"
)

// namespace of the pods, as in the manifests that kwatt exports.
const namespace = "default"

// Recorder turns a run's readings into series. A gauge is the mean since the
// sample before, so that the sum of a power series times its step is the energy.
// Prometheus shows a series for five minutes behind its last sample: one that
// ends, because its node went off or its board was given to another pod, ends with
// a 0.
type Recorder struct {
	start    time.Time
	config   *engine.Config
	out      *Exposition
	last     vtime.Time
	nodes    []*nodeState
	pods     []podState
	families families
}

type families struct {
	util, watts, energy             *Family // DCGM's
	keplerWatts, keplerIdle, joules *Family // Kepler's, by board
	platform                        *Family // and by node
	podBoard, podAll, free          *Family // what pods answer for, and nobody
}

// nodeState is what a node's series need to go on.
type nodeState struct {
	labels  string // of its platform power
	joules  float64
	present bool // its platform series has a sample that is not the last 0
	boards  []boardState
}

type boardState struct {
	engine.BoardReading
	dcgm    string   // the labels for the time that begins; "" while the node is not on
	kepler  string   // the labels, which do not depend on pods
	present bool     // the Kepler series is there
	ending  []string // DCGM series that ended at the last sample
	free    string   // the labels of what nobody answers for
}

// podState is a pod's series.
type podState struct {
	labels string
	joules float64 // at the last sample
}

// NewRecorder records a run of the configuration whose window opens at start.
// Labels are those that tell the run from others.
func NewRecorder(config *engine.Config, start time.Time, labels ...Label) *Recorder {
	r := &Recorder{start: start, config: config, out: NewExposition(labels...)}
	f := &r.families
	f.util = r.out.Family("DCGM_FI_DEV_GPU_UTIL", Gauge, 3, "GPU utilization (in %).")
	f.watts = r.out.Family("DCGM_FI_DEV_POWER_USAGE", Gauge, 6, "Power draw (in W).")
	f.energy = r.out.Family("DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION", Unknown, 0, "Total energy consumption since boot (in mJ).")
	f.keplerWatts = r.out.Family("kepler_node_gpu_watts", Gauge, 6, "Total power consumption of GPU at node level in watts")
	f.keplerIdle = r.out.Family("kepler_node_gpu_idle_watts", Gauge, 6, "Idle power consumption of GPU at node level in watts (auto-detected minimum)")
	f.joules = r.out.Family("kepler_node_gpu_joules", Counter, 3, "Total energy consumption of GPU at node level in joules")
	f.platform = r.out.Family("kepler_platform_watts", Gauge, 6, "Current platform power in watts from BMC")
	f.podBoard = r.out.Family("kwatt_pod_gpu_joules", Counter, 3, "Energy of the GPU that the pod answers for, by the rule of docs/power.md, in joules.")
	f.podAll = r.out.Family("kwatt_pod_joules", Counter, 3, "Energy of the node that the pod answers for, its GPU included, in joules.")
	f.free = r.out.Family("kwatt_gpu_unattributed_joules", Counter, 3, "Energy of the GPU that no pod answers for, in joules.")
	return r
}

// Probe returns what reads the meters at each step.
func (r *Recorder) Probe(step time.Duration) *engine.Probe {
	return &engine.Probe{Interval: step, Read: r.read}
}

func (r *Recorder) at(t vtime.Time) int64 { return r.start.Add(time.Duration(t)).UnixMilli() }

func (r *Recorder) read(t vtime.Time, nodes []engine.NodeReading, pods []engine.PodReading) {
	if r.nodes == nil {
		for _, n := range nodes {
			r.nodes = append(r.nodes, r.newNode(n))
		}
	}
	dt := t.Sub(r.last).Seconds()
	for i, n := range nodes {
		s := r.nodes[i]
		if dt > 0 {
			r.platform(s, n, t, dt)
		}
		for g := range n.Boards {
			r.board(&s.boards[g], n, g, t, dt)
		}
		s.joules = n.Joules
	}
	r.podEnergy(t, pods)
	r.last = t
}

func (r *Recorder) newNode(n engine.NodeReading) *nodeState {
	s := &nodeState{labels: r.out.Series(Label{"source", "redfish"}, Label{"node_name", n.Node.Name}, Label{"bmc_id", n.Node.Name}, Label{"chassis_id", "1"})}
	for g := range n.Boards {
		s.boards = append(s.boards, boardState{kepler: r.out.Series(Label{"gpu", strconv.Itoa(g)}, Label{"gpu_uuid", uuid(n.Node.Name, g)},
			Label{"gpu_name", r.title(n.Node)}, Label{"vendor", "nvidia"}, Label{"node_name", n.Node.Name}),
			free: r.out.Series(Label{"gpu", strconv.Itoa(g)}, Label{"UUID", uuid(n.Node.Name, g)}, Label{"Hostname", n.Node.Name})})
	}
	return s
}

func (r *Recorder) title(n *cluster.Node) string {
	return r.config.Cluster.Pools[n.Pool].Node.GPU.Title
}

// platform is a node's power as its management controller sees it, which runs
// while the node boots and sleeps, too.
func (r *Recorder) platform(s *nodeState, n engine.NodeReading, t vtime.Time, dt float64) {
	joules := n.Joules - s.joules
	if joules > 0 || s.present {
		r.families.platform.Add(s.labels, r.at(t), joules/dt)
	}
	s.present = joules > 0
}

// podEnergy adds what the pods answer for. A series starts at 0, with the sample
// before the pod came, and ends when the pod has gone.
func (r *Recorder) podEnergy(t vtime.Time, pods []engine.PodReading) {
	now, before := r.at(t), r.at(r.last)
	for i, p := range pods {
		if i == len(r.pods) {
			labels := r.out.Series(Label{"namespace", namespace}, Label{"pod", p.Pod}, Label{"container", r.container(p.Service)},
				Label{"Hostname", p.Node.Name}, Label{"gpu", strconv.Itoa(p.GPU)}, Label{"UUID", uuid(p.Node.Name, p.GPU)})
			r.pods = append(r.pods, podState{labels: labels})
			r.families.podBoard.Add(labels, before, 0)
			r.families.podAll.Add(labels, before, 0)
		}
		s := &r.pods[i]
		if p.Joules == s.joules {
			continue
		}
		s.joules = p.Joules
		r.families.podBoard.Add(s.labels, now, p.BoardJoules)
		r.families.podAll.Add(s.labels, now, p.Joules)
	}
}

// board adds the samples of a board. What it did since the last sample goes to the
// labels that it had then.
func (r *Recorder) board(s *boardState, n engine.NodeReading, g int, t vtime.Time, dt float64) {
	now, before := r.at(t), r.at(r.last)
	reading := n.Boards[g]
	labels := r.dcgmLabels(n.Node, g)
	for _, ended := range s.ending {
		r.families.watts.Add(ended, now, 0)
		r.families.util.Add(ended, now, 0)
	}
	s.ending = s.ending[:0]
	joules := reading.Joules - s.Joules
	if dt > 0 && (s.dcgm != "" || joules > 0) {
		of := s.dcgm
		if of == "" { // it came on since the last sample
			if of = labels; of == "" {
				of = r.dcgmSeries(n.Node, g, nil)
			}
			r.families.energy.Add(of, before, 1000*s.Joules)
			r.families.joules.Add(s.kepler, before, s.Joules)
		}
		r.families.watts.Add(of, now, joules/dt)
		r.families.util.Add(of, now, 100*min((reading.BusySeconds-s.BusySeconds)/dt, 1))
		r.families.energy.Add(of, now, 1000*reading.Joules)
		r.families.keplerWatts.Add(s.kepler, now, joules/dt)
		r.families.keplerIdle.Add(s.kepler, now, r.config.Cluster.Pools[n.Node.Pool].Node.GPU.Bare.Value)
		r.families.joules.Add(s.kepler, now, reading.Joules)
		if of != labels {
			s.ending = append(s.ending, of)
		}
		s.present = true
	} else if s.present { // it went off before the last sample
		r.families.keplerWatts.Add(s.kepler, now, 0)
		r.families.keplerIdle.Add(s.kepler, now, 0)
		s.present = false
	}
	if labels != "" {
		r.families.energy.Add(labels, now, 1000*reading.Joules)
		r.families.joules.Add(s.kepler, now, reading.Joules)
	}
	if labels != "" || joules > 0 {
		r.families.free.Add(s.free, now, reading.FreeJoules)
	}
	s.BoardReading, s.dcgm = reading, labels
}

// dcgmLabels are those of DCGM-exporter, "" while the node is not on. A board that
// several pods share names none of them.
func (r *Recorder) dcgmLabels(n *cluster.Node, g int) string {
	if n.State != cluster.On {
		return ""
	}
	if pods := n.GPUs[g].Pods; len(pods) == 1 {
		return r.dcgmSeries(n, g, pods[0])
	}
	return r.dcgmSeries(n, g, nil)
}

// container is the name of a service's container: the same in each region, since a
// container's name may have no @.
func (r *Recorder) container(service int) string {
	name, _, _ := strings.Cut(r.config.Services[service].Name, "@")
	return name
}

func (r *Recorder) dcgmSeries(n *cluster.Node, g int, p *cluster.Pod) string {
	var container, in, pod string
	if p != nil {
		container, in, pod = r.container(p.Service), namespace, p.Name
	}
	return r.out.Series(Label{"gpu", strconv.Itoa(g)}, Label{"UUID", uuid(n.Name, g)}, Label{"device", "nvidia" + strconv.Itoa(g)},
		Label{"modelName", r.title(n)}, Label{"Hostname", n.Name}, Label{"container", container}, Label{"namespace", in}, Label{"pod", pod})
}

// uuid is a board's, the same in every run.
func uuid(node string, gpu int) string {
	h := sha256.Sum256(fmt.Appendf(nil, "%s/%d", node, gpu))
	return fmt.Sprintf("GPU-%x-%x-%x-%x-%x", h[:4], h[4:6], h[6:8], h[8:10], h[10:16])
}

// Finish adds the series of the services and of the cluster, those of the time
// series of results, and returns the text.
func (r *Recorder) Finish(run *results.Run) *Exposition {
	byName := map[string]*Family{}
	for _, p := range run.Points {
		labels := r.out.Series()
		if p.Service != "" {
			labels = r.out.Series(Label{"service", p.Service})
		}
		at := r.start.Add(time.Duration(p.T * 1e9)).UnixMilli()
		for _, c := range p.Figures() {
			name := "kwatt_" + c.Name
			if p.Service != "" {
				name = "kwatt_service_" + c.Name
			}
			if byName[name] == nil {
				byName[name] = r.out.Family(name, Gauge, -1, fmt.Sprintf("The column %s of the time series of kwatt's results.", c.Name))
			}
			byName[name].Add(labels, at, results.Round(c.Value))
		}
	}
	return r.out
}
