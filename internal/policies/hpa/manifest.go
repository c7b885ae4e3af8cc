package hpa

// HorizontalPodAutoscaler is the Kubernetes object of autoscaling/v2, without
// its status.
type HorizontalPodAutoscaler struct {
	// APIVersion is autoscaling/v2.
	APIVersion string `yaml:"apiVersion" kwatt:"required,enum=autoscaling/v2"`
	// Kind is HorizontalPodAutoscaler.
	Kind string `yaml:"kind" kwatt:"required,enum=HorizontalPodAutoscaler"`
	// Metadata of the object.
	Metadata ObjectMeta `yaml:"metadata" kwatt:"required"`
	// Spec is the desired behaviour.
	Spec Spec `yaml:"spec" kwatt:"required"`
}

// ObjectMeta is the part of a Kubernetes object's metadata that people write.
type ObjectMeta struct {
	// Name of the object.
	Name string `yaml:"name" kwatt:"required"`
	// Namespace of the object; it plays no part in a simulation.
	Namespace string `yaml:"namespace,omitempty"`
	// Labels of the object; they play no part in a simulation.
	Labels map[string]string `yaml:"labels,omitempty"`
	// Annotations of the object; they play no part in a simulation.
	Annotations map[string]string `yaml:"annotations,omitempty"`
}

// Spec is the spec of a HorizontalPodAutoscaler.
type Spec struct {
	// ScaleTargetRef names what is scaled. A scenario scales the service that
	// the policy applies to, whatever the name; inline it may be left out.
	ScaleTargetRef *CrossVersionObjectReference `yaml:"scaleTargetRef,omitempty"`
	// MinReplicas that always run; 1 when unset.
	MinReplicas *int32 `yaml:"minReplicas,omitempty"`
	// MaxReplicas is the most that may run.
	MaxReplicas int32 `yaml:"maxReplicas" kwatt:"required"`
	// Metrics to follow; the one that asks for most replicas wins.
	Metrics []MetricSpec `yaml:"metrics,omitempty"`
	// Behavior limits how fast replicas come and go.
	Behavior *Behavior `yaml:"behavior,omitempty"`
}

// CrossVersionObjectReference names a Kubernetes object.
type CrossVersionObjectReference struct {
	// APIVersion of the object, with its group, for example apps/v1.
	APIVersion string `yaml:"apiVersion,omitempty"`
	// Kind of the object, for example Deployment.
	Kind string `yaml:"kind" kwatt:"required"`
	// Name of the object.
	Name string `yaml:"name" kwatt:"required"`
}

// MetricSpec is one metric; the member named by type is set.
type MetricSpec struct {
	// Type of the metric. Resource and ContainerResource are not offered yet.
	Type string `yaml:"type" kwatt:"required,enum=ContainerResource|External|Object|Pods|Resource"`
	// Pods is a metric that every pod has; its mean is compared.
	Pods *PodsMetric `yaml:"pods,omitempty"`
	// External is a metric from outside the cluster; here of the service.
	External *ExternalMetric `yaml:"external,omitempty"`
	// Object is a metric of another Kubernetes object; here of the service.
	Object *ObjectMetric `yaml:"object,omitempty"`
	// Resource is CPU or memory of the pods; not offered yet.
	Resource *ResourceMetric `yaml:"resource,omitempty"`
	// ContainerResource is CPU or memory of a container; not offered yet.
	ContainerResource *ContainerResourceMetric `yaml:"containerResource,omitempty"`
}

// PodsMetric is a metric that every pod has.
type PodsMetric struct {
	// Metric that is read.
	Metric MetricIdentifier `yaml:"metric" kwatt:"required"`
	// Target of type AverageValue.
	Target MetricTarget `yaml:"target" kwatt:"required"`
}

// ExternalMetric is a metric of the service as a whole.
type ExternalMetric struct {
	// Metric that is read.
	Metric MetricIdentifier `yaml:"metric" kwatt:"required"`
	// Target of type Value or AverageValue (per pod).
	Target MetricTarget `yaml:"target" kwatt:"required"`
}

