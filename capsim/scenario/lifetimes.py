"""Recorded lifetimes: when pods were created and deleted, in a scenario and in the tables that it names."""

from __future__ import annotations

from typing import Any

from pydantic import Field

from capsim.scenario.model import Model, Text
from capsim.scenario.series.file import TimeFormat
from capsim.scenario.series.packed import Numbers
from capsim.scenario.workload import WorkloadSpec


class Lifetimes(Model):
    """When each pod of a ReplicaSet was created and deleted, in place of `spec.replicas` that follows a load."""

    created_ms: Numbers = Field(description="Milliseconds since the start, one a pod; -1: it was there before.")
    deleted_ms: Numbers = Field(description="The same of its deletion; -1: not within the record.")
    nodes: list[Text] = Field(
        [], description="Node of each pod at the start (empty text: not known), for `initialState: recorded`."
    )


class QuantityColumn(Model):
    """A column of quantities, and what its numbers are in."""

    column: Text = Field(description="Name of the column.")
    unit: Text = Field("", description="Suffix of a Kubernetes quantity that its numbers are in: `m`, `Mi`, `Gi`, `G`.")


class PodsFile(Model):
    """A table with a row for each pod that ever was: `{file: pods.csv}`. CSV (plain or .gz) or Parquet.

    Pods of one `workload` with the same quantities and limit become a ReplicaSet, `<workload>`, `<workload>-2`, …, all
    of them with the label `app: <workload>`.
    """

    file: Text = Field(description="The table, relative to the scenario file: .csv, .csv.gz or .parquet.")
    namespace: Text = Field("default", description="Namespace of its pods.")
    workload: Text | list[Text] = Field("app", description="Column (or columns) that say which pods belong together.")
    created: Text = Field("created", description="Column of creation times; empty: the pod was there at the start.")
    deleted: Text = Field(
        "deleted",
        description="Column of deletion times; empty: it was there at the end. Pods gone before the start are left "
        "out.",
    )
    time_format: TimeFormat = Field(
        "auto",
        description="`seconds` since the start of the run, `iso` 8601, `epoch` in s, `epochMs`; `auto`: by the values.",
    )
    zone: Text = Field("UTC", description="Time zone of ISO times that do not name one: Europe/Paris, +02:00.")
    requests: dict[Text, Text | QuantityColumn] = Field(
        {"cpu": "cpu", "memory": "memory"},
        description="Column of each resource that is requested: its name, or `{column: memory_gib, unit: Gi}`. Empty "
        "cells and 0 request nothing.",
    )
    limits: dict[Text, Text | QuantityColumn] = Field({}, description="Column of each resource's limit, likewise.")
    max_per_node: Text | None = Field(
        None,
        description="Column of the most pods of a `workload` on one node (empty or not positive: no limit), kept by a "
        "topologySpreadConstraint over kubernetes.io/hostname.",
    )
    node: Text | None = Field(
        None, description="Column of the node that a pod was on at the start, for `initialState: recorded`."
    )
    template: dict[Text, Any] = Field(
        {}, description="PodTemplateSpec with what else holds for all of them: nodeSelector, tolerations, …"
    )
    behaviour: WorkloadSpec | None = Field(None, description="How their pods behave, as under `workloads`.")

    def quantity_columns(self) -> list[tuple[str, str, QuantityColumn]]:
        """("requests" or "limits", resource, column) of all quantities."""
        listed = [("requests", self.requests), ("limits", self.limits)]
        return [
            (kind, resource, QuantityColumn(column=column) if isinstance(column, str) else column)
            for kind, columns in listed
            for resource, column in columns.items()
        ]

    def workload_columns(self) -> list[str]:
        """Names of the columns that say which pods belong together."""
        return [self.workload] if isinstance(self.workload, str) else self.workload
