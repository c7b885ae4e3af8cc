package experiment

import (
	"context"
	"errors"
	"iter"
	"slices"
	"sync"

	"github.com/kwatt-sim/kwatt/internal/engine"
	"github.com/kwatt-sim/kwatt/internal/results"
)

// Job is one replication.
type Job struct {
	Config *engine.Config
	Seed   uint64
	Index  int // of the job among its caller's; Run and Stream only hand it on
}

// Jobs pairs every policy with every seed: the first seed under all policies,
// then the next, so that an interrupted experiment holds whole pairs.
func Jobs(configs []*engine.Config, seeds []uint64) []Job {
	var jobs []Job
	for _, s := range seeds {
		for _, c := range configs {
			jobs = append(jobs, Job{c, s, len(jobs)})
		}
	}
	return jobs
}

// Run simulates the jobs, at most parallel at once, and hands each finished run
// to done, one at a time, in any order. It stops at the first error, or when
// ctx is done; what finished by then was handed over.
func Run(ctx context.Context, jobs []Job, parallel int, done func(*results.Run) error) error {
	return Stream(ctx, slices.Values(jobs), min(parallel, len(jobs)), func(_ Job, r *results.Run) error { return done(r) })
}

// Stream is Run for jobs that are made as they are needed: at most one more than
// are running. done is told whose run it is.
func Stream(ctx context.Context, jobs iter.Seq[Job], parallel int, done func(Job, *results.Run) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	next := make(chan Job)
	var (
		wg sync.WaitGroup
		mu sync.Mutex // of done
	)
	for range max(parallel, 1) {
		wg.Go(func() {
			for j := range next {
				run, err := simulate(ctx, j)
				if err == nil {
					mu.Lock()
					err = done(j, run)
					mu.Unlock()
				}
				if err != nil {
					cancel(err)
				}
			}
		})
	}
feed:
	for j := range jobs {
		select {
		case next <- j:
		case <-ctx.Done():
			break feed
		}
	}
	close(next)
	wg.Wait()
	return context.Cause(ctx)
}

// simulate runs a job; when it was stopped, the error is what stopped it.
func simulate(ctx context.Context, j Job) (*results.Run, error) {
	run, err := engine.Run(ctx, j.Config, j.Seed)
	if errors.Is(err, context.Canceled) {
		return nil, context.Cause(ctx)
	}
	return run, err
}
