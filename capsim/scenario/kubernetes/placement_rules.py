"""Checks of affinity and spread constraints, as the API server makes them (pkg/apis/core/validation)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

Complain = Callable[[tuple[str, ...], str, str, str], None]
"""Takes the key below spec, what is wrong, what was found, what is allowed."""
REQUIRED, PREFERRED = (
    "requiredDuringSchedulingIgnoredDuringExecution",
    "preferredDuringSchedulingIgnoredDuringExecution",
)
NODE_OPERATORS = ("In", "NotIn", "Exists", "DoesNotExist", "Gt", "Lt")
ACTIONS = ("DoNotSchedule", "ScheduleAnyway")
WEIGHTS = "a whole number, 1 to 100"


def check_spread(constraints: Sequence[Mapping[str, Any]], complain: Complain) -> None:
    """topologySpreadConstraints."""
    for constraint in constraints:
        key = ("topologySpreadConstraints",)
        skew, action = constraint.get("maxSkew"), constraint.get("whenUnsatisfiable")
        if not isinstance(skew, int) or skew < 1:
            complain(key, "wrong maxSkew", str(skew), "a whole number, at least 1")
        if not constraint.get("topologyKey"):
            complain(key, "no topologyKey", "", "a label of nodes")
        if action not in ACTIONS:
            complain(key, "wrong whenUnsatisfiable", str(action), ", ".join(ACTIONS))
        domains = constraint.get("minDomains")
        if domains is not None and (domains < 1 or action != "DoNotSchedule"):
            complain(key, "wrong minDomains", str(domains), "at least 1, and only with DoNotSchedule")


def check_affinity(affinity: Mapping[str, Any], complain: Complain) -> None:
    """nodeAffinity, podAffinity and podAntiAffinity."""
    _check_nodes(affinity.get("nodeAffinity") or {}, complain)
    for kind in ("podAffinity", "podAntiAffinity"):
        terms = affinity.get(kind) or {}
        for term in terms.get(REQUIRED) or []:
            _check_pods(term, ("affinity", kind, REQUIRED), complain)
        for preferred in terms.get(PREFERRED) or []:
            _check_weight(preferred, ("affinity", kind, PREFERRED), complain)
            _check_pods(preferred.get("podAffinityTerm") or {}, ("affinity", kind, PREFERRED), complain)


def _check_nodes(affinity: Mapping[str, Any], complain: Complain) -> None:
    required = affinity.get(REQUIRED)
    if required is not None:
        terms = required.get("nodeSelectorTerms") or []
        if not terms:
            complain(("affinity", "nodeAffinity", REQUIRED), "no nodeSelectorTerms", "", "at least one term")
        for term in terms:
            _check_term(term, ("affinity", "nodeAffinity", REQUIRED), complain)
    for preferred in affinity.get(PREFERRED) or []:
        _check_weight(preferred, ("affinity", "nodeAffinity", PREFERRED), complain)
        _check_term(preferred.get("preference") or {}, ("affinity", "nodeAffinity", PREFERRED), complain)


def _check_term(term: Mapping[str, Any], key: tuple[str, ...], complain: Complain) -> None:
    for expression in term.get("matchExpressions") or []:
        _check_expression(expression, key, complain)
    for field in term.get("matchFields") or []:
        if field.get("key") != "metadata.name" or field.get("operator") not in ("In", "NotIn"):
            complain(key, "wrong matchFields", str(field.get("key")), "metadata.name with In or NotIn")


def _check_expression(expression: Mapping[str, Any], key: tuple[str, ...], complain: Complain) -> None:
    operator, values = expression.get("operator"), expression.get("values") or []
    if operator not in NODE_OPERATORS:
        complain(key, "unknown operator", str(operator), ", ".join(NODE_OPERATORS))
    elif operator in ("Gt", "Lt"):
        if len(values) != 1 or not _is_whole(values[0]):
            complain(key, f"wrong values of {operator}", ", ".join(map(str, values)), "one whole number, as text")
    elif (operator in ("In", "NotIn")) != bool(values):
        complain(key, f"wrong values of {operator}", ", ".join(map(str, values)), "values with In and NotIn only")


def _check_pods(term: Mapping[str, Any], key: tuple[str, ...], complain: Complain) -> None:
    if not term.get("topologyKey"):
        complain(key, "no topologyKey", "", "a label of nodes")


def _check_weight(preferred: Mapping[str, Any], key: tuple[str, ...], complain: Complain) -> None:
    weight = preferred.get("weight")
    if not isinstance(weight, int) or not 1 <= weight <= 100:
        complain(key, "wrong weight", str(weight), WEIGHTS)


def _is_whole(value: Any) -> bool:
    try:
        int(value)
    except (TypeError, ValueError):
        return False
    return True
