package cli

import (
	"fmt"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/pflag"

	"github.com/kwatt-sim/kwatt/internal/kube/sweepjob"
)

// jobFlags are what a Job of a sweep can be told.
type jobFlags struct {
	image, claim, namespace string
	parallelism, cpus       int
}

func (fl *jobFlags) register(f *pflag.FlagSet) {
	f.StringVar(&fl.image, "image", "", "kubernetes: image whose entry point is sim")
	f.StringVar(&fl.claim, "claim", "", "kubernetes: PersistentVolumeClaim for runs and results, that all pods can write")
	f.StringVar(&fl.namespace, "namespace", "", "kubernetes: namespace of the objects (default: kubectl's)")
	f.IntVar(&fl.parallelism, "parallelism", 0, "kubernetes: pods at once (default: all shards)")
	f.IntVar(&fl.cpus, "cpus", 1, "kubernetes: CPUs that each pod asks for, and runs at once")
}

// check refuses flags that do not go with the engine.
func (fl *jobFlags) check(kubernetes bool, changed func(string) bool) error {
	if !kubernetes {
		for _, name := range []string{"image", "claim", "namespace", "parallelism", "cpus"} {
			if changed(name) {
				return usageError("--%s goes with --engine kubernetes", name)
			}
		}
		return nil
	}
	switch {
	case fl.image == "" || fl.claim == "":
		return usageError("--engine kubernetes needs --image and --claim")
	case fl.parallelism < 0 || fl.cpus < 1:
		return usageError("--parallelism and --cpus: want at least 1")
	case changed("out") || changed("jobs") || changed("shard") || changed("resume"):
		return usageError("--engine kubernetes says itself what --out, --jobs, --shard and --resume are")
	}
	return nil
}

// mergeWait is how long the Job that joins the shards waits for them.
const mergeWait = "168h"

// renderJob prints the objects that run the sweep on a cluster.
func (r *sweepRun) renderJob(scenario string) error {
	fl := r.flags
	// What a scenario names by an absolute path is taken to be in the image.
	paths := slices.DeleteFunc(slices.Clone(r.sweep.Inputs), filepath.IsAbs)
	if fl.points != "" {
		paths = append(paths, fl.points)
	}
	files, place, err := jobFiles(paths)
	if err != nil {
		return err
	}
	args := []string{"sweep", place[scenario]}
	for _, g := range fl.grid {
		args = append(args, "--grid", g)
	}
	if fl.points != "" {
		args = append(args, "--points", place[fl.points])
	}
	for _, p := range fl.policies {
		args = append(args, "--policy", p)
	}
	if fl.seeds != "" {
		args = append(args, "--seeds", fl.seeds)
	}
	for _, s := range fl.set {
		args = append(args, "--set", s)
	}
	args = append(args, "--out", sweepjob.ResultsDir, "--jobs", strconv.Itoa(fl.job.cpus), "--resume", "--shards", strconv.Itoa(fl.shards))
	store := path.Join(sweepjob.ResultsDir, r.sweep.Scenario, r.sweep.ID+".partial")
	if fl.job.parallelism == 0 {
		fl.job.parallelism = fl.shards
	}
	text, err := sweepjob.Render(sweepjob.Options{
		Name: "sweep-" + r.sweep.ID, Namespace: fl.job.namespace, Image: fl.job.image, Claim: fl.job.claim,
		Shards: fl.shards, Parallelism: fl.job.parallelism, CPUs: fl.job.cpus, Files: files,
		Sweep: args, Merge: []string{"merge", store, "--out", sweepjob.ResultsDir, "--wait", mergeWait},
	})
	if err != nil {
		return usageError("%w", err)
	}
	_, err = r.env.Stdout.Write(text)
	return filesError(err)
}

// jobFiles reads the files and lays them out below one folder, as they lie to each
// other here; place says where each is.
func jobFiles(paths []string) (files []sweepjob.File, place map[string]string, err error) {
	place = map[string]string{}
	absolute := map[string]string{}
	root := ""
	for _, p := range paths {
		at, err := filepath.Abs(p)
		if err != nil {
			return nil, nil, filesError(fmt.Errorf("find %s: %w", p, err))
		}
		absolute[p] = at
		if root == "" {
			root = filepath.Dir(at)
		}
		for !below(root, at) {
			root = filepath.Dir(root)
		}
	}
	for _, p := range paths {
		at := absolute[p]
		relative, err := filepath.Rel(root, at)
		if err != nil {
			return nil, nil, filesError(err)
		}
		data, err := os.ReadFile(at)
		if err != nil {
			return nil, nil, filesError(fmt.Errorf("read %s: %w", p, err))
		}
		place[p] = filepath.ToSlash(relative)
		files = append(files, sweepjob.File{Path: place[p], Data: data})
	}
	return files, place, nil
}

func below(root, at string) bool {
	return root == filepath.Dir(root) || strings.HasPrefix(at, root+string(filepath.Separator))
}

// relativePath is a path from the working directory.
func relativePath(path string) (string, error) {
	here, err := os.Getwd()
	if err != nil {
		return "", err
	}
	absolute, err := filepath.Abs(path)
	if err != nil {
		return "", err
	}
	return filepath.Rel(here, absolute)
}
