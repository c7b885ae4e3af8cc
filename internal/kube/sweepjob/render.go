// Package sweepjob renders a sweep as objects for a Kubernetes cluster: a ConfigMap
// of the files that it rests on, an Indexed Job with a completion for each shard,
// and a Job that waits for the shards and joins them. Runs and results are on a
// PersistentVolumeClaim that all pods mount.
package sweepjob

import (
	"bytes"
	"fmt"
	"strings"
	"unicode/utf8"

	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
	"sigs.k8s.io/yaml"
)

// Where the pods find things.
const (
	FilesDir   = "/scenario" // the files, and the working directory
	ResultsDir = "/results"  // the claim
)

// Options are what a sweep's objects are made of.
type Options struct {
	Name        string // of the objects
	Namespace   string // "" leaves it to kubectl
	Image       string // whose entry point is sim
	Claim       string // a PersistentVolumeClaim; with several nodes it must be ReadWriteMany
	Shards      int
	Parallelism int // pods at once
	CPUs        int // of each pod
	Files       []File
	Sweep       []string // arguments of sim that run a shard, but --shard
	Merge       []string // arguments of sim that join the shards
}

// File is one of the files, at its path below FilesDir.
type File struct {
	Path string
	Data []byte
}

// maxConfigMap is what a ConfigMap may hold, in bytes.
const maxConfigMap = corev1.MaxSecretSize

// Render writes the objects as YAML documents.
func Render(o Options) ([]byte, error) {
	files, err := configMap(o)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	for i, object := range []any{files, shardsJob(o), mergeJob(o)} {
		text, err := yaml.Marshal(object)
		if err != nil {
			return nil, fmt.Errorf("render sweep: %w", err)
		}
		if i > 0 {
			out.WriteString("---\n")
		}
		// Objects that are to be made have no status.
		out.Write(bytes.TrimSuffix(text, []byte("status: {}\n")))
	}
	return out.Bytes(), nil
}

func meta(o Options, suffix string) metav1.ObjectMeta {
	return metav1.ObjectMeta{Name: o.Name + suffix, Namespace: o.Namespace, Labels: map[string]string{
		"app.kubernetes.io/name": "kwatt", "app.kubernetes.io/instance": o.Name, "app.kubernetes.io/component": "sweep" + suffix,
	}}
}

// key is a file's in the ConfigMap, whose keys hold no slash.
func key(i int) string { return fmt.Sprintf("file-%d", i) }

func configMap(o Options) (*corev1.ConfigMap, error) {
	c := &corev1.ConfigMap{
		TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "ConfigMap"}, ObjectMeta: meta(o, "-files"),
		Immutable: ptr.To(true), Data: map[string]string{}, BinaryData: map[string][]byte{},
	}
	size := 0
	for i, f := range o.Files {
		size += len(f.Data)
		if utf8.Valid(f.Data) {
			c.Data[key(i)] = string(f.Data)
		} else {
			c.BinaryData[key(i)] = f.Data
		}
	}
	if size > maxConfigMap {
		return nil, fmt.Errorf("the scenario's files are %d bytes, and a ConfigMap holds %d: put long traces into the image and name them by absolute paths", size, maxConfigMap)
	}
	return c, nil
}

// retries of a shard, or of the merge, before it counts as failed; each goes on
// where the one before ended.
const retries = 3

func shardsJob(o Options) *batchv1.Job {
	args := append(literal(o.Sweep), "--shard", "$(JOB_COMPLETION_INDEX)")
	spec := batchv1.JobSpec{
		CompletionMode: ptr.To(batchv1.IndexedCompletion), Completions: ptr.To(int32(o.Shards)), Parallelism: ptr.To(int32(o.Parallelism)),
		BackoffLimitPerIndex: ptr.To(int32(retries)), Template: pod(o, "", o.CPUs, args),
	}
	return &batchv1.Job{TypeMeta: metav1.TypeMeta{APIVersion: "batch/v1", Kind: "Job"}, ObjectMeta: meta(o, ""), Spec: spec}
}

func mergeJob(o Options) *batchv1.Job {
	spec := batchv1.JobSpec{BackoffLimit: ptr.To(int32(retries)), Template: pod(o, "-merge", 1, literal(o.Merge))}
	return &batchv1.Job{TypeMeta: metav1.TypeMeta{APIVersion: "batch/v1", Kind: "Job"}, ObjectMeta: meta(o, "-merge"), Spec: spec}
}

// literal keeps arguments from being expanded: $(x) is a variable to Kubernetes.
func literal(args []string) []string {
	out := make([]string, len(args))
	for i, a := range args {
		out[i] = strings.ReplaceAll(a, "$", "$$")
	}
	return out
}

// pod runs sim under the restricted Pod Security Standard.
func pod(o Options, suffix string, cpus int, args []string) corev1.PodTemplateSpec {
	const user = 65532 // nobody in particular, the same in all pods
	cpu := corev1.ResourceList{corev1.ResourceCPU: *resource.NewQuantity(int64(cpus), resource.DecimalSI)}
	var items []corev1.KeyToPath
	for i, f := range o.Files {
		items = append(items, corev1.KeyToPath{Key: key(i), Path: f.Path})
	}
	return corev1.PodTemplateSpec{
		ObjectMeta: metav1.ObjectMeta{Labels: meta(o, suffix).Labels},
		Spec: corev1.PodSpec{
			RestartPolicy: corev1.RestartPolicyNever, AutomountServiceAccountToken: ptr.To(false),
			SecurityContext: &corev1.PodSecurityContext{
				RunAsNonRoot: ptr.To(true), RunAsUser: ptr.To(int64(user)), RunAsGroup: ptr.To(int64(user)), FSGroup: ptr.To(int64(user)),
				SeccompProfile: &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault},
			},
			Containers: []corev1.Container{{
				Name: "sim", Image: o.Image, Args: args, WorkingDir: FilesDir,
				Resources: corev1.ResourceRequirements{Requests: cpu},
				SecurityContext: &corev1.SecurityContext{
					AllowPrivilegeEscalation: ptr.To(false), ReadOnlyRootFilesystem: ptr.To(true),
					Capabilities: &corev1.Capabilities{Drop: []corev1.Capability{"ALL"}},
				},
				VolumeMounts: []corev1.VolumeMount{{Name: "files", MountPath: FilesDir, ReadOnly: true}, {Name: "results", MountPath: ResultsDir}},
			}},
			Volumes: []corev1.Volume{
				{Name: "files", VolumeSource: corev1.VolumeSource{ConfigMap: &corev1.ConfigMapVolumeSource{
					LocalObjectReference: corev1.LocalObjectReference{Name: o.Name + "-files"}, Items: items,
				}}},
				{Name: "results", VolumeSource: corev1.VolumeSource{PersistentVolumeClaim: &corev1.PersistentVolumeClaimVolumeSource{ClaimName: o.Claim}}},
			},
		},
	}
}
