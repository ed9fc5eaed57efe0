"""What the workers of the executor tests do: found by name in another process."""

from __future__ import annotations

import os
import time
from pathlib import Path


def double(number: int) -> int:
    return 2 * number


def worker_of(_: int) -> int:
    time.sleep(0.02)
    return os.getpid()


def die_of_seven(number: int) -> int:
    if number == 7:
        os._exit(1)
    return 2 * number


def note_and_wait(place: str) -> None:
    Path(place).write_text(str(os.getpid()))
    time.sleep(60)
