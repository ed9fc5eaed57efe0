"""Sizes of a node group by the clock: the scheduled actions of a cloud's scaling group."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import AfterValidator, Field, model_validator

from capsim.scenario.cron import check_cron, zone_of
from capsim.scenario.model import Model, Text, WholeNumber, problem


class Sizes(Model):
    """What a scheduled action sets; what it leaves out stays."""

    min: WholeNumber | None = Field(None, description="Fewest nodes from then on.")
    max: WholeNumber | None = Field(None, description="Most nodes from then on.")
    size: WholeNumber | None = Field(
        None, description="Nodes from then on; default: as many as there are, within min and max."
    )

    @model_validator(mode="after")
    def _something(self) -> Self:
        if self.min is None and self.max is None and self.size is None:
            raise problem("nothing is set", "min, max, size")
        low, high = self.min or 0, self.max if self.max is not None else 1 << 60
        if low > high:
            raise problem(f"min {low} is above max {high}", f"at most {high}", key="min")
        if self.size is not None and not low <= self.size <= high:
            raise problem(f"size {self.size} is outside min and max", f"{low} to {high}", key="size")
        return self


class Resize(Sizes):
    """Somebody sets the size of a node group, or its limits."""

    group: Text = Field(description="Name of the node group.")


class ScheduledSize(Sizes):
    """One action that repeats by the clock."""

    cron: Annotated[Text, AfterValidator(check_cron)] = Field(description="When: `0 7 * * 1-5`, `@daily`.")
    time_zone: Annotated[Text, AfterValidator(lambda name: zone_of(name).key)] = Field(
        "UTC", description="Whose clock: a name of the IANA database."
    )
