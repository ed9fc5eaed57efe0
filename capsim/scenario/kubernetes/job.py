"""What Jobs and CronJobs say beside their pods."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from capsim.scenario.model import Model, Switch, Text, WholeNumber

Action = Literal["Count", "Ignore", "FailJob", "FailIndex"]
DISRUPTED = "DisruptionTarget"


class FailureRule(Model):
    """A rule of podFailurePolicy: exit codes of a container, or conditions of a pod."""

    action: Action = Field(description="What a failure that matches does.")
    container: Text | None = Field(None, description="The container whose exit code counts; None: any.")
    operator: Literal["In", "NotIn"] | None = Field(None, description="How the exit codes compare; None: conditions.")
    values: tuple[WholeNumber, ...] = Field((), description="Exit codes.")
    conditions: tuple[Text, ...] = Field((), description="Conditions that are True.")

    def manifest(self) -> dict[str, Any]:
        """As a manifest writes it."""
        if self.operator is None:
            listed = [{"type": name, "status": "True"} for name in self.conditions]
            return {"action": self.action, "onPodConditions": listed}
        codes: dict[str, Any] = {"operator": self.operator, "values": list(self.values)}
        if self.container is not None:
            codes["containerName"] = self.container
        return {"action": self.action, "onExitCodes": codes}


class SuccessRule(Model):
    """A rule of successPolicy."""

    indexes: Text | None = Field(None, description="Indexes such as 0,2-4; None: all.")
    count: WholeNumber | None = Field(None, description="How many of them have to succeed; None: all.")

    def ranges(self, completions: int) -> list[tuple[int, int]]:
        """First and last index of each range."""
        if self.indexes is None:
            return [(0, completions - 1)]
        parts = [part.split("-") for part in self.indexes.split(",")]
        return [(int(part[0]), int(part[-1])) for part in parts]

    def needed(self, completions: int) -> int:
        """How many have to succeed."""
        listed = sum(last - first + 1 for first, last in self.ranges(completions))
        return listed if self.count is None else self.count

    def manifest(self) -> dict[str, Any]:
        """As a manifest writes it."""
        written = {"succeededIndexes": self.indexes, "succeededCount": self.count}
        return {key: value for key, value in written.items() if value is not None}


class JobSettings(Model):
    """The spec of a Job without its template."""

    parallelism: WholeNumber = Field(1, description="Pods at the same time.")
    completions: WholeNumber | None = Field(1, description="Pods that have to succeed; None: a work queue.")
    indexed: Switch = Field(False, description="Whether each index has to succeed.")
    backoff_limit: WholeNumber = Field(6, description="Failed pods that are tolerated.")
    backoff_limit_per_index: WholeNumber | None = Field(None, description="Failed pods of an index that are.")
    max_failed_indexes: WholeNumber | None = Field(None, description="Failed indexes that are tolerated.")
    active_deadline_s: WholeNumber | None = Field(None, description="Seconds after which the Job fails.")
    suspend: Switch = Field(False, description="Whether nothing is started.")
    failure: tuple[FailureRule, ...] = Field((), description="podFailurePolicy.")
    success: tuple[SuccessRule, ...] = Field((), description="successPolicy.")
    replaces_late: Switch = Field(False, description="podReplacementPolicy Failed: when a pod is gone, not before.")
    restarts: Switch = Field(False, description="restartPolicy OnFailure: containers start again in their pod.")

    def on_failure(self, exit_code: int, container: str | None = None) -> tuple[Action, int]:
        """What a pod that fails by itself does, and the index of the rule (-1: none matches)."""
        for index, rule in enumerate(self.failure):
            named = rule.container in (None, container)
            if rule.operator is not None and named and (exit_code in rule.values) == (rule.operator == "In"):
                return rule.action, index
        return "Count", -1

    def on_disruption(self) -> tuple[Action, int]:
        """What a pod that is evicted, preempted or lost does, likewise."""
        for index, rule in enumerate(self.failure):
            if rule.operator is None and DISRUPTED in rule.conditions:
                return rule.action, index
        return "Count", -1

    def manifest(self) -> dict[str, Any]:
        """As a manifest writes it."""
        written: dict[str, Any] = {"parallelism": self.parallelism, "backoffLimit": self.backoff_limit}
        if self.indexed:
            written["completionMode"] = "Indexed"
        for key, value in (
            ("completions", self.completions),
            ("activeDeadlineSeconds", self.active_deadline_s),
            ("backoffLimitPerIndex", self.backoff_limit_per_index),
            ("maxFailedIndexes", self.max_failed_indexes),
        ):
            if value is not None:
                written[key] = value
        if self.suspend:
            written["suspend"] = True
        if self.failure:
            written["podFailurePolicy"] = {"rules": [rule.manifest() for rule in self.failure]}
        if self.success:
            written["successPolicy"] = {"rules": [rule.manifest() for rule in self.success]}
        if self.replaces_late:
            written["podReplacementPolicy"] = "Failed"
        return written


class CronSettings(Model):
    """The spec of a CronJob without its Job."""

    schedule: Text = Field(description="When a Job starts: five fields, or @hourly and the like.")
    time_zone: Text = Field("Etc/UTC", description="Time zone of the schedule.")
    concurrency: Literal["Allow", "Forbid", "Replace"] = Field(
        "Allow", description="What happens when a Job is due while one runs."
    )
    starting_deadline_s: WholeNumber | None = Field(None, description="Seconds after which a missed Job is left out.")
    suspend: Switch = Field(False, description="Whether no Job is started.")

    def manifest(self) -> dict[str, Any]:
        """As a manifest writes it."""
        written: dict[str, Any] = {"schedule": self.schedule, "concurrencyPolicy": self.concurrency}
        if self.starting_deadline_s is not None:
            written["startingDeadlineSeconds"] = self.starting_deadline_s
        if self.time_zone != "Etc/UTC":
            written["timeZone"] = self.time_zone
        if self.suspend:
            written["suspend"] = True
        return written
