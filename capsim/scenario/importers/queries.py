"""The PromQL whose answers are the history that capsim reads."""

from __future__ import annotations

_LETTERS = "[bcdfghjklmnpqrstvwxz2456789]"
POD = f"^(.*?)(?:-{_LETTERS}{{6,10}})?-(?:{_LETTERS}{{5}}|[0-9]+)$"
"""A pod's name: the workload's, a ReplicaSet's hash, and five letters (or the ordinal of a StatefulSet)."""


def named(query: str, metric: str, over_pods: str = "sum") -> str:
    """A query by pod as one by workload, with the label that says which metric it is."""
    workload = f'label_replace({query}, "workload", "$1", "pod", "{POD}")'
    return _labelled(f"  {over_pods} by (namespace, workload) (\n    {workload}\n  )", metric)


def renamed(query: str, namespace: str, workload: str, metric: str) -> str:
    """A query whose labels are called otherwise."""
    inner = f'label_replace({query}, "namespace", "$1", "{namespace}", "(.*)")'
    return _labelled(f'  label_replace({inner}, "workload", "$1", "{workload}", "(.*)")', metric)


def _labelled(query: str, metric: str) -> str:
    return f'label_replace(\n{query},\n  "metric", "{metric}", "", "")'


CONTAINERS = '{container!="",container!="POD"}'
QUERIES = {
    "cpu": named(f"rate(container_cpu_usage_seconds_total{CONTAINERS}[5m])", "cpu"),
    "memory": named(f"sum by (namespace, pod) (container_memory_working_set_bytes{CONTAINERS})", "memory", "avg"),
    "rps, of a service mesh (Istio)": renamed(
        "sum by (destination_workload_namespace, destination_workload) "
        '(rate(istio_requests_total{reporter="destination"}[5m]))',
        "destination_workload_namespace", "destination_workload", "rps",
    ),
    "rps, of an ingress (NGINX; its services stand for workloads)": renamed(
        "sum by (exported_namespace, exported_service) (rate(nginx_ingress_controller_requests[5m]))",
        "exported_namespace", "exported_service", "rps",
    ),
    "rps, of the pods' own metrics": named("rate(http_requests_total[5m])", "rps"),
}  # fmt: skip
"""What is asked for -> PromQL. Results have the labels namespace, workload and metric."""


def page(server: str, days: int, step: str) -> str:
    """The queries, and how to run them."""
    parts = [
        "# What capsim import history reads: time, namespace, workload, metric (cpu, memory or rps), value;",
        "# as CSV or Parquet with these columns, or as JSON as Prometheus answers.",
        "",
    ]
    for name, query in QUERIES.items():
        parts += [f"# {name}", query, ""]
    parts += [
        "# To run one of them, its text in query.promql:",
        f"curl -G {server}/api/v1/query_range --data-urlencode query@query.promql \\",
        f'  --data-urlencode "start=$(date -d -{days}days +%s)" --data-urlencode "end=$(date +%s)" \\',
        f"  --data-urlencode step={step} > cpu.json",
        "capsim import history SCENARIO cpu.json memory.json rps.json",
    ]
    return "\n".join(parts) + "\n"
