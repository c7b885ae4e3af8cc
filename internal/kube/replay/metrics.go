package replay

import (
	"context"
	"fmt"
	"net"
	"time"

	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	genericapiserver "k8s.io/apiserver/pkg/server"
	"k8s.io/client-go/informers"
	"k8s.io/metrics/pkg/apis/custom_metrics"
	"k8s.io/metrics/pkg/apis/external_metrics"
	"sigs.k8s.io/custom-metrics-apiserver/pkg/apiserver"
	"sigs.k8s.io/custom-metrics-apiserver/pkg/cmd/options"
	"sigs.k8s.io/custom-metrics-apiserver/pkg/provider"

	"github.com/kwatt-sim/kwatt/internal/kube/hpa"
	"github.com/kwatt-sim/kwatt/internal/policies"
)

// metricsName is the aggregated API server's.
const metricsName = "kwatt-metrics"

// metricsVersions are the API versions that it serves.
var metricsVersions = []schema.GroupVersion{
	{Group: "custom.metrics.k8s.io", Version: "v1beta2"}, {Group: "custom.metrics.k8s.io", Version: "v1beta1"},
	{Group: "external.metrics.k8s.io", Version: "v1beta1"},
}

// MetricsVersions are the API versions through which an HPA reads metrics: in a
// cluster of others, nobody else may serve them.
func MetricsVersions() (name string, versions []schema.GroupVersion) {
	return metricsName, metricsVersions
}

// takeBack removes the metrics API from a cluster of others.
func (r *replay) takeBack() {
	ctx, done := context.WithTimeout(context.WithoutCancel(r.ctx), cleanTimeout)
	defer done()
	r.fail(r.o.Cluster.Disaggregate(ctx, metricsName, metricsVersions...))
}

// serveMetrics starts the metrics API, if an HPA is to read it, and registers it.
func (r *replay) serveMetrics(ctx context.Context) error {
	if len(r.o.HPAs) == 0 {
		return nil
	}
	files, err := r.o.Cluster.IssueServing(metricsName)
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return fmt.Errorf("serve metrics: %w", err)
	}
	port := listener.Addr().(*net.TCPAddr).Port
	o := options.NewCustomMetricsAdapterServerOptions()
	o.SecureServing.Listener, o.SecureServing.BindPort, o.SecureServing.BindAddress = listener, port, net.IPv4(127, 0, 0, 1)
	o.SecureServing.ServerCert.CertKey.CertFile, o.SecureServing.ServerCert.CertKey.KeyFile = files.Cert, files.Key
	o.Authentication.RemoteKubeConfigFile = r.o.Cluster.Kubeconfig()
	o.Authorization.RemoteKubeConfigFile = r.o.Cluster.Kubeconfig()
	o.EnableMetrics = false
	config := genericapiserver.NewRecommendedConfig(apiserver.Codecs)
	config.ClientConfig = r.rest
	config.SharedInformerFactory = informers.NewSharedInformerFactory(r.client, 0)
	if err := o.ApplyTo(config); err != nil {
		return fmt.Errorf("configure the metrics API: %w", err)
	}
	server, err := (&apiserver.Config{GenericConfig: &config.Config}).Complete(config.SharedInformerFactory).New(metricsName, metricsProvider{r}, metricsProvider{r})
	if err != nil {
		return fmt.Errorf("make the metrics API: %w", err)
	}
	serving, stop := context.WithCancel(r.ctx)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = server.GenericAPIServer.PrepareRun().RunWithContext(serving) // with the error of being told to end
	}()
	r.shutdown = append(r.shutdown, func() { stop(); <-ended })
	if r.o.Guest {
		r.shutdown = append(r.shutdown, r.takeBack)
	}
	return r.o.Cluster.Aggregate(ctx, metricsName, port, metricsVersions...)
}

// metricsProvider serves what telemetry shows.
type metricsProvider struct{ *replay }

// observe asks the engine what telemetry shows of a service now, for a metric.
func (p metricsProvider) observe(ctx context.Context, service int, metric string) (o policies.Observation, names map[string]string, err error) {
	began := time.Now()
	err = p.ask(ctx, func() {
		p.synced(fmt.Sprint(service, "/", metric), began)
		p.looked[service] = p.clock.at(began)
		o = p.world.Observe(service)
		names = map[string]string{}
		for pod, rec := range p.records {
			names[pod.Name] = rec.name
		}
	})
	p.lag.answer.add(p.clock.virtually(time.Since(began)))
	return o, names, err
}

// synced tells that an HPA's controller has asked for a metric: it looks at each
// once a sync. The clock keeps the time of the first.
func (r *replay) synced(metric string, at time.Time) {
	if r.leader == "" {
		r.leader = metric
	}
	if metric == r.leader {
		r.clock.follow(at)
	}
	if last, ok := r.asked[metric]; ok {
		r.lag.sync.add(r.clock.virtually(at.Sub(last)))
	}
	r.asked[metric] = at
}

