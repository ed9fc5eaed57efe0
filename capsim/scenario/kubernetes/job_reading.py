"""Reads Jobs and CronJobs, with the API server's checks.

Source: kubernetes v1.36 pkg/apis/batch/validation and pkg/apis/batch/v1/defaults.go.
"""

from __future__ import annotations

from typing import Any

from capsim.scenario.cron import zone_of
from capsim.scenario.cron_jobs import FORMS, fields_of
from capsim.scenario.document import describe
from capsim.scenario.kubernetes.fields import coverage
from capsim.scenario.kubernetes.job import CronSettings, JobSettings
from capsim.scenario.kubernetes.job_policies import PolicyReader
from capsim.scenario.kubernetes.pod_reading import TemplateReader
from capsim.scenario.kubernetes.reading import Reading
from capsim.scenario.kubernetes.registry import Source, reads
from capsim.scenario.kubernetes.workload import Workload

coverage("Job", "apiVersion kind metadata spec status")
coverage("CronJob", "apiVersion kind metadata spec status")
coverage(
    "JobSpec",
    "parallelism completions completionMode backoffLimit backoffLimitPerIndex maxFailedIndexes activeDeadlineSeconds "
    "suspend template podFailurePolicy successPolicy podReplacementPolicy",
)
coverage("CronJobSpec", "schedule timeZone concurrencyPolicy suspend jobTemplate startingDeadlineSeconds")
INDEXES = 1 << 20
UNBOUNDED = 2**31 - 1
"""backoffLimit of Jobs with a backoffLimitPerIndex."""
POLICIES = ("Allow", "Forbid", "Replace")


@reads("batch", "Job", {"v1": "Job"}, into="workloads")
def read_job(source: Source, reading: Reading) -> Workload | None:
    """Reads a Job: it starts with the run. One that is over is listed."""
    if any(source.get("status", key) for key in ("completionTime",)) or _is_over(source):
        reading.others.append(("Job", source.namespace, source.name, "ignored"))
        reading.note("ignored", "Job", "it is over", source.content.mark, source.object_name)
        return None
    return _workload(source, reading, ("spec",), None)


@reads("batch", "CronJob", {"v1": "CronJob", "v1beta1": "CronJob"}, into="workloads")
def read_cron_job(source: Source, reading: Reading) -> Workload | None:
    """Reads a CronJob."""
    before = len(reading.problems)
    schedule, zone = source.get("spec", "schedule"), source.get("spec", "timeZone") or "Etc/UTC"
    policy = source.get("spec", "concurrencyPolicy") or "Allow"
    for key, value, check, allowed in (
        ("schedule", schedule or "", fields_of, FORMS),
        ("timeZone", zone, zone_of, "a name such as Europe/Berlin"),
    ):
        try:
            check(value)
        except ValueError as error:
            _fail(source, reading, ("spec", key), str(error), value, allowed)
    if policy not in POLICIES:
        _fail(source, reading, ("spec", "concurrencyPolicy"), "unknown policy", policy, ", ".join(POLICIES))
    deadline = source.get("spec", "startingDeadlineSeconds")
    if deadline is not None and deadline < 0:
        _fail(source, reading, ("spec", "startingDeadlineSeconds"), "negative", deadline, "0 or more")
    if len(reading.problems) > before:
        return None
    suspend = bool(source.get("spec", "suspend"))
    cron = CronSettings(
        schedule=schedule, time_zone=zone, concurrency=policy, suspend=suspend, starting_deadline_s=deadline
    )
    return _workload(source, reading, ("spec", "jobTemplate", "spec"), cron)


def _is_over(source: Source) -> bool:
    conditions = source.get("status", "conditions")
    over = ("Complete", "Failed")
    return any(c.get("type") in over and c.get("status") == "True" for c in conditions or [] if isinstance(c, dict))


def _fail(source: Source, reading: Reading, path: tuple[str, ...], message: str, found: Any, allowed: str) -> None:
    reading.problem(source.object_name, ".".join(path), message, source.at(*path), describe(found), allowed)


def _settings(source: Source, reading: Reading, path: tuple[str, ...], restarts: bool) -> JobSettings | None:
    before = len(reading.problems)
    values = {}
    for key in ("parallelism", "completions", "backoffLimit", "activeDeadlineSeconds"):
        values[key] = source.get(*path, key)
        if values[key] is not None and values[key] < 0:
            _fail(source, reading, (*path, key), "negative", values[key], "0 or more")
    mode = source.get(*path, "completionMode") or "NonIndexed"
    if mode not in ("Indexed", "NonIndexed"):
        _fail(source, reading, (*path, "completionMode"), "unknown mode", mode, "Indexed, NonIndexed")
    parallelism, completions = values["parallelism"], values["completions"]
    if mode == "Indexed" and not 0 < (completions or 0) < INDEXES:
        _fail(source, reading, (*path, "completions"), "needed with Indexed", completions, f"1 to {INDEXES - 1}")
    if completions is None and parallelism is None:
        completions = 1
    policies = PolicyReader(source, path, reading).read(mode == "Indexed", completions, restarts)
    if len(reading.problems) > before:
        return None
    per_index = policies["backoff_limit_per_index"] is not None
    return JobSettings(
        parallelism=1 if parallelism is None else parallelism,
        completions=completions,
        indexed=mode == "Indexed",
        backoff_limit=(UNBOUNDED if per_index else 6) if values["backoffLimit"] is None else values["backoffLimit"],
        **policies,
        active_deadline_s=values["activeDeadlineSeconds"],
        suspend=bool(source.get(*path, "suspend")),
    )


def _workload(source: Source, reading: Reading, path: tuple[str, ...], cron: CronSettings | None) -> Workload | None:
    template = TemplateReader(source, (*path, "template"), reading).read()
    restart = source.get(*path, "template", "spec", "restartPolicy")
    if restart not in ("Never", "OnFailure"):
        allowed = "Never, OnFailure"
        _fail(source, reading, (*path, "template", "spec", "restartPolicy"), "not for a Job", restart, allowed)
        return None
    job = _settings(source, reading, path, restart == "OnFailure")
    if template is None or job is None:
        return None
    return Workload(
        kind=source.kind,
        namespace=source.namespace,
        name=source.name,
        replicas=0,
        labels=dict(source.get("metadata", "labels") or {}),
        template=template,
        job=job,
        cron=cron,
    )
