package cluster

// Need is what a pod of a service takes of a GPU in one pool.
type Need struct {
	Refused Reason  // why it cannot run there at all; NoReason when it can
	Part    float64 // of one GPU's room: 1 is whole
	MIG     bool    // a slice of a partitioned GPU; shares and slices do not mix on one GPU
	Watts   float64 // that a busy pod adds to a GPU whose context is loaded
}

// Reason is why a pool's nodes cannot run a service.
type Reason uint8

// The reasons.
const (
	NoReason     Reason = iota
	NoProfile           // no service-time figures for this GPU model
	NoMIGProfile        // the GPU model has no such slice
	OtherRegion         // the pool is in another region
)

// String is the reason in kube-scheduler's style.
func (r Reason) String() string {
	return [...]string{"", "no service-time profile for the GPU model", "no such MIG profile on the GPU model", "another region"}[r]
}

// Device is the room on one GPU: how much of it is taken, and as what.
type Device struct {
	Used float64 // 0..1
	MIG  bool    // partitioned into slices; means nothing while Used is 0
}

// Room is the room on a node's GPUs.
type Room []Device

// dust is what rounding may leave: four quarters fill a GPU.
const dust = 1e-9

// Find returns the GPU that a device plugin would give to a pod: the fullest
// that has room, so that whole ones stay whole.
func (r Room) Find(n Need) (gpu int, ok bool) {
	if n.Refused != NoReason {
		return 0, false
	}
	for i, d := range r {
		fits := d.Used+n.Part <= 1+dust && (d.Used <= dust || d.MIG == n.MIG)
		if fits && (!ok || d.Used > r[gpu].Used) {
			gpu, ok = i, true
		}
	}
	return gpu, ok
}

// Take takes the pod's part of the GPU that Find returns.
func (r Room) Take(n Need) bool {
	gpu, ok := r.Find(n)
	if ok {
		r[gpu].Used += n.Part
		r[gpu].MIG = n.MIG
	}
	return ok
}

// Room returns a copy of the room on the node's GPUs.
func (n *Node) Room() Room {
	r := make(Room, len(n.GPUs))
	for i := range n.GPUs {
		r[i] = n.GPUs[i].Device
	}
	return r
}

// EmptyRoom returns the room that the node has without pods.
func (n *Node) EmptyRoom() Room { return make(Room, len(n.GPUs)) }

// Allocated returns the part of the node's GPUs that is taken, 0..1.
func (n *Node) Allocated() float64 {
	used := 0.0
	for i := range n.GPUs {
		used += n.GPUs[i].Used
	}
	return used / float64(len(n.GPUs))
}
