package hpatest

import (
	"context"
	"fmt"
	"math"
	"net/http"

	v1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"
	metricsclient "k8s.io/kubernetes/pkg/controller/podautoscaler/metrics"
	customapi "k8s.io/metrics/pkg/apis/custom_metrics/v1beta2"
	externalapi "k8s.io/metrics/pkg/apis/external_metrics/v1beta1"
	metricsapi "k8s.io/metrics/pkg/apis/metrics/v1beta1"
	resourceclient "k8s.io/metrics/pkg/client/clientset/versioned/typed/metrics/v1beta1"
	customclient "k8s.io/metrics/pkg/client/custom_metrics"
	externalclient "k8s.io/metrics/pkg/client/external_metrics"
)

// The three metrics APIs of the cluster, as API objects. What turns them into
// numbers is upstream's own client.

// metricsClient is upstream's, on the cluster's APIs.
func (w *world) metricsClient() metricsclient.MetricsClient {
	return metricsclient.NewRESTMetricsClient(resourceAPI{w: w}, customAPI{w}, externalAPI{w})
}

// quantity is how prometheus-adapter serves a value.
func quantity(v float64) resource.Quantity {
	return *resource.NewMilliQuantity(int64(v*1000), resource.DecimalSI)
}

// used is how metrics-server serves the use of a resource.
func used(v float64) resource.Quantity {
	return *resource.NewScaledQuantity(int64(math.Round(v*1e9)), resource.Nano)
}

// resourceAPI is metrics.k8s.io: what each container of a pod uses.
type resourceAPI struct {
	w                                  *world
	resourceclient.PodMetricsInterface // only List is called
}

func (a resourceAPI) PodMetricses(string) resourceclient.PodMetricsInterface { return a }

func (a resourceAPI) List(context.Context, metav1.ListOptions) (*metricsapi.PodMetricsList, error) {
	w := a.w
	w.mu.Lock()
	defer w.mu.Unlock()
	list := &metricsapi.PodMetricsList{}
	for _, p := range w.pods {
		if !p.seen {
			continue
		}
		m := metricsapi.PodMetrics{ObjectMeta: metav1.ObjectMeta{Name: p.name, Namespace: namespace}, Timestamp: metav1.Time{Time: w.time(w.scraped)}, Window: metav1.Duration{Duration: w.setup.telemetry.window}}
		for _, c := range w.setup.Model.Containers {
			use := v1.ResourceList{"cpu": used(0), "nvidia.com/gpu": used(0)}
			if units := c.Requests["nvidia.com/gpu"]; units > 0 { // the server
				use = v1.ResourceList{"cpu": used(p.does.CPUCores), "nvidia.com/gpu": used(p.does.BusyRatio * float64(units) / 1000)}
			}
			m.Containers = append(m.Containers, metricsapi.ContainerMetrics{Name: c.Name, Usage: use})
		}
		list.Items = append(list.Items, m)
	}
	return list, nil
}

// customAPI is custom.metrics.k8s.io.
type customAPI struct{ w *world }

func (a customAPI) RootScopedMetrics() customclient.MetricsInterface       { return a }
func (a customAPI) NamespacedMetrics(string) customclient.MetricsInterface { return a }

func (a customAPI) GetForObjects(_ schema.GroupKind, _ labels.Selector, name string, _ labels.Selector) (*customapi.MetricValueList, error) {
	a.w.mu.Lock()
	defer a.w.mu.Unlock()
	list := &customapi.MetricValueList{}
	for _, p := range a.w.pods {
		if p.seen {
			value := map[string]float64{"requests_per_second": p.does.RequestRate, "inflight_requests": p.does.InFlight, "DCGM_FI_DEV_GPU_UTIL": 100 * p.does.BusyRatio}[name]
			list.Items = append(list.Items, customapi.MetricValue{DescribedObject: v1.ObjectReference{Kind: "Pod", Name: p.name}, Timestamp: metav1.Time{Time: a.w.time(a.w.scraped)}, Value: quantity(value)})
		}
	}
	return list, nil
}

func (a customAPI) GetForObject(kind schema.GroupKind, object, name string, _ labels.Selector) (*customapi.MetricValue, error) {
	a.w.mu.Lock()
	defer a.w.mu.Unlock()
	value, ok := a.w.served(name)
	if !ok { // in the words of sigs.k8s.io/custom-metrics-apiserver
		plural, _ := meta.UnsafeGuessKindToResource(kind.WithVersion(""))
		return nil, &apierrors.StatusError{ErrStatus: metav1.Status{Status: metav1.StatusFailure, Code: http.StatusNotFound, Reason: metav1.StatusReasonNotFound,
			Message: fmt.Sprintf("the server could not find the metric %s for %s %s", name, plural.GroupResource(), object)}}
	}
	return &customapi.MetricValue{Timestamp: metav1.Time{Time: a.w.time(a.w.scraped)}, Value: quantity(value)}, nil
}

// externalAPI is external.metrics.k8s.io.
type externalAPI struct{ w *world }

func (a externalAPI) NamespacedMetrics(string) externalclient.MetricsInterface { return a }

func (a externalAPI) List(name string, _ labels.Selector) (*externalapi.ExternalMetricValueList, error) {
	a.w.mu.Lock()
	defer a.w.mu.Unlock()
	list := &externalapi.ExternalMetricValueList{}
	if value, ok := a.w.served(name); ok {
		list.Items = append(list.Items, externalapi.ExternalMetricValue{MetricName: name, Timestamp: metav1.Time{Time: a.w.time(a.w.scraped)}, Value: quantity(value)})
	}
	return list, nil
}
