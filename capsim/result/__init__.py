"""What a run leaves: tidy frames with units, a summary, and the folder that holds them."""

from __future__ import annotations

from capsim.result.folder import check_writable, read, write
from capsim.result.model import Result
from capsim.result.summary import Summary

__all__ = ["Result", "Summary", "check_writable", "read", "write"]
