"""Real traces, against what is published about them; skipped where the folder is absent."""

from __future__ import annotations

import numpy as np
import pytest

from capsim.scenario.series import FileSeries
from capsim.scenario.traces.inspection import inspect
from capsim.scenario.traces.record import recorded


def requests(samples):
    return float((samples.values * np.diff(samples.times_ms, append=samples.end_ms)).sum()) / 1000


def test_the_world_cup_of_1998(real):
    path = real("worldcup98/requests_per_minute.csv.gz")
    samples = recorded(FileSeries(file=path, unit="requests", gaps="zero")).recorded.samples()
    assert requests(samples) == pytest.approx(1_020_006_421)
    assert samples.values.max() == pytest.approx(225_138 / 60)
    facts = inspect(FileSeries(file=path)).series[0]
    assert facts.peaks[0].time == "1998-06-29T16:27:00Z"
    assert facts.oddities["empty"].count == 10
    assert facts.rows == 87_871


def test_nasa_in_july_1995(real):
    by_minute = FileSeries(file=real("nasa-http-1995/requests_per_minute_jul.csv.gz"), unit="requests")
    by_second = FileSeries(
        file=real("nasa-http-1995/requests_per_second_jul.csv.gz"), unit="requests", interval_ms=1000
    )
    for series in (by_minute, by_second):
        assert requests(recorded(series).recorded.samples()) == pytest.approx(1_891_713)


def test_a_load_balancer_with_missing_rows(real):
    path = real("nab-cloudwatch/realAWSCloudwatch/elb_request_count_8c0756.csv")
    facts = inspect(FileSeries(file=path)).series[0]
    assert facts.interval_ms == 300_000
    assert facts.oddities["gaps"].count == 8
    assert facts.longest_gap_ms == 600_000
    samples = recorded(FileSeries(file=path, unit="requests", gaps="zero")).recorded.samples()
    assert requests(samples) == pytest.approx(249_327)


def test_single_requests_of_a_language_model(real):
    series = FileSeries(file=real("azure-llm-2023/AzureLLMInferenceTrace_code.csv.gz"), unit="events")
    assert requests(recorded(series).recorded.samples()) == pytest.approx(8819)


def test_tweets_by_second_without_a_column_of_times(real):
    series = FileSeries(file=real("twitter-stream-2021/tweets_per_second.csv.gz"), unit="requests", interval_ms=1000)
    samples = recorded(series).recorded.samples()
    assert requests(samples) == pytest.approx(120_774_326)
    assert samples.values.max() == 388
