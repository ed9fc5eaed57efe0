"""A small scenario and its objects as text, and how manifests of a text are read."""

from __future__ import annotations

from capsim.scenario.document import Reader
from capsim.scenario.kubernetes.objects import SYSTEM_PRIORITY_CLASSES
from capsim.scenario.kubernetes.reading import Reading
from capsim.scenario.kubernetes.registry import identified, load_kinds, read_objects

DEPLOYMENT = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: app}
spec:
  replicas: 2
  selector: {matchLabels: {app: app}}
  template:
    metadata: {labels: {app: app}}
    spec:
      containers:
      - name: main
        image: app:1
        resources: {requests: {cpu: 500m, memory: 512Mi}, limits: {cpu: 1}}
"""
SERVICE = """\
apiVersion: v1
kind: Service
metadata: {name: app}
spec: {selector: {app: app}, ports: [{port: 80}]}
"""
HPA = """\
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: app}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: app}
  minReplicas: 2
  maxReplicas: 10
  metrics:
  - type: Resource
    resource: {name: cpu, target: {type: Utilization, averageUtilization: 75}}
"""
SCENARIO = """\
apiVersion: capsim/v1
manifests: app.yaml
nodeGroups:
- name: workers
  instance: {cpu: 2, memory: 8Gi}
  min: 3
  max: 6
traffic: {app: 100}
workloads:
  app: {containers: {main: {cpuPerRequest: 40m}}}
"""


def read(text, lenient=False):
    """The reading of a text of manifests."""
    load_kinds()
    reader = Reader(text, "f.yaml")
    reader.read()
    assert not reader.problems
    reading = Reading(lenient)
    reading.priority_classes.update(SYSTEM_PRIORITY_CLASSES)
    sources = [s for document in reader.documents for s in identified(document, (document, ""), reading)]
    read_objects(sources, reading)
    return reading
