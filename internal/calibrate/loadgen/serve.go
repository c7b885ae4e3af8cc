package loadgen

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/kwatt-sim/kwatt/internal/calibrate"
)

// request is a line to the process.
type request struct {
	Op     string           `json:"op"` // start or stop
	Kernel calibrate.Kernel `json:"kernel,omitempty"`
	Duty   float64          `json:"duty,omitempty"`
	Batch  int              `json:"batch,omitempty"`
}

// answer is a line from the process: one when it is ready, one for each
// request, and one out of turn when the work fails.
type answer struct {
	Op          string         `json:"op"` // ready, start, stop or failed
	Info        Info           `json:"info,omitzero"`
	Done        calibrate.Done `json:"done,omitzero"`
	Error       string         `json:"error,omitempty"`
	Unsupported bool           `json:"unsupported,omitempty"` // the error is that the GPU cannot do it
}

func (a answer) failed(err error) answer {
	a.Error, a.Unsupported = err.Error(), errors.Is(err, calibrate.ErrNotSupported)
	return a
}

// server is the process's side.
type server struct {
	gpu        GPU
	saturating int
	clock      calibrate.Clock

	mu  sync.Mutex // of out
	out *json.Encoder

	stop    context.CancelFunc // nil while nothing runs
	stopped chan outcome
}

type outcome struct {
	done calibrate.Done
	err  error
}

// Serve opens the GPU, says so, and does as in tells until it ends.
func Serve(in io.Reader, out io.Writer, open func() (GPU, error), saturating int, clock calibrate.Clock) error {
	s := &server{saturating: saturating, clock: clock, out: json.NewEncoder(out)}
	var err error
	if s.gpu, err = open(); err != nil {
		return errors.Join(err, s.say(answer{Op: "ready"}.failed(err)))
	}
	err = s.say(answer{Op: "ready", Info: s.gpu.Info()})
	lines := bufio.NewScanner(in)
	for err == nil && lines.Scan() {
		var r request
		if err = json.Unmarshal(lines.Bytes(), &r); err != nil {
			err = fmt.Errorf("load process: request %q: %w", lines.Text(), err)
			break
		}
		err = s.say(s.handle(r))
	}
	s.halt()
	return errors.Join(err, lines.Err(), s.gpu.Close())
}

func (s *server) say(a answer) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.out.Encode(a)
}

func (s *server) handle(r request) answer {
	a := answer{Op: r.Op}
	switch r.Op {
	case "start":
		s.halt()
		if err := s.start(calibrate.Work{Kernel: r.Kernel, Duty: r.Duty, Batch: r.Batch}); err != nil {
			return a.failed(err)
		}
	case "stop":
		end := s.halt()
		if a.Done = end.done; end.err != nil {
			return a.failed(end.err)
		}
	default:
		return a.failed(fmt.Errorf("unknown operation %q", r.Op))
	}
	return a
}

func (s *server) start(w calibrate.Work) error {
	if _, ok := s.gpu.Info().Kernels[w.Kernel]; !ok {
		return fmt.Errorf("kernel %s: %w", w.Kernel, calibrate.ErrNotSupported)
	}
	if !(w.Duty > 0 && w.Duty <= 1) || w.Batch < 1 {
		return fmt.Errorf("duty %g, batch %d: want a duty over 0 and up to 1, and a batch of at least 1", w.Duty, w.Batch)
	}
	p := &pacer{gpu: s.gpu, clock: s.clock, work: w, saturating: s.saturating}
	ctx, cancel := context.WithCancel(context.Background())
	s.stop, s.stopped = cancel, make(chan outcome, 1)
	go func(stopped chan<- outcome) {
		done, err := p.run(ctx)
		if err != nil {
			_ = s.say(answer{Op: "failed"}.failed(err)) // who does not listen any more asks no more
		}
		stopped <- outcome{done, err}
	}(s.stopped)
	return nil
}

// halt ends the work, if there is any.
func (s *server) halt() outcome {
	if s.stop == nil {
		return outcome{}
	}
	s.stop()
	s.stop = nil
	return <-s.stopped
}
