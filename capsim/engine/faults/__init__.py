"""What breaks in a run, and what the control plane makes of it: rare, so it is Python over a few compiled steps.

``agenda`` is the calendar of such things, merged into the loop as scenario events; ``machines`` is the world's side
(nodes that fall silent, zones, spot reclaims, random failures), ``lifecycle`` the node lifecycle and taint eviction
controllers, ``drains`` and ``upgrades`` what an operator does, ``control`` the control plane's own quorum.
"""
