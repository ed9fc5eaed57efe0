"""Benchmarks of capsim, and the command that compares them with a baseline: ``python -m benchmarks.compare``.

See docs/guide/benchmarks.md.
"""