// ObjectMetric is a metric of an object that stands for the service, for
// example its Ingress.
type ObjectMetric struct {
	// DescribedObject has the metric; it plays no part in a simulation.
	DescribedObject CrossVersionObjectReference `yaml:"describedObject" kwatt:"required"`
	// Metric that is read.
	Metric MetricIdentifier `yaml:"metric" kwatt:"required"`
	// Target of type Value or AverageValue (per pod).
	Target MetricTarget `yaml:"target" kwatt:"required"`
}

// ResourceMetric is CPU or memory of the pods.
type ResourceMetric struct {
	// Name of the resource.
	Name string `yaml:"name" kwatt:"required"`
	// Target of the resource.
	Target MetricTarget `yaml:"target" kwatt:"required"`
}

// ContainerResourceMetric is CPU or memory of one container of the pods.
type ContainerResourceMetric struct {
	// Name of the resource.
	Name string `yaml:"name" kwatt:"required"`
	// Container of the pods.
	Container string `yaml:"container" kwatt:"required"`
	// Target of the resource.
	Target MetricTarget `yaml:"target" kwatt:"required"`
}

// MetricIdentifier names a metric.
type MetricIdentifier struct {
	// Name of the metric; docs/policies.md has the catalogue.
	Name string `yaml:"name" kwatt:"required"`
	// Selector of the series; only the label service is known.
	Selector *LabelSelector `yaml:"selector,omitempty"`
}

// LabelSelector selects by labels.
type LabelSelector struct {
	// MatchLabels that must all be equal.
	MatchLabels map[string]string `yaml:"matchLabels,omitempty"`
	// MatchExpressions are not offered.
	MatchExpressions []LabelRequirement `yaml:"matchExpressions,omitempty"`
}

// LabelRequirement is one expression of a label selector.
type LabelRequirement struct {
	// Key of the label.
	Key string `yaml:"key" kwatt:"required"`
	// Operator between key and values.
	Operator string `yaml:"operator" kwatt:"required,enum=In|NotIn|Exists|DoesNotExist"`
	// Values of the label.
	Values []string `yaml:"values,omitempty"`
}

// MetricTarget is the value that scaling aims for.
type MetricTarget struct {
	// Type of the target: Value of the metric, AverageValue over the pods, or
	// Utilization of a resource.
	Type string `yaml:"type" kwatt:"required,enum=Utilization|Value|AverageValue"`
	// Value of the metric.
	Value *Quantity `yaml:"value,omitempty"`
	// AverageValue of the metric over the pods.
	AverageValue *Quantity `yaml:"averageValue,omitempty"`
	// AverageUtilization of a resource in per cent.
	AverageUtilization *int32 `yaml:"averageUtilization,omitempty"`
}

// Behavior limits how fast replicas come and go.
type Behavior struct {
	// ScaleUp limits the way up. Unset: no stabilization; the larger of 4 pods
	// and 100 % in 15 s.
	ScaleUp *ScalingRules `yaml:"scaleUp,omitempty"`
	// ScaleDown limits the way down. Unset: stabilized over 300 s; 100 % in 15 s.
	ScaleDown *ScalingRules `yaml:"scaleDown,omitempty"`
}

// ScalingRules limit one direction.
type ScalingRules struct {
	// StabilizationWindowSeconds over which the most cautious recommendation counts.
	StabilizationWindowSeconds *int32 `yaml:"stabilizationWindowSeconds,omitempty"`
	// SelectPolicy among several: Max (the largest change, the default), Min or
	// Disabled (no scaling in this direction).
	SelectPolicy *string `yaml:"selectPolicy,omitempty" kwatt:"enum=Max|Min|Disabled"`
	// Policies that bound the change within a period.
	Policies []ScalingPolicy `yaml:"policies,omitempty"`
	// Tolerance between metric and target within which nothing changes, a part
	// of the target; the controller's when unset.
	Tolerance *Quantity `yaml:"tolerance,omitempty"`
}

// ScalingPolicy bounds the change within a period.
type ScalingPolicy struct {
	// Type of the value: Pods or Percent of the replicas.
	Type string `yaml:"type" kwatt:"required,enum=Pods|Percent"`
	// Value is the largest change.
	Value int32 `yaml:"value" kwatt:"required"`
	// PeriodSeconds within which it holds, at most 1800.
	PeriodSeconds int32 `yaml:"periodSeconds" kwatt:"required"`
}
