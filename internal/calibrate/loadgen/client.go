package loadgen

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/kwatt-sim/kwatt/internal/calibrate"
)

// Process is a running load process.
type Process struct {
	In   io.WriteCloser
	Out  io.Reader
	Kill func() // ends it at once; may be called twice
	// Wait returns when it has ended, with what it said on standard error.
	Wait func() error
}

// Client is the builtin load: it starts the process and tells it what to do. It
// is a calibrate.Load.
type Client struct {
	// Launch starts the process.
	Launch func() (*Process, error)

	process *Process
	ended   chan struct{} // closed when the process says no more
	answers chan answer

	mu     sync.Mutex
	failed error // why the work ended by itself
	info   Info
}

// patience is how long the process may take to answer, or to end, before it is
// killed: a burst and a context's end take a tenth.
const patience = 700 * time.Millisecond

// Open starts the process and waits until it has its context.
func (c *Client) Open(ctx context.Context) error {
	p, err := c.Launch()
	if err != nil {
		return fmt.Errorf("start the load process: %w", err)
	}
	c.mu.Lock()
	c.failed = nil
	c.mu.Unlock()
	c.process, c.ended, c.answers = p, make(chan struct{}), make(chan answer, 1)
	go c.listen(p, c.answers, c.ended)
	a, err := c.await(ctx, "ready")
	c.mu.Lock()
	c.info = a.Info
	c.mu.Unlock()
	return err
}

// Info is what the GPU can run, once Open has returned.
func (c *Client) Info() Info {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.info
}

// listen sorts what the process says.
func (c *Client) listen(p *Process, answers chan<- answer, ended chan<- struct{}) {
	defer close(ended)
	lines := bufio.NewScanner(p.Out)
	for lines.Scan() {
		var a answer
		if err := json.Unmarshal(lines.Bytes(), &a); err != nil {
			a = answer{Op: "failed", Error: fmt.Sprintf("the load process says %q", lines.Text())}
		}
		if a.Op != "failed" {
			answers <- a
			continue
		}
		c.fail(a.err())
	}
	c.fail(errors.New("the load process ended"))
}

// fail keeps the first reason.
func (c *Client) fail(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.failed == nil {
		c.failed = err
	}
}

func (a answer) err() error {
	switch {
	case a.Error == "":
		return nil
	case a.Unsupported:
		return fmt.Errorf("%s: %w", a.Error, calibrate.ErrNotSupported)
	}
	return errors.New(a.Error)
}

// await waits for the answer to op.
func (c *Client) await(ctx context.Context, op string) (answer, error) {
	var a answer
	select {
	case a = <-c.answers:
	case <-ctx.Done():
		return a, ctx.Err()
	case <-c.ended:
		select {
		case a = <-c.answers: // its last words
		default:
			return a, errors.Join(c.Alive(), c.process.Wait())
		}
	}
	if a.Op != op {
		return a, fmt.Errorf("the load process answers %q to %q", a.Op, op)
	}
	return a, a.err()
}

func (c *Client) ask(ctx context.Context, r request) (answer, error) {
	line, err := json.Marshal(r)
	if err != nil {
		return answer{}, err
	}
	if _, err := c.process.In.Write(append(line, '\n')); err != nil {
		return answer{}, errors.Join(fmt.Errorf("tell the load process to %s: %w", r.Op, err), c.Alive())
	}
	return c.await(ctx, r.Op)
}

// Start begins to work.
func (c *Client) Start(ctx context.Context, w calibrate.Work) error {
	_, err := c.ask(ctx, request{Op: "start", Kernel: w.Kernel, Duty: w.Duty, Batch: w.Batch})
	return err
}

// Alive returns why the work failed or the process ended, nil otherwise.
func (c *Client) Alive() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.failed
}

// Stop ends the work.
func (c *Client) Stop() (calibrate.Done, error) {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	a, err := c.ask(ctx, request{Op: "stop"})
	return a.Done, err
}

// Close ends the process, by force if it does not by itself.
func (c *Client) Close() error {
	if c.process == nil {
		return nil
	}
	p, ended := c.process, c.ended
	c.process = nil
	_ = p.In.Close() // it may have ended already
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	select {
	case <-ended:
	case <-ctx.Done():
	}
	p.Kill()
	_ = p.Wait() // how it ended does not matter any more
	return nil
}
