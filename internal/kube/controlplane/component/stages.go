package component

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"

	"k8s.io/apimachinery/pkg/util/yaml"
	nodefast "sigs.k8s.io/kwok/kustomize/stage/node/fast"
	nodeheartbeat "sigs.k8s.io/kwok/kustomize/stage/node/heartbeat-with-lease"
	podfast "sigs.k8s.io/kwok/kustomize/stage/pod/fast"
	"sigs.k8s.io/kwok/pkg/apis/internalversion"
	"sigs.k8s.io/kwok/pkg/apis/v1alpha1"
	sigsyaml "sigs.k8s.io/yaml"
)

// DefaultStages are kwok's own fast stages: nodes and pods are Ready at once,
// jobs complete, deleted pods go.
func DefaultStages() []byte {
	var b bytes.Buffer
	for _, doc := range []string{
		nodefast.DefaultNodeInit, nodeheartbeat.DefaultNodeHeartbeatWithLease,
		podfast.DefaultPodReady, podfast.DefaultPodComplete, podfast.DefaultPodDelete,
	} {
		b.WriteString("---\n" + doc + "\n")
	}
	return b.Bytes()
}

type stageGroups map[internalversion.StageResourceRef][]*internalversion.Stage

// loadStages reads a file of Stages. A resource for which it has none keeps the
// default ones.
func loadStages(path string) (stageGroups, error) {
	groups, err := parseStages(DefaultStages(), "the default stages")
	if err != nil || path == "" {
		return groups, err
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("read stages: %w", err)
	}
	own, err := parseStages(data, path)
	if err != nil {
		return nil, err
	}
	if len(own) == 0 {
		return nil, fmt.Errorf("read stages: %s has none", path)
	}
	for ref, stages := range own {
		groups[ref] = stages
	}
	return groups, nil
}

func parseStages(data []byte, source string) (stageGroups, error) {
	groups := stageGroups{}
	reader := yaml.NewYAMLReader(bufio.NewReader(bytes.NewReader(data)))
	for n := 1; ; n++ {
		doc, err := reader.Read()
		if errors.Is(err, io.EOF) {
			return groups, nil
		}
		if err != nil {
			return nil, fmt.Errorf("read stages: %s: document %d: %w", source, n, err)
		}
		if len(bytes.TrimSpace(doc)) == 0 {
			continue
		}
		var stage v1alpha1.Stage
		if err := sigsyaml.UnmarshalStrict(doc, &stage); err != nil {
			return nil, fmt.Errorf("read stages: %s: document %d: %w", source, n, err)
		}
		if stage.Kind != v1alpha1.StageKind || stage.APIVersion != v1alpha1.GroupVersion.String() {
			return nil, fmt.Errorf("read stages: %s: document %d is a %s of %q, want kind: %s, apiVersion: %s",
				source, n, stage.Kind, stage.APIVersion, v1alpha1.StageKind, v1alpha1.GroupVersion)
		}
		v1alpha1.SetObjectDefaults_Stage(&stage)
		internal, err := internalversion.ConvertToInternalStage(&stage)
		if err != nil {
			return nil, fmt.Errorf("read stages: %s: document %d: %w", source, n, err)
		}
		groups[internal.Spec.ResourceRef] = append(groups[internal.Spec.ResourceRef], internal)
	}
}
