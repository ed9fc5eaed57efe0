"""Collects the Kubernetes objects of a scenario: manifests, `objects:` merged over them, `--set objects.…`."""

from __future__ import annotations

from typing import Any

from capsim.errors import Problem
from capsim.scenario.document import Mark, SourceList, SourceMap, describe, mark_of
from capsim.scenario.files import SUFFIXES, manifest_paths, read_documents, relative_to
from capsim.scenario.inventory import Inventory, OtherObject
from capsim.scenario.kubernetes.cluster_kinds import NAME_LABEL
from capsim.scenario.kubernetes.objects import SYSTEM_PRIORITY_CLASSES, KubeObjects
from capsim.scenario.kubernetes.reading import Reading
from capsim.scenario.kubernetes.registry import Source, group_and_version, identified, load_kinds, read_objects
from capsim.scenario.merge import PATCH, Setting, merged, suggestion
from capsim.scenario.owned import without_owned
from capsim.scenario.tree import Tree, texts


class Gathering:
    """The objects of a tree, from files to models."""

    def __init__(self, tree: Tree, lenient: bool) -> None:
        load_kinds()
        self.tree = tree
        self.reading = Reading(lenient)
        self.reading.priority_classes.update(SYSTEM_PRIORITY_CLASSES)
        self.sources: list[Source] = []
        self._deleted: set[int] = set()
        self._places: dict[tuple[str, str], list[int]] = {}

    def gather(self) -> KubeObjects:
        """All models; problems are in `reading.problems` (a missing object may be one that has problems)."""
        self._manifests()
        self._inline()
        self.sources = [source for index, source in enumerate(self.sources) if index not in self._deleted]
        for setting in self.tree.object_settings:
            self._setting(setting)
        self._no_duplicates()
        read_objects(without_owned(self.sources, self.reading), self.reading)
        return self._objects()

    def _manifests(self) -> None:
        seen: set[str] = set()
        for name, mark in texts(self.tree.root, "manifests", self.reading.problems):
            pattern = relative_to(mark, name)
            paths = manifest_paths(pattern)
            if not paths:
                message, allowed = "no manifests there", f"a file, glob or folder with {', '.join(SUFFIXES[:3])} (.gz)"
                self.reading.problems.append(
                    Problem(message, mark.file, mark.line or None, "manifests", pattern, allowed)
                )
            for path in paths:
                if path not in seen:
                    seen.add(path)
                    self._file(path, mark, from_folder=path != pattern)

    def _file(self, path: str, mark: Mark, from_folder: bool) -> None:
        reader = read_documents(path, mark)
        self.reading.problems += reader.problems
        for document in reader.documents:
            if (
                isinstance(document, SourceMap)
                and str(document.get("apiVersion")).startswith("capsim/")
                and from_folder
            ):
                continue  # the scenario itself lies in the same folder
            whole = SourceList([document], Mark(path, 1))
            self._add(identified(document, (whole, 0), self.reading))

    def _add(self, sources: list[Source]) -> None:
        for source in sources:
            self._places.setdefault((source.kind, source.name), []).append(len(self.sources))
            self.sources.append(source)

    def _inline(self) -> None:
        items = self.tree.root.get("objects")
        if items is None:
            return
        if not isinstance(items, SourceList):
            mark = mark_of(self.tree.root, "objects")
            self.reading.problems.append(
                Problem("wrong type", mark.file, mark.line or None, "objects", describe(items), "a list of objects")
            )
            return
        for index, item in enumerate(items):
            place = self._place(item)
            if place is None:
                self._add(identified(item, (items, index), self.reading))
            elif item.get(PATCH) == "delete":
                self._deleted.add(place)
            else:
                self._merge(place, item)

    def _place(self, item: Any) -> int | None:
        """Index of the object that an item is merged over; None when the item is an object of its own."""
        metadata = item.get("metadata") if isinstance(item, SourceMap) else None
        if not isinstance(metadata, SourceMap):
            return None
        version, namespace = item.get("apiVersion"), metadata.get("namespace")
        group = group_and_version(version)[0] if isinstance(version, str) else None
        kind, name = item.get("kind"), metadata.get("name")
        if not isinstance(kind, str) or not isinstance(name, str):
            return None
        found = [
            index
            for index in self._places.get((kind, name), [])
            if index not in self._deleted
            and group in (None, self.sources[index].group)
            and namespace in (None, self.sources[index].namespace)
        ]
        if len(found) > 1 and namespace is None:
            found = [index for index in found if self.sources[index].namespace == "default"]
        first = found[0] if found else None
        same_file = first is not None and self.sources[first].content.mark.file == item.mark.file
        return None if same_file and self._is_complete(item) else first

    @staticmethod
    def _is_complete(item: SourceMap) -> bool:
        """Two complete objects of one name in one file are a mistake, not a patch."""
        return "apiVersion" in item and "spec" in item

    def _merge(self, place: int, item: SourceMap) -> None:
        source = self.sources[place]
        content = merged(source.content, item, ("object",))
        content["apiVersion"] = source.content["apiVersion"]
        self.sources[place] = Source(source.group, source.kind, source.namespace, source.name, content)

    def _setting(self, setting: Setting) -> None:
        _, kind, *rest = setting.path
        name = rest.pop(0) if rest else ""
        found = [
            index
            for index, source in enumerate(self.sources)
            if source.kind == kind and name in (source.name, f"{source.namespace}/{source.name}")
        ]
        if len(found) != 1 or not rest:
            known = [s.name for s in self.sources if s.kind == kind] or sorted({s.kind for s in self.sources})
            message = "several such objects" if len(found) > 1 else "no such object"
            allowed = "objects.Kind.name.key… or objects.Kind.namespace/name.key…; here: " + ", ".join(known[:10])
            text = message + suggestion(name if kind in {s.kind for s in self.sources} else kind, known)
            self.reading.problems.append(Problem(text, "--set", None, setting.key, "", allowed))
            return
        source = self.sources[found[0]]
        content = setting.apply(source.content, rest)
        self.reading.problems += setting.problems
        self.sources[found[0]] = Source(source.group, source.kind, source.namespace, source.name, content)

    def _no_duplicates(self) -> None:
        first: dict[tuple[str, str, str, str], Source] = {}
        for source in self.sources:
            key = (source.group, source.kind, source.namespace, source.name)
            if key in first:
                mark = first[key].content.mark
                at = (source.content, "metadata")
                found = f"first at {mark.file}:{mark.line}"
                self.reading.problem(source.object_name, "", "defined twice", at, found, "each object once")
            first.setdefault(key, source)
        self.sources = list(first.values())

    def _objects(self) -> KubeObjects:
        reading = self.reading
        models = reading.models
        namespaces = dict(reading.namespaces)
        for item in [*models.get("workloads", []), *models.get("services", []), *models.get("hpas", [])]:
            namespaces.setdefault(item.namespace, {NAME_LABEL: item.namespace})
        return KubeObjects(
            workloads=models.get("workloads", []),
            nodes=models.get("nodes", []),
            services=models.get("services", []),
            ingress_classes=models.get("ingress_classes", []),
            ingresses=models.get("ingresses", []),
            hpas=models.get("hpas", []),
            pdbs=models.get("pdbs", []),
            quotas=models.get("quotas", []),
            limit_ranges=models.get("limit_ranges", []),
            storage_classes=models.get("storage_classes", []),
            volumes=models.get("volumes", []),
            claims=models.get("claims", []),
            csi_nodes=models.get("csi_nodes", []),
            priority_classes=reading.priority_classes,
            namespaces=namespaces,
            other=reading.others,
        )


def inventory_of(reading: Reading, earlier: Inventory, objects: KubeObjects) -> Inventory:
    """What was found now, after what an inventory in the file already says (a resolved scenario keeps its own)."""
    sections: dict[str, Any] = {}
    for section in ("ignored", "not_modelled", "guessed", "warnings"):
        before = list(getattr(earlier, section))
        known = {(line.field, line.object) for line in before} | {
            line.field for line in before if section != "warnings"
        }
        sections[section] = before + [
            line
            for line in reading.lines(section)
            if line.field not in known and (line.field, line.object) not in known
        ]
    others = [OtherObject(kind=k, namespace=ns, name=name, reason=why) for k, ns, name, why in objects.other]
    return Inventory(kinds=earlier.kinds or reading.kinds, others=others, **sections)
