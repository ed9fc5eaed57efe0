"""What Jobs and CronJobs say beside their pods."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from capsim.scenario.model import Model, Switch, Text, WholeNumber


class JobSettings(Model):
    """The spec of a Job without its template."""

    parallelism: WholeNumber = Field(1, description="Pods at the same time.")
    completions: WholeNumber | None = Field(1, description="Pods that have to succeed; None: a work queue.")
    indexed: Switch = Field(False, description="Whether each index has to succeed.")
    backoff_limit: WholeNumber = Field(6, description="Failed pods that are tolerated.")
    active_deadline_s: WholeNumber | None = Field(None, description="Seconds after which the Job fails.")
    suspend: Switch = Field(False, description="Whether nothing is started.")

    def manifest(self) -> dict[str, Any]:
        """As a manifest writes it."""
        written: dict[str, Any] = {"parallelism": self.parallelism, "backoffLimit": self.backoff_limit}
        if self.completions is not None:
            written["completions"] = self.completions
        if self.indexed:
            written["completionMode"] = "Indexed"
        if self.active_deadline_s is not None:
            written["activeDeadlineSeconds"] = self.active_deadline_s
        if self.suspend:
            written["suspend"] = True
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
