"""GitOps self-heal: a controller that sets spec.replicas back to what Git says."""

from __future__ import annotations

from pydantic import ConfigDict, Field

from capsim.scenario.cluster_autoscaler import flag_name
from capsim.scenario.model import Milliseconds, Model, Positive, Text, WholeNumber


class SelfHealSpec(Model):
    """An Application of Argo CD with `selfHeal: true` whose manifests hold `spec.replicas`."""

    target: Text = Field(description="The workload whose replicas are set back.")
    replicas: WholeNumber | None = Field(None, description="What Git says; default the replicas of the manifest.")


class ArgoCdSpec(Model):
    """Flags of argocd-application-controller, without their `-seconds` (Argo CD 3; a fixed wait, as before 2.14, is
    factor 1)."""

    model_config = ConfigDict(alias_generator=flag_name)

    self_heal_backoff_timeout_ms: Milliseconds = Field(2000, gt=0, description="Wait before the second attempt.")
    self_heal_backoff_factor: Positive = Field(3.0, ge=1, description="By which the wait grows with each attempt.")
    self_heal_backoff_cap_ms: Milliseconds = Field(300_000, gt=0, description="Longest wait.")
    self_heal_backoff_cooldown_ms: Milliseconds = Field(
        330_000, description="Attempts are forgotten when the last one is that long ago."
    )
    refresh_ms: Milliseconds = Field(
        1000, gt=0, alias="refresh", description="A change is seen -> synced (watch, comparison, sync); an assumption."
    )
