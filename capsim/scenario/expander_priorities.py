"""The ConfigMap of the priority expander: numbers, each with regular expressions over group names.

Source: cluster-autoscaler expander/priority/priority.go. Regular expressions are Python's, which read what Go's RE2
accepts; a few constructs that only Python knows are taken too.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import yaml


@dataclass(frozen=True)
class Priorities:
    """Expressions by priority."""

    rules: tuple[tuple[int, tuple[re.Pattern[str], ...]], ...]

    def highest(self, name: str) -> int:
        """The highest priority that matches a group's name, -1: none (upstream starts at -1 too)."""
        return max((rank for rank, rules in self.rules if any(r.search(name) for r in rules)), default=-1)

    def matches(self, name: str) -> bool:
        """Whether any rule names the group."""
        return any(r.search(name) for _, rules in self.rules for r in rules)


def read_priorities(text: str | None) -> Priorities | None:
    """The rules of a ConfigMap's value; None when there is none or it cannot be read: then no option is filtered."""
    try:
        return parse_priorities(text or "")
    except ValueError:
        return None


def parse_priorities(text: str) -> Priorities:
    """The rules of a ConfigMap's value; raises ValueError, in words for people, where it cannot be read."""
    if not text:
        raise ValueError("priority configuration is empty")
    try:
        content = yaml.safe_load(text)
    except yaml.YAMLError as problem:
        raise ValueError(f"not YAML: {problem}") from problem
    if content is None:
        return Priorities(())
    if not isinstance(content, dict):
        raise ValueError("not a mapping from priorities to lists of regular expressions")
    rules = []
    for rank, patterns in content.items():
        if not isinstance(rank, int) or isinstance(rank, bool):
            raise ValueError(f"priority {rank!r} is not a whole number")
        if not isinstance(patterns, list | type(None)):
            raise ValueError(f"priority {rank}: not a list of regular expressions")
        try:
            rules.append((rank, tuple(re.compile(str(pattern)) for pattern in patterns or [])))
        except re.error as problem:
            raise ValueError(f"priority {rank}: {problem}") from problem
    return Priorities(tuple(rules))
