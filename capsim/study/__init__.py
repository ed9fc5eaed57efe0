"""Many runs: batches over scenarios and seeds, and the comparison of two runs or batches.

``capsim.study.batch`` and ``capsim.study.compare`` hold the two; nothing heavy is imported here, because worker
processes pass through this file before they know how many threads the libraries may start.
"""

from __future__ import annotations
