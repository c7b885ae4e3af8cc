"""The policy of main.go in Python.

    pip install grpcio grpcio-tools
    python3 -m grpc_tools.protoc -I internal/kube/externalscaler --python_out=/tmp --grpc_python_out=/tmp externalscaler.proto
    PYTHONPATH=/tmp python3 docs/examples/external-scaler/scaler.py localhost:9090 300

Messages are those of KEDA's externalscaler.proto.
"""

import sys
from concurrent import futures

import externalscaler_pb2 as pb
import externalscaler_pb2_grpc as services
import grpc

HEADROOM = 0.1


def rate(metadata):
    """The arrival rate in req/s, as kwatt says; in a cluster, ask Prometheus here."""
    return float(metadata["kwatt.dev/arrival-rate"])


class Scaler(services.ExternalScalerServicer):
    def __init__(self, per_replica):
        self.per_replica = per_replica

    def GetMetricSpec(self, ref, context):
        spec = pb.MetricSpec(metricName="arrival-rate", targetSizeFloat=self.per_replica / (1 + HEADROOM))
        return pb.GetMetricSpecResponse(metricSpecs=[spec])

    def GetMetrics(self, request, context):
        value = rate(request.scaledObjectRef.scalerMetadata)
        return pb.GetMetricsResponse(metricValues=[pb.MetricValue(metricName="arrival-rate", metricValueFloat=value)])

    def IsActive(self, ref, context):
        return pb.IsActiveResponse(result=rate(ref.scalerMetadata) > 0)


if __name__ == "__main__":
    server = grpc.server(futures.ThreadPoolExecutor(max_workers=4))
    services.add_ExternalScalerServicer_to_server(Scaler(float(sys.argv[2])), server)
    if server.add_insecure_port(sys.argv[1]) == 0:
        sys.exit("cannot listen at " + sys.argv[1])
    server.start()
    server.wait_for_termination()
