package loadgen

import (
	"context"
	"errors"
	"io"
	"math"
	"strings"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/kwatt-sim/kwatt/internal/calibrate"
)

// fakeClock stands still until somebody sleeps or a burst takes its time.
type fakeClock struct {
	mu   sync.Mutex
	now  time.Time
	late time.Duration // every sleep takes so much longer
}

func (c *fakeClock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *fakeClock) advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

func (c *fakeClock) Sleep(ctx context.Context, d time.Duration) error {
	c.advance(d + c.late)
	return ctx.Err()
}

// fakeGPU takes a time for each launch on a fake clock, and some to begin.
type fakeGPU struct {
	clock    *fakeClock
	launch   time.Duration
	overhead time.Duration
	bursts   int
	last     int // bursts until the test ends the work, or fails
	stop     func()
	failure  error
	closed   bool
}

func (g *fakeGPU) Info() Info {
	return Info{Kernels: map[calibrate.Kernel]Shape{calibrate.Tensor: {Full: 528, Launch: 2 * time.Millisecond}}}
}

func (g *fakeGPU) Burst(_ calibrate.Kernel, _, launches int) (time.Duration, error) {
	busy := time.Duration(launches) * g.launch
	g.clock.advance(busy + g.overhead)
	if g.bursts++; g.bursts == g.last {
		if g.failure != nil {
			return 0, g.failure
		}
		g.stop()
	}
	return busy, nil
}

func (g *fakeGPU) Close() error {
	g.closed = true
	return nil
}

// Whatever launches take and however late the pacer wakes up, the GPU is busy
// for the wanted part of the time, and the report says what it was.
func TestDutyCycle(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		clock := &fakeClock{now: time.Unix(0, 0), late: time.Duration(rapid.IntRange(0, 500).Draw(t, "late µs")) * time.Microsecond}
		g := &fakeGPU{clock: clock, last: 500, overhead: 20 * time.Microsecond,
			launch: time.Duration(rapid.IntRange(50, 20_000).Draw(t, "launch µs")) * time.Microsecond}
		ctx, cancel := context.WithCancel(context.Background())
		defer cancel()
		g.stop = cancel
		duty := rapid.Float64Range(0.05, 1).Draw(t, "duty")
		p := pacer{gpu: g, clock: clock, work: calibrate.Work{Kernel: calibrate.Tensor, Duty: duty, Batch: 8}, saturating: 32}
		done, err := p.run(ctx)
		if err != nil || done.Blocks != 132 || done.Fill.V != 0.25 {
			t.Fatalf("%v, %+v", err, done)
		}
		most := g.launch.Seconds() / (g.launch + g.overhead).Seconds() // one launch a burst, back to back
		if got := done.Duty.V; math.Abs(got-duty) > 0.02 && !(duty > most-0.02 && got <= duty) {
			t.Errorf("duty %.3f, wanted %.3f", got, duty)
		}
		if math.Abs(done.KernelTime.Seconds()/g.launch.Seconds()-1) > 1e-3 {
			t.Errorf("a launch took %v, is said to take %v", g.launch, done.KernelTime)
		}
	})
}

func TestGrid(t *testing.T) {
	for _, c := range []struct{ batch, saturating, full, want int }{
		{1, 32, 1056, 33}, {32, 32, 1056, 1056}, {64, 32, 1056, 2112}, {1, 32, 10, 1}, {8, 32, 10, 3},
	} {
		if got := grid(c.batch, c.saturating, c.full); got != c.want {
			t.Errorf("grid(%d, %d, %d) = %d, want %d", c.batch, c.saturating, c.full, got, c.want)
		}
	}
}

