"""What a class asks of the pods around it, as rows: spread constraints, affinity, anti-affinity, claims.

Source: kube-scheduler v1.34.1, plugins/podtopologyspread/common.go, plugins/interpodaffinity, and
plugins/helper/spread.go (DefaultSelector).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from capsim.controllers.scheduler.groups import GroupBook
from capsim.controllers.scheduler.selectors import Crowd, with_label_keys
from capsim.controllers.scheduler.shapes import HOSTNAME, ShapeBook, pod_terms
from capsim.controllers.scheduler.static import matches_node, untolerated
from capsim.scenario.kube_scheduler import InterPodArgs, Profile, default_constraints
from capsim.scenario.kubernetes.labels import selects
from capsim.state.tables_scheduler import (
    K_GROUP,
    K_HOST,
    K_KIND,
    RULE_AFFINITY,
    RULE_ANTI,
    RULE_CLAIM,
    RULE_EXISTING,
    RULE_PREFER,
    RULE_SOFT,
    RULE_SPREAD,
)

if TYPE_CHECKING:
    from capsim.controllers.scheduler.program import ClassSpec, World

Row = tuple[list[int], list[int]]
"""A row of Rules.rule and one of Rules.counted."""


class RuleMaker:
    """Makes the rules of one class after the other."""

    def __init__(
        self,
        classes: Sequence[ClassSpec],
        faces: Sequence[int],
        crowd: Crowd,
        groups: GroupBook,
        book: ShapeBook,
        world: World,
    ) -> None:
        self.classes, self.faces, self.crowd, self.groups, self.book, self.world = (
            classes,
            faces,
            crowd,
            groups,
            book,
            world,
        )
        self.keys = {key: k for k, key in enumerate(book.use.topology)}
        self._existing = self._terms_of_others()

    def rules_of(self, c: int, profile: Profile) -> list[Row]:
        """All rules of class ``c``, hard ones first, in the order in which a node is judged."""
        off, weights = profile.filters_off(), profile.weights()
        rows: list[Row] = []
        if "VolumeBinding" not in off:
            rows += self._claims(c)
        rows += self._spread(c, profile, "PodTopologySpread" not in off, weights["PodTopologySpread"] > 0)
        arguments = profile.arguments("InterPodAffinity")
        if "InterPodAffinity" not in off:
            rows += self._required(c)
        if weights["InterPodAffinity"] > 0:
            rows += self._preferred(c, arguments)
        return sorted(rows, key=lambda row: row[0][K_KIND])

    @staticmethod
    def host_groups(rows: Iterable[Row]) -> tuple[int, ...]:
        """Peer groups that the rules count per node."""
        return tuple(sorted({row[K_GROUP] for row, _ in rows if row[K_HOST] == 1}))

    def _row(
        self,
        kind: int,
        group: int,
        key: str,
        amount: int,
        own: bool,
        counted: list[int] | None,
        host: bool | None = None,
        minimum: int = 1,
    ) -> Row:
        at_node = key in self.book.by_node if host is None else host
        k = self.keys[key]
        present = [int(key in shape.labels) for shape in self.book.shapes]
        return [kind, group, k, int(at_node), amount, minimum, int(own)], present if counted is None else counted

    def _claims(self, c: int) -> list[Row]:
        """ReadWriteOncePod: no other pod may use the claim."""
        every = [1] * len(self.book.shapes)
        rows = []
        for claim in self.classes[c].claims:
            users = {self.faces[d]: 1 for d, one in enumerate(self.classes) if claim in one.claims}
            rows.append(([RULE_CLAIM, self.groups.add(users, True), 0, 1, 0, 1, 1], every))
        return rows

    # ------------------------------------------------------------------------------------------- PodTopologySpread

    def _spread(self, c: int, profile: Profile, filters: bool, scores: bool) -> list[Row]:
        template = self.classes[c].template
        own = template.topology_spread
        arguments = profile.arguments("PodTopologySpread")
        rows: list[Row] = []
        for hard in (True, False):
            if not (filters if hard else scores):
                continue
            action = "DoNotSchedule" if hard else "ScheduleAnyway"
            if own:
                chosen = [x for x in own if (x.get("whenUnsatisfiable") or "DoNotSchedule") == action]
                rows += [self._constraint(c, x, hard, chosen, True) for x in chosen]
                continue
            defaults, system = default_constraints(arguments)
            selector = self._default_selector(c)
            chosen = [{**x, "labelSelector": selector} for x in defaults if x.get("whenUnsatisfiable") == action]
            if selector is not None:
                rows += [self._constraint(c, x, hard, chosen, not system) for x in chosen]
        return rows

    def _default_selector(self, c: int) -> Mapping[str, Any] | None:
        """Selectors of the Services that select the pods and of their owner, joined; None when there is none."""
        one = self.classes[c]
        expressions: list[Any] = []
        exact: dict[str, str] = {}
        for namespace, selector in self.world.services:
            if namespace == one.namespace and selector and selects({"matchLabels": selector}, one.labels):
                exact |= selector
        if one.owner_selector is not None:
            exact |= one.owner_selector.get("matchLabels") or {}
            expressions += one.owner_selector.get("matchExpressions") or []
        return {"matchLabels": exact, "matchExpressions": expressions} if exact or expressions else None

    def _constraint(self, c: int, x: Mapping[str, Any], hard: bool, all_of: list[Any], needs_keys: bool) -> Row:
        one = self.classes[c]
        selector = with_label_keys(x.get("labelSelector"), {"matchLabelKeys": x.get("matchLabelKeys")}, one.labels)
        members = self.crowd.select(selector, frozenset((one.namespace,)))
        group = self.groups.add(dict.fromkeys(members, 1), False)
        key = str(x.get("topologyKey"))
        counted = self._counted(one, x, [str(y.get("topologyKey")) for y in all_of] if needs_keys else [key])
        host = None if hard else (key == HOSTNAME)
        if host:
            counted = [1] * len(self.book.shapes)  # the score looks at the node's own pods, whatever the policies say
        minimum = max(1, int(x.get("minDomains") or 1))
        kind = RULE_SPREAD if hard else RULE_SOFT
        own = self.faces[c] in members
        return self._row(kind, group, key, int(x.get("maxSkew", 1)), own, counted, host, minimum)

    def _counted(self, one: ClassSpec, x: Mapping[str, Any], keys: Sequence[str]) -> list[int]:
        """Shapes whose pods count: all keys present, nodeAffinityPolicy and nodeTaintsPolicy."""
        honor_affinity = (x.get("nodeAffinityPolicy") or "Honor") == "Honor"
        honor_taints = (x.get("nodeTaintsPolicy") or "Ignore") == "Honor"
        counted = []
        for shape in self.book.shapes:
            fits = all(key in shape.labels for key in keys)
            fits = fits and (not honor_affinity or matches_node(one.template, shape.labels))
            counted.append(int(fits and (not honor_taints or not untolerated(one.template.tolerations, shape.taints))))
        return counted

    # --------------------------------------------------------------------------------------------- InterPodAffinity

    def _required(self, c: int) -> list[Row]:
        affinity = self.classes[c].template.affinity or {}
        own_face = self.crowd.faces[self.faces[c]]
        rows: list[Row] = []
        wanted = [term for weight, term in pod_terms(affinity.get("podAffinity")) if weight == 0]
        if wanted:
            all_of = frozenset.intersection(*(self.crowd.meant_by(term, own_face) for term in wanted))
            group = self.groups.add(dict.fromkeys(all_of, 1), True)
            for term in wanted:
                rows.append(self._row(RULE_AFFINITY, group, str(term["topologyKey"]), 0, self.faces[c] in all_of, None))
        for weight, term in pod_terms(affinity.get("podAntiAffinity")):
            if weight == 0:
                group = self.groups.add(dict.fromkeys(self.crowd.meant_by(term, own_face), 1), True)
                rows.append(self._row(RULE_ANTI, group, str(term["topologyKey"]), 0, False, None))
        for key, owners in self._existing.get(("anti", self.faces[c]), {}).items():
            rows.append(self._row(RULE_EXISTING, self.groups.add(owners, True), key, 0, False, None))
        return rows

    def _preferred(self, c: int, arguments: InterPodArgs) -> list[Row]:
        affinity = self.classes[c].template.affinity or {}
        own_face = self.crowd.faces[self.faces[c]]
        rows: list[Row] = []
        for kind, sign in (("podAffinity", 1), ("podAntiAffinity", -1)):
            for weight, term in pod_terms(affinity.get(kind)):
                if weight > 0:
                    group = self.groups.add(dict.fromkeys(self.crowd.meant_by(term, own_face), 1), True)
                    rows.append(self._row(RULE_PREFER, group, str(term["topologyKey"]), sign * weight, False, None))
        if not rows and arguments.ignore_preferred_terms_of_existing_pods:
            return []
        for name, factor in (("prefer", 1), ("avoid", -1), ("need", arguments.hard_pod_affinity_weight)):
            if factor != 0:
                for key, owners in self._existing.get((name, self.faces[c]), {}).items():
                    rows.append(self._row(RULE_PREFER, self.groups.add(owners, True), key, factor, False, None))
        return rows

    def _terms_of_others(self) -> dict[tuple[str, int], dict[str, dict[int, int]]]:
        """(kind of term, face that it selects) -> topology key -> faces of its owners, with how often or how much."""
        found: dict[tuple[str, int], dict[str, dict[int, int]]] = {}
        done: set[tuple[int, str]] = set()
        for c, one in enumerate(self.classes):
            affinity = one.template.affinity or {}
            mark = (self.faces[c], repr(affinity))
            if mark in done:
                continue
            done.add(mark)
            for kind, required, preferred in (("podAffinity", "need", "prefer"), ("podAntiAffinity", "anti", "avoid")):
                for weight, term in pod_terms(affinity.get(kind)):
                    for row in self.crowd.meant_by(term, self.crowd.faces[self.faces[c]]):
                        name = preferred if weight else required
                        owners = found.setdefault((name, row), {}).setdefault(str(term["topologyKey"]), {})
                        owners[self.faces[c]] = owners.get(self.faces[c], 0) + (weight or 1)
        return found
