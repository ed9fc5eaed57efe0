"""Where compiled kernels are kept; asked without loading the compiler."""

from __future__ import annotations

import os
from pathlib import Path


def cache_root() -> Path:
    """Folder that holds compiled kernels: ``$CAPSIM_CACHE_DIR``, else ``~/.cache/capsim`` or its XDG equivalent."""
    chosen = os.environ.get("CAPSIM_CACHE_DIR")
    if chosen:
        return Path(chosen)
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "capsim"


def is_cold() -> bool:
    """Whether the first run will compile: there are no kernels yet, and plain Python was not asked for."""
    root = cache_root()
    plain = os.environ.get("NUMBA_DISABLE_JIT", "0") not in ("", "0")
    return not plain and not (root.is_dir() and any(root.iterdir()))
