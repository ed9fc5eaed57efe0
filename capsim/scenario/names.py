"""Finding objects by the names that people write, and pods by the labels that Services select."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from capsim.scenario.kubernetes.workload import Workload


class Keys:
    """Canonical keys (`namespace/name`, `namespace/Kind/name`) that can be looked up by what is written.

    >>> keys = Keys(["default/Deployment/app", "shop/Deployment/app"])
    >>> keys.matching("app"), keys.matching("shop/app"), keys.matching("shop/Pod/app")
    (['default/Deployment/app', 'shop/Deployment/app'], ['shop/Deployment/app'], [])
    """

    def __init__(self, keys: Iterable[str] = ()) -> None:
        self._by_form: dict[str, list[str]] = {}
        self._keys: dict[str, None] = {}
        for key in keys:
            self.add(key)

    def add(self, key: str) -> None:
        """Adds a key, once."""
        if key in self._keys:
            return
        self._keys[key] = None
        namespace, name = key.split("/")[0], key.rpartition("/")[2]
        for form in dict.fromkeys((name, f"{namespace}/{name}", key)):
            self._by_form.setdefault(form, []).append(key)

    def matching(self, name: str) -> list[str]:
        """The keys that a written name can mean: equal, or equal in the parts that are given."""
        return self._by_form.get(name, [])

    def __contains__(self, key: object) -> bool:
        return key in self._keys

    def __iter__(self) -> Iterator[str]:
        return iter(self._keys)


class PodLabels:
    """Workloads by the labels of their pods."""

    def __init__(self, workloads: Iterable[Workload]) -> None:
        self._by_label: dict[tuple[str, str, str], list[Workload]] = {}
        for workload in workloads:
            for key, value in workload.template.labels.items():
                self._by_label.setdefault((workload.namespace, key, value), []).append(workload)

    def selected(self, namespace: str, selector: Mapping[str, str]) -> list[str]:
        """Keys of the workloads whose pods have all these labels; an empty selector selects nothing."""
        if not selector:
            return []
        key, value = next(iter(selector.items()))
        candidates = self._by_label.get((namespace, key, value), [])
        return [w.key for w in candidates if selector.items() <= w.template.labels.items()]


def without_kind(key: str) -> str:
    """`namespace/Kind/name` -> `namespace/name`."""
    parts = key.split("/")
    return f"{parts[0]}/{parts[-1]}"
