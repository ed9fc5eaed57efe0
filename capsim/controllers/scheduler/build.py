"""Empty scheduler tables of a compiled program: presence, shapes, index, working memory."""

from __future__ import annotations

import numpy as np

from capsim.controllers.scheduler.extras import ExtraFacts
from capsim.controllers.scheduler.program import Program
from capsim.controllers.scheduler.shapes import ShapeBook
from capsim.state.tables import I64, Classes, Presence
from capsim.state.tables_scheduler import (
    CANDIDATE_COLUMNS,
    CLASS_EVEN,
    HOST_GROUPS,
    LEVELS,
    MEMO_COUNTS,
    MEMO_IMAGES,
    MEMO_SHAPES,
    PAGE,
    SCALARS,
    SCORE_PLUGINS,
    Cycle,
    Shapes,
    Views,
)

INDEX_BYTES = 512 * 2**20
"""Most memory that the index may take; classes beyond it are scanned."""


def page_rows(rows: int) -> int:
    """``rows`` rounded up to whole pages."""
    return max(1, -(-rows // PAGE)) * PAGE


def empty_classes(program: Program, workload: I64, priority: I64, drain: I64) -> Classes:
    """Class table of a program, no pod waiting."""
    count = program.request.shape[0]
    return Classes(
        request=program.request,
        nonzero=program.nonzero,
        workload=workload,
        priority=priority,
        tolerates=program.tolerates,
        shape_reason=program.shape_reason,
        queue_head=np.full(count, -1, np.int64),
        queue_tail=np.full(count, -1, np.int64),
        queue_count=np.zeros(count, np.int64),
        diagnosis=np.full(count, -1, np.int64),
        tried_ms=np.zeros(count, np.int64),
        signature=program.signature,
        gated=np.zeros(count, np.int64),
        watches=np.zeros(count, np.int64),
        drain=drain,
    )


def empty_presence(program: Program, extras: ExtraFacts, rows: int, shapes: int, log: int) -> Presence:
    """No pod on ``rows`` node slots; ``log``: length of the ring of changed nodes, a power of two."""
    groups = program.groups
    count = len(groups.members)
    return Presence(
        start=groups.start,
        group=groups.group,
        weight=groups.weight,
        keeps=np.array(groups.keeps, np.int64),
        on_node=np.zeros((count + len(extras.images), rows), np.int64),
        on_shape=np.zeros((count, max(1, shapes)), np.int64),
        part_start=program.part_start,
        part=program.part,
        attach=program.attach,
        ports=np.zeros((rows, len(extras.ports)), np.int64),
        attached=np.zeros((rows, len(extras.drivers)), np.int64),
        shape_nodes=np.zeros(max(1, shapes), np.int64),
        page=np.full(rows // PAGE, -1, np.int64),
        ordered=np.zeros(1, np.int64),
        log=np.zeros(log, np.int64),
        head=np.zeros(1, np.int64),
    )


def log_length(rows: int) -> int:
    """Length of the ring of changed nodes for ``rows`` node slots."""
    return max(64, 1 << max(1, rows - 1).bit_length())


def empty_shapes(book: ShapeBook, rows: int) -> Shapes:
    """Topology of the shapes; the order of nodes is not known yet."""
    domain, domains = book.domains()
    return Shapes(domain=domain, domains=domains, zone=book.zones(), order=np.zeros(rows, np.int64))


def empty_views(program: Program, rows: int, shapes: int) -> Views:
    """The index, nothing summed up; gives each class its view (``program.rules.view_row``)."""
    keys: dict[tuple[int, tuple[int, ...], bool], int] = {}
    of_class = []
    per_view = (3 * LEVELS * (rows // PAGE) + 4 * LEVELS * max(1, shapes) + rows) * 8
    most = max(1, INDEX_BYTES // per_view)
    for c, groups in enumerate(program.host_groups):
        even = bool(program.rules.flag[c] & CLASS_EVEN)  # the short way keeps its sums for itself
        key = (int(program.signature[c]), groups, even)
        if len(groups) > HOST_GROUPS or (key not in keys and len(keys) >= most):
            of_class.append(-1)
        else:
            of_class.append(keys.setdefault(key, len(keys)))
    program.rules.view_row[:] = of_class
    count = max(1, len(keys))
    signatures = max(1, int(program.signature.max(initial=0)) + 1)
    group = np.full((count, HOST_GROUPS), -1, np.int64)
    signature = np.zeros(count, np.int64)
    for (sig, groups, _), v in keys.items():
        signature[v] = sig
        group[v, : len(groups)] = groups
    page = np.zeros((count, 3, LEVELS, rows // PAGE), np.int64)
    page[:, 0] = -1
    return Views(
        leaf=np.full((signatures, rows), -1, np.int64),
        seen=np.full(signatures, -1, np.int64),
        signature=signature,
        group=group,
        view_seen=np.full(count, -1, np.int64),
        level=np.zeros((count, LEVELS, HOST_GROUPS), np.int64),
        levels=np.zeros(count, np.int64),
        page=page,
        cell=np.zeros((count, 4, LEVELS, max(1, shapes)), np.int64),
        mark=np.full(rows // PAGE, -1, np.int64),
    )


def empty_cycle(program: Program, rows: int, shapes: int, domains: int) -> Cycle:
    """Working memory for ``rows`` node slots."""
    width = max(1, shapes)
    lengths = np.diff(program.rules.start)
    rules = int(lengths.max(initial=0)) + 1
    return Cycle(
        scalar=np.zeros(SCALARS, np.int64),
        candidate=np.zeros((rows + LEVELS * width, CANDIDATE_COLUMNS), np.int64),
        count=np.zeros((rules, width), np.int64),
        total=np.zeros((rules, 2), np.int64),
        domain=np.zeros((2, domains + 2), np.int64),
        weight=np.zeros(rules),
        cell=np.zeros((LEVELS + 1, width), np.int64),
        memo=np.zeros((min(width, MEMO_SHAPES) * MEMO_COUNTS * MEMO_IMAGES, 2), np.int64),
        met=np.zeros((rows, 4), np.int64),
        short=np.zeros((rows, 4), np.int64),
        result=np.zeros((rows, SCORE_PLUGINS + 2), np.int64),
    )
