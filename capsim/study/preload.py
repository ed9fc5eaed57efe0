"""What worker processes start with: all libraries, and every kernel compiled or read from the cache, loaded once.

Importing this module does it. The fork server imports it before it forks the first worker, so that compilation
(minutes, on the first run of a machine) happens once, and a worker is ready within milliseconds.
"""

from __future__ import annotations

import gc
import os
import signal
import threading

gc.disable()  # what is imported stays: looking through it while it grows finds nothing
for _variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_variable, "1")  # the cores are the workers'
if threading.current_thread() is threading.main_thread():
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C goes to all processes of a terminal; the parent decides

from capsim.engine.run import warm  # noqa: E402

warm()
gc.collect()
gc.enable()
gc.freeze()  # a million objects that stay: no collection looks at them again, and forked workers share their pages