// pair is a client and a server over pipes, in this process.
func pair(t *testing.T, open func() (GPU, error)) *Client {
	t.Helper()
	c := &Client{Launch: func() (*Process, error) {
		inR, inW := io.Pipe()
		outR, outW := io.Pipe()
		served := make(chan error, 1)
		go func() {
			err := Serve(inR, outW, open, 32, &fakeClock{now: time.Unix(0, 0)})
			_ = outW.Close()
			served <- err
			close(served)
		}()
		return &Process{In: inW, Out: outR, Kill: func() { _ = inR.Close() }, Wait: func() error { return <-served }}, nil
	}}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// slowGPU works in real time, so that the server has something to interrupt.
type slowGPU struct{ fakeGPU }

func (g *slowGPU) Burst(calibrate.Kernel, int, int) (time.Duration, error) {
	if g.bursts++; g.bursts == g.last {
		return 0, g.failure
	}
	time.Sleep(time.Millisecond)
	return time.Millisecond, nil
}

func TestClientAndServer(t *testing.T) {
	g := &slowGPU{fakeGPU{clock: &fakeClock{}}}
	c := pair(t, func() (GPU, error) { return g, nil })
	if err := c.Open(t.Context()); err != nil {
		t.Fatal(err)
	}
	if c.Info().Kernels[calibrate.Tensor].Full != 528 {
		t.Errorf("%+v", c.Info())
	}
	for _, bad := range []calibrate.Work{{Kernel: calibrate.Tensor, Duty: 0, Batch: 1}, {Kernel: calibrate.Tensor, Duty: 1.5, Batch: 1}, {Kernel: calibrate.Tensor, Duty: 1}} {
		if err := c.Start(t.Context(), bad); err == nil || !strings.Contains(err.Error(), "want a duty over 0") {
			t.Errorf("%+v: %v", bad, err)
		}
	}
	if err := c.Start(t.Context(), calibrate.Work{Kernel: calibrate.FP32, Duty: 1, Batch: 8}); !errors.Is(err, calibrate.ErrNotSupported) {
		t.Errorf("a kernel that is not there: %v", err)
	}
	for range 3 {
		if err := c.Start(t.Context(), calibrate.Work{Kernel: calibrate.Tensor, Duty: 1, Batch: 32}); err != nil {
			t.Fatal(err)
		}
		time.Sleep(5 * time.Millisecond)
		if err := c.Alive(); err != nil {
			t.Fatal(err)
		}
		done, err := c.Stop()
		if err != nil || done.Launches < 1 || done.Blocks != 528 {
			t.Fatalf("%v, %+v", err, done)
		}
	}
	if done, err := c.Stop(); err != nil || done != (calibrate.Done{}) {
		t.Errorf("stopped twice: %+v, %v", done, err)
	}
	if err := c.Close(); err != nil || !g.closed {
		t.Errorf("%v, context given back: %v", err, g.closed)
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}
	if err := c.Open(t.Context()); err != nil {
		t.Errorf("opened again: %v", err)
	}
}

// A kernel that fails is known before anybody asks for the end.
func TestBurstFails(t *testing.T) {
	g := &slowGPU{fakeGPU{clock: &fakeClock{}, last: 3, failure: errors.New("CUDA_ERROR_ILLEGAL_ADDRESS")}}
	c := pair(t, func() (GPU, error) { return g, nil })
	if err := c.Open(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := c.Start(t.Context(), calibrate.Work{Kernel: calibrate.Tensor, Duty: 1, Batch: 32}); err != nil {
		t.Fatal(err)
	}
	for i := 0; c.Alive() == nil && i < 1000; i++ {
		time.Sleep(time.Millisecond)
	}
	if err := c.Alive(); err == nil || err.Error() != "CUDA_ERROR_ILLEGAL_ADDRESS" {
		t.Errorf("%v", err)
	}
	if _, err := c.Stop(); err == nil {
		t.Error("the end of the work does not tell that it failed")
	}
}

func TestNoGPU(t *testing.T) {
	for i, want := range []error{errors.New("libcuda.so.1: cannot open"), calibrate.ErrNotSupported} {
		c := pair(t, func() (GPU, error) { return nil, want })
		if err := c.Open(t.Context()); err == nil || !strings.Contains(err.Error(), want.Error()) || errors.Is(err, calibrate.ErrNotSupported) != (i == 1) {
			t.Errorf("%v, want %v", err, want)
		}
	}
}

// A process that dies, or talks nonsense, is an error at the next look.
func TestProcessDies(t *testing.T) {
	inR, inW := io.Pipe()
	outR, outW := io.Pipe()
	ended := make(chan error, 1)
	c := &Client{Launch: func() (*Process, error) {
		return &Process{In: inW, Out: outR, Kill: func() { _ = inR.Close() }, Wait: func() error { return <-ended }}, nil
	}}
	go func() { _, _ = outW.Write([]byte("{\"op\":\"ready\"}\nSegmentation fault\n")) }()
	if err := c.Open(t.Context()); err != nil {
		t.Fatal(err)
	}
	for i := 0; c.Alive() == nil && i < 1000; i++ {
		time.Sleep(time.Millisecond)
	}
	if err := c.Alive(); err == nil || err.Error() != `the load process says "Segmentation fault"` {
		t.Errorf("%v", err)
	}
	_ = outW.Close()
	_ = inR.Close()
	ended <- errors.New("signal: killed")
	close(ended)
	if err := c.Start(t.Context(), calibrate.Work{Kernel: calibrate.Tensor, Duty: 1, Batch: 1}); err == nil {
		t.Error("a dead process starts to work")
	}
	if err := c.Close(); err != nil {
		t.Error(err)
	}
}

// An interrupt does not wait for a process that does not answer.
func TestOpenIsInterrupted(t *testing.T) {
	block := make(chan struct{})
	c := pair(t, func() (GPU, error) {
		<-block
		return nil, errors.New("too late")
	})
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(10*time.Millisecond, cancel)
	if err := c.Open(ctx); !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
	close(block)
}
