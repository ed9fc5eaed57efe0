"""Writes a scenario back as one YAML text that stands alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import yaml

from capsim.scenario.document import plain_scalar
from capsim.scenario.series.packed import PackedText

if TYPE_CHECKING:
    from capsim.scenario.scenario import Scenario


def resolved_yaml(scenario: Scenario) -> str:
    """YAML of the whole scenario: own keys, then the objects as manifests. The same scenario gives the same text."""
    own = scenario.model_dump(by_alias=True, exclude={"objects"}, exclude_none=True)
    document: dict[str, Any] = {"apiVersion": "capsim/v1", **own}
    inventory = document.pop("inventory")
    document["objects"] = scenario.objects.manifests()
    document["inventory"] = {key: value for key, value in inventory.items() if value}
    document |= {key: _shared(document[key], {}) for key in ("traffic", "usage", "metrics") if key in document}
    return yaml.dump(document, Dumper=Dumper, sort_keys=False, width=120, allow_unicode=True)


def _shared(value: Any, seen: dict[str, PackedText]) -> Any:
    """The value with equal packed texts made one object, which is then written once."""
    if isinstance(value, dict):
        return {key: _shared(item, seen) for key, item in value.items()}
    if isinstance(value, list):
        return [_shared(item, seen) for item in value]
    return seen.setdefault(value, value) if isinstance(value, PackedText) else value


class Dumper(getattr(yaml, "CSafeDumper", yaml.SafeDumper)):  # type: ignore[misc]
    """Writes shared values in full: a reader should not have to follow anchors. Packed traces are no reading matter.

    Texts that Kubernetes' YAML would read as a number, such as the hash 12e5, are quoted; PyYAML leaves them plain.
    """

    def ignore_aliases(self, data: Any) -> bool:
        return not isinstance(data, PackedText)


Dumper.add_representer(PackedText, lambda dumper, text: dumper.represent_str(str(text)))


def _text(dumper: Any, text: str) -> Any:
    plain = isinstance(plain_scalar(text), str)
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=None if plain else "'")


Dumper.add_representer(str, _text)
