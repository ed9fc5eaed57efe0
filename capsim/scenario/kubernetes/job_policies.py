"""Reads podFailurePolicy, successPolicy and what goes with them, with the API server's checks.

Source: kubernetes v1.36 pkg/apis/batch/validation (validatePodFailurePolicy, validateSuccessPolicy, validateJobSpec).
"""

from __future__ import annotations

import re
from typing import Any, get_args

from capsim.scenario.document import describe
from capsim.scenario.kubernetes.fields import coverage
from capsim.scenario.kubernetes.job import Action, FailureRule, SuccessRule
from capsim.scenario.kubernetes.reading import Reading
from capsim.scenario.kubernetes.registry import Source

MOST_RULES = 20
ACTIONS = get_args(Action)
_INDEXES = re.compile(r"\d+(-\d+)?(,\d+(-\d+)?)*")

coverage("PodFailurePolicy", "rules")
coverage("PodFailurePolicyRule", "action onExitCodes onPodConditions")
coverage("SuccessPolicy", "rules")
coverage("SuccessPolicyRule", "succeededIndexes succeededCount")


class PolicyReader:
    """Policies of the Job spec at ``path``; problems go to the reading."""

    def __init__(self, source: Source, path: tuple[str, ...], reading: Reading) -> None:
        self.source, self.path, self.reading = source, path, reading

    def read(self, indexed: bool, completions: int | None, restarts: bool) -> dict[str, Any]:
        """Fields of JobSettings."""
        per_index = self._number("backoffLimitPerIndex")
        most = self._number("maxFailedIndexes")
        if per_index is not None and not indexed:
            self._fail(("backoffLimitPerIndex",), "only with completionMode Indexed", per_index, "nothing")
        if most is not None and per_index is None:
            self._fail(("maxFailedIndexes",), "only with backoffLimitPerIndex", most, "nothing")
        elif most is not None and most > (completions or 0):
            self._fail(("maxFailedIndexes",), "more than completions", most, f"at most {completions}")
        failure = self._failure_rules(per_index is not None, restarts)
        return {
            "backoff_limit_per_index": per_index,
            "max_failed_indexes": most,
            "failure": failure,
            "success": self._success_rules(indexed, completions or 0),
            "replaces_late": self._replaces_late(bool(failure)),
            "restarts": restarts,
        }

    def _get(self, *keys: str) -> Any:
        return self.source.get(*self.path, *keys)

    def _fail(self, keys: tuple[str, ...], message: str, found: Any, allowed: str) -> None:
        whole = (*self.path, *keys)
        text = describe(found) if found is not None else ""
        self.reading.problem(self.source.object_name, ".".join(whole), message, self.source.at(*whole), text, allowed)

    def _number(self, key: str) -> int | None:
        value: int | None = self._get(key)
        if value is not None and value < 0:
            self._fail((key,), "negative", value, "0 or more")
            return None
        return value

    def _replaces_late(self, has_policy: bool) -> bool:
        policy = self._get("podReplacementPolicy") or ("Failed" if has_policy else "TerminatingOrFailed")
        key = ("podReplacementPolicy",)
        if policy not in ("Failed", "TerminatingOrFailed"):
            self._fail(key, "unknown policy", policy, "TerminatingOrFailed, Failed")
        elif has_policy and policy != "Failed":
            self._fail(key, "not with a podFailurePolicy", policy, "Failed")
        return bool(policy == "Failed")

    def _failure_rules(self, per_index: bool, restarts: bool) -> tuple[FailureRule, ...]:
        key = "podFailurePolicy"
        rules = self._get(key, "rules") or []
        if self._get(key) is not None and restarts:
            self._fail((key,), "only with restartPolicy Never", "OnFailure", "restartPolicy: Never")
        if len(rules) > MOST_RULES:
            self._fail((key, "rules"), "too many rules", len(rules), f"at most {MOST_RULES}")
        found = [self._failure_rule(rule, per_index) for rule in rules]
        return tuple(rule for rule in found if rule is not None)

    def _failure_rule(self, rule: Any, per_index: bool) -> FailureRule | None:
        key = ("podFailurePolicy", "rules")
        action, codes, conditions = (rule.get(name) for name in ("action", "onExitCodes", "onPodConditions"))
        if action not in ACTIONS:
            self._fail(key, "unknown action", action, ", ".join(ACTIONS))
        elif action == "FailIndex" and not per_index:
            self._fail(key, "FailIndex needs backoffLimitPerIndex", action, "Count, Ignore, FailJob")
        elif (codes is None) == (not conditions):
            self._fail(key, "a rule has exit codes or conditions", None, "onExitCodes or onPodConditions")
        elif codes is None:
            names = tuple(str(one.get("type")) for one in conditions if str(one.get("status", "True")) == "True")
            return FailureRule(action=action, conditions=names)
        elif codes.get("operator") not in ("In", "NotIn") or not codes.get("values"):
            self._fail(key, "wrong exit codes", codes.get("operator"), "operator In or NotIn, and values")
        elif codes["operator"] == "In" and 0 in codes["values"]:
            self._fail(key, "0 is no failure", 0, "exit codes of failures with In")
        else:
            values = tuple(codes["values"])
            name = codes.get("containerName")
            return FailureRule(action=action, container=name, operator=codes["operator"], values=values)
        return None

    def _success_rules(self, indexed: bool, completions: int) -> tuple[SuccessRule, ...]:
        key = ("successPolicy", "rules")
        policy = self._get("successPolicy")
        rules = self._get(*key) or []
        if policy is None:
            return ()
        if not indexed:
            self._fail(("successPolicy",), "only with completionMode Indexed", None, "nothing")
        elif not 0 < len(rules) <= MOST_RULES:
            self._fail(key, "wrong number of rules", len(rules), f"1 to {MOST_RULES}")
        found = [self._success_rule(rule, completions) for rule in rules]
        return tuple(rule for rule in found if rule is not None)

    def _success_rule(self, rule: Any, completions: int) -> SuccessRule | None:
        key = ("successPolicy", "rules")
        indexes, count = rule.get("succeededIndexes"), rule.get("succeededCount")
        if indexes is None and count is None:
            self._fail(key, "a rule has indexes or a count", None, "succeededIndexes, succeededCount or both")
            return None
        if indexes is not None and not _INDEXES.fullmatch(indexes):
            self._fail(key, "not indexes", indexes, "such as 0,2-4")
            return None
        made = SuccessRule(indexes=indexes, count=count if count is None or count >= 0 else 0)
        flat = [index for pair in made.ranges(completions) for index in pair]
        if flat != sorted(flat) or flat[-1] >= completions:
            self._fail(key, "not indexes of the Job", indexes, f"ascending, up to {completions - 1}")
        elif count is not None and not 0 < count <= SuccessRule(indexes=indexes).needed(completions):
            self._fail(key, "more or less than can succeed", count, "1 to the number of indexes")
        else:
            return made
        return None
