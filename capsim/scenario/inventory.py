"""What was understood, ignored and guessed while a scenario was read."""

from __future__ import annotations

from pydantic import Field

from capsim.scenario.model import Model, Text, WholeNumber


class Line(Model):
    """One entry: where it stands, which object and field, and what it means for the run."""

    file: Text = Field("", description="File, as it was named.")
    line: WholeNumber = Field(0, description="Line in the file, from 1; 0: none.")
    object: Text = Field("", description="The first object concerned, as namespace/Kind/name.")
    field: Text = Field("", description="Field or key concerned.")
    text: Text = Field(description="What it means.")


class OtherObject(Model):
    """An object that is not simulated itself."""

    kind: Text = Field(description="Kind of the object.")
    namespace: Text = Field("", description="Its namespace, empty for cluster-wide kinds.")
    name: Text = Field("", description="Its name.")
    reason: Text = Field(description="`ignored` (no effect on capacity) or `not modelled` (may matter).")


class Inventory(Model):
    """Lists for the summary and run.json; nothing that was read and not used is missing here."""

    kinds: dict[Text, WholeNumber] = Field({}, description="Objects read, by kind.")
    ignored: list[Line] = Field([], description="Fields and objects without effect on capacity.")
    not_modelled: list[Line] = Field([], description="Fields and objects that may matter but are not modelled.")
    guessed: list[Line] = Field([], description="Values that were not given and how they were chosen.")
    warnings: list[Line] = Field([], description="What is legal but probably not meant.")
    others: list[OtherObject] = Field([], description="Objects that are not simulated themselves.")
