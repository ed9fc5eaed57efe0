"""Addresses: what subnets have left, and what nodes have taken for themselves and their pods."""

from __future__ import annotations

# Columns of ``Groups.subnet``: addresses that nobody has, and 1 where somebody waits for one.
SN_FREE, SN_WANTED = 0, 1
# Columns of ``Groups.net``: addresses that a node takes at a time, how many it keeps free, how long those of a pod that
# is gone are kept back, ms, 1: a node gets one block for good when it registers, and how many of that no pod gets.
NET_BLOCK, NET_WARM, NET_COOL_MS, NET_FIXED, NET_LOST = range(5)
NET_COLUMNS = 5
# Columns of ``Nodes.net``: subnet of the machine and of its pods (-1: none); blocks that the node has; pods that have
# an address, and addresses that are kept back; 1: it would be Ready, had it a block.
N_MACHINE, N_PODS, N_BLOCKS, N_USED, N_COOLING, N_WAITS = range(6)
N_COLUMNS = 6
