"""Stations against an independent simulation: the error table of docs/fidelity.md."""
