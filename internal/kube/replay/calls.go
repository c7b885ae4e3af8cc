package replay

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"sync"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/client-go/util/retry"
)

// workers is how many calls to the API server are under way at once.
const workers = 32

// giveUpAfter is how long a call is repeated while the API server does not
// answer: long enough for it to be started again.
const giveUpAfter = 60 * time.Second

// calls carries out what is wanted of the API server: calls about one object in
// their order, those about different ones at once. The first that fails for
// good is kept.
type calls struct {
	ctx    context.Context
	lanes  [workers]chan call
	wg     sync.WaitGroup
	mu     sync.Mutex
	err    error
	failed chan struct{} // closed at the first failure
}

type call struct {
	doing string
	do    func(context.Context) error
}

// laneRoom is how many calls may wait for one worker before who asks has to.
const laneRoom = 1 << 14

func newCalls(ctx context.Context) *calls {
	c := &calls{ctx: ctx, failed: make(chan struct{})}
	for i := range c.lanes {
		lane := make(chan call, laneRoom)
		c.lanes[i] = lane
		c.wg.Go(func() {
			for x := range lane {
				if err := c.insist(x.do); err != nil {
					c.fail(fmt.Errorf("%s: %w", x.doing, err))
				}
			}
		})
	}
	return c
}

// do queues a call about the object called key.
func (c *calls) do(key, doing string, f func(context.Context) error) {
	h := fnv.New32a()
	_, _ = h.Write([]byte(key)) // a hash never fails
	c.lanes[h.Sum32()%workers] <- call{doing, f}
}

// insist repeats a call while the API server is away or busy, and while
// somebody else has changed the object meanwhile.
func (c *calls) insist(f func(context.Context) error) error {
	end := time.Now().Add(giveUpAfter)
	for wait := 20 * time.Millisecond; ; wait = min(2*wait, time.Second) {
		err := retry.RetryOnConflict(retry.DefaultRetry, func() error { return f(c.ctx) })
		if err == nil || c.ctx.Err() != nil {
			return nil // nobody waits for it any more
		}
		if !passing(err) || time.Now().After(end) {
			return err
		}
		select {
		case <-c.ctx.Done():
		case <-time.After(wait):
		}
	}
}

// passing reports whether an error may go away by itself: the API server asks
// to come back, or it does not answer at all.
func passing(err error) bool {
	var status apierrors.APIStatus
	if !errors.As(err, &status) {
		return true // no answer from an API server
	}
	return apierrors.IsTooManyRequests(err) || apierrors.IsServerTimeout(err) || apierrors.IsTimeout(err) ||
		apierrors.IsServiceUnavailable(err) || apierrors.IsInternalError(err)
}

func (c *calls) fail(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err == nil {
		c.err = err
		close(c.failed)
	}
}

// failure returns the first failure.
func (c *calls) failure() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.err
}

// close waits for what was queued and ends the workers.
func (c *calls) close() {
	for _, lane := range c.lanes {
		close(lane)
	}
	c.wg.Wait()
}