// serviceOf finds the service that a selector of pods means.
func (p metricsProvider) serviceOf(selector labels.Selector) (int, error) {
	for i := range p.o.Objects.Services {
		if selector.Matches(p.labels[i]) {
			return i, nil
		}
	}
	return 0, fmt.Errorf("no service has pods that match %s", selector)
}

// GetMetricBySelector implements provider.CustomMetricsProvider, for pods.
func (p metricsProvider) GetMetricBySelector(ctx context.Context, namespace string, selector labels.Selector, info provider.CustomMetricInfo, _ labels.Selector) (*custom_metrics.MetricValueList, error) {
	if info.GroupResource.Resource != "pods" || namespace != p.o.Namespace {
		return nil, provider.NewMetricNotFoundForSelectorError(info.GroupResource, info.Metric, "", selector)
	}
	service, err := p.serviceOf(selector)
	if err != nil {
		return nil, err
	}
	o, names, err := p.observe(ctx, service, info.Metric)
	if err != nil {
		return nil, err
	}
	list := &custom_metrics.MetricValueList{}
	window := max(int64(p.clock.span(o.Window).Seconds()), 1)
	for _, pod := range o.Pods {
		if !pod.HasMetrics {
			continue
		}
		value, ok := hpa.PodValue(info.Metric, pod.Metrics)
		if !ok {
			return nil, provider.NewMetricNotFoundError(info.GroupResource, info.Metric)
		}
		list.Items = append(list.Items, custom_metrics.MetricValue{
			DescribedObject: custom_metrics.ObjectReference{APIVersion: "v1", Kind: "Pod", Namespace: namespace, Name: names[pod.Name]},
			Metric:          custom_metrics.MetricIdentifier{Name: info.Metric},
			Timestamp:       metav1.Time{Time: p.clock.when(o.At)}, WindowSeconds: &window,
			Value: *resource.NewMilliQuantity(value, resource.DecimalSI),
		})
	}
	return list, nil
}

// GetMetricByName implements provider.CustomMetricsProvider, for a service.
func (p metricsProvider) GetMetricByName(ctx context.Context, name types.NamespacedName, info provider.CustomMetricInfo, _ labels.Selector) (*custom_metrics.MetricValue, error) {
	service, ours := p.services[name.Name]
	if !ours || name.Namespace != p.o.Namespace {
		return nil, provider.NewMetricNotFoundForError(info.GroupResource, info.Metric, name.Name)
	}
	o, _, err := p.observe(ctx, service, info.Metric)
	if err != nil {
		return nil, err
	}
	value, ok := hpa.ServiceValue(info.Metric, o)
	if !ok {
		return nil, provider.NewMetricNotFoundForError(info.GroupResource, info.Metric, name.Name)
	}
	return &custom_metrics.MetricValue{
		DescribedObject: custom_metrics.ObjectReference{APIVersion: "v1", Kind: "Service", Namespace: name.Namespace, Name: name.Name},
		Metric:          custom_metrics.MetricIdentifier{Name: info.Metric},
		Timestamp:       metav1.Time{Time: p.clock.when(o.At)},
		Value:           *resource.NewMilliQuantity(value, resource.DecimalSI),
	}, nil
}

// GetExternalMetric implements provider.ExternalMetricsProvider.
func (p metricsProvider) GetExternalMetric(ctx context.Context, _ string, selector labels.Selector, info provider.ExternalMetricInfo) (*external_metrics.ExternalMetricValueList, error) {
	list := &external_metrics.ExternalMetricValueList{}
	name, _ := selector.RequiresExactMatch(serviceLabel)
	service, ours := p.services[name]
	if !ours {
		return list, nil // nothing has these labels
	}
	o, _, err := p.observe(ctx, service, info.Metric)
	if err != nil {
		return nil, err
	}
	if value, ok := hpa.ServiceValue(info.Metric, o); ok {
		list.Items = append(list.Items, external_metrics.ExternalMetricValue{
			MetricName: info.Metric, MetricLabels: map[string]string{serviceLabel: name},
			Timestamp: metav1.Time{Time: p.clock.when(o.At)}, Value: *resource.NewMilliQuantity(value, resource.DecimalSI),
		})
	}
	return list, nil
}

// ListAllMetrics implements provider.CustomMetricsProvider.
func (p metricsProvider) ListAllMetrics() []provider.CustomMetricInfo {
	var all []provider.CustomMetricInfo
	for _, m := range hpa.PodMetrics() {
		all = append(all, provider.CustomMetricInfo{GroupResource: schema.GroupResource{Resource: "pods"}, Namespaced: true, Metric: m.Name})
	}
	for _, m := range hpa.ServiceMetrics() {
		all = append(all, provider.CustomMetricInfo{GroupResource: schema.GroupResource{Resource: "services"}, Namespaced: true, Metric: m.Name})
	}
	return all
}

// ListAllExternalMetrics implements provider.ExternalMetricsProvider.
func (p metricsProvider) ListAllExternalMetrics() []provider.ExternalMetricInfo {
	var all []provider.ExternalMetricInfo
	for _, m := range hpa.ServiceMetrics() {
		all = append(all, provider.ExternalMetricInfo{Metric: m.Name})
	}
	return all
}
