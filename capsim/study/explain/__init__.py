"""Why a run went as it did: a run folder's scenario is run again, deterministically, and looked at on the way."""

from __future__ import annotations
