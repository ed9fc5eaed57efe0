"""A few random scenarios with everything on; ``python -m tests.properties.soak`` runs as many as wanted."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from capsim.jit import PLAIN
from tests.properties.everything import everything
from tests.properties.soak import WAYS, examine, looks_at

pytestmark = pytest.mark.plain


@given(everything(), st.data())
@settings(max_examples=2 if PLAIN else 12)
def test_everything_at_once(scenario, data):
    examine(scenario, looks_at(scenario, data), () if PLAIN else WAYS)
