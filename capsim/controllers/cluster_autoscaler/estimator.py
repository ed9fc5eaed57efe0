"""How many nodes of a group the pending pods need: first-fit-decreasing bin packing.

Source: cluster-autoscaler estimator/binpacking_estimator.go. Thin model: kinds are sorted by CPU plus memory over
allocatable, descending; each pod goes to the first node with room, upcoming nodes first, then to a new one.
"""

from __future__ import annotations

from capsim.jit import entry
from capsim.state.tables import I64


@entry
def pack(
    free: I64, bins: int, template: I64, request: I64, count: I64, allowed: I64, most_new: int, placed: I64
) -> int:
    """Place ``count[k]`` pods of each kind k, in order, into ``free`` [rows, R]; returns the number of new bins opened.

    ``bins`` rows of ``free`` are there already, with ``allowed[row, k]`` = 1 where the kind may go; new ones are copies
    of ``template`` and take every kind with ``allowed[rows, k]`` = 1 in the last row. ``placed[k]`` receives how many
    found room. At most ``most_new`` bins are opened.
    """
    opened = 0
    last = allowed.shape[0] - 1
    for k in range(count.shape[0]):
        placed[k] = 0
        start = 0
        for _ in range(count[k]):
            b = start
            found = -1
            while b < bins + opened:
                rule = b if b < bins else last
                if allowed[rule, k] == 1:
                    room = True
                    for r in range(template.shape[0]):
                        if request[k, r] > 0 and free[b, r] < request[k, r]:
                            room = False
                            break
                    if room:
                        found = b
                        break
                b += 1
            if found < 0 and opened < most_new and allowed[last, k] == 1 and bins + opened < free.shape[0]:
                room = True
                for r in range(template.shape[0]):
                    if request[k, r] > template[r]:
                        room = False
                        break
                if room:
                    found = bins + opened
                    opened += 1
                    for r in range(template.shape[0]):
                        free[found, r] = template[r]
            if found < 0:
                break
            start = found
            placed[k] += 1
            for r in range(template.shape[0]):
                free[found, r] -= request[k, r]
    return opened
