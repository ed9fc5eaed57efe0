"""Colours by meaning, for light and dark paper; after Okabe and Ito, told apart with any kind of colour vision."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Shade:
    """One meaning: its colour on white and on near-black."""

    light: str
    dark: str


# Areas are opaque and lines at least 3:1 against the paper, so that nothing depends on what is drawn behind.
COLOURS = {
    "arrived": Shade("#8C8C8C", "#9A9A9A"),
    "served": Shade("#0072B2", "#5CB8F0"),
    "lost": Shade("#D55E00", "#F07F2E"),
    "desired": Shade("#1A1A1A", "#F2F2F2"),
    "ready": Shade("#8ED3BE", "#1F7A61"),
    "starting": Shade("#56B4E9", "#2C86BD"),
    "pending": Shade("#D55E00", "#F07F2E"),
    "used": Shade("#9CC7E0", "#2F6C91"),
    "requested": Shade("#B97700", "#F0B340"),
    "allocatable": Shade("#1A1A1A", "#F2F2F2"),
    "money": Shade("#A2487A", "#E08FBB"),
    "booting": Shade("#5B5B5B", "#C9C9C9"),
    "group1": Shade("#74C7A9", "#1F7A61"),
    "group2": Shade("#E8B44C", "#A87408"),
    "group3": Shade("#7FB7D9", "#2F6C91"),
    "group4": Shade("#D89BBD", "#94517A"),
    "group5": Shade("#E68A52", "#B0520F"),
    "group6": Shade("#A9A9A9", "#6B6B6B"),
    "waiting": Shade("#FBE0D1", "#7A4020"),
}
GROUPS = tuple(name for name in COLOURS if name.startswith("group"))
