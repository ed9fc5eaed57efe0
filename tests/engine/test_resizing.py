"""Node groups that get their size by hand or by the clock."""

from __future__ import annotations

import pytest

from capsim import load, run
from capsim.scenario import Instance, Toleration
from tests.engine.clusters import GIB, cluster, deployment, group
from tests.engine.faults.stories import event, played
from tests.engine.test_happenings import BASE

pytestmark = [pytest.mark.plain]
HOUR_MS = 3_600_000


def sized(tmp_path, schedule: str = "[]", events: str = "[]", duration: str = "10m", extra: str = ""):
    path = tmp_path / "sizes.yaml"
    text = BASE.replace("max: 6, initial: 2,", f"max: 6, initial: 2, schedule: {schedule},")
    text = text.replace("duration: 10m", f"duration: {duration}").replace("events:\n", f"events: {events}\n")
    path.write_text(text + extra)
    return run(load(path))


def test_a_larger_size_orders_nodes_that_boot(tmp_path):
    result = sized(tmp_path, events="[{at: 1m, resize: {group: n, size: 4}}]")
    new = result.nodes[result.nodes["requested_ms"] == 60_000]
    assert new["name"].tolist() == ["n-3", "n-4"]
    assert new["ready_ms"].tolist() == [120_000, 120_000]


def test_a_smaller_size_drains_and_deletes_the_oldest(tmp_path):
    result = sized(tmp_path, events="[{at: 1m, resize: {group: n, size: 4}}, {at: 5m, resize: {group: n, size: 3}}]")
    nodes = result.nodes.set_index("name")
    assert nodes.loc["n-1", "deleting_ms"] == 300_000
    assert nodes.loc["n-1", "gone_ms"] == 310_000, "deleteDelay is 10 s"
    assert nodes.drop(index="n-1")["gone_ms"].isna().all()
    moved = result.pods[(result.pods["node"] == "n-1") & result.pods["workload"].str.endswith("web")]
    assert (moved["deleted_ms"] == 300_000).all()
    assert result.series["workloads"].query("workload == 'default/Deployment/web'")["ready"].iloc[-1] == 2


def test_a_machine_that_is_deleted_while_it_boots_never_comes_up(tmp_path):
    """It boots for a minute; deleteDelay is 10 s, and longer than the rest of the boot in the second case."""
    for at, gone_ms in (("70s", 80_000), ("115s", 125_000)):
        events = f"[{{at: 1m, resize: {{group: n, size: 3}}}}, {{at: {at}, resize: {{group: n, size: 2}}}}]"
        result = sized(tmp_path, events=events)
        node = result.nodes.set_index("name").loc["n-3"]
        assert node[["ready_ms"]].isna().all()
        assert node["gone_ms"] == gone_ms
        groups = result.series["node_groups"].query("node_group == 'n'")
        assert groups["nodes_ready"].max() == 2
        assert groups[["nodes_booting", "nodes_deleting"]].iloc[-1].tolist() == [0, 0]


def test_limits_pull_the_size_along(tmp_path):
    result = sized(
        tmp_path, events="[{at: 1m, resize: {group: n, min: 3}}, {at: 5m, resize: {group: n, min: 0, max: 1}}]"
    )
    there = result.series["totals"].set_index("time_ms")["nodes_ready"]
    assert there.loc[240_000] == 3
    assert there.iloc[-1] == 1


def test_sizes_by_the_clock_of_a_zone(tmp_path):
    """2026-01-01, 00:00 UTC is a Thursday; Berlin is an hour ahead."""
    day = "{cron: '0 8 * * 1-5', timeZone: Europe/Berlin, size: 5}"
    night = "{cron: '0 18 * * *', timeZone: Europe/Berlin, size: 2}"
    result = sized(tmp_path, f"[{day}, {night}]", duration="4d")
    asked = sorted(set(result.nodes["requested_ms"]) - {0})
    assert [at for at in asked if at > 0] == [7 * HOUR_MS, 31 * HOUR_MS], "not on Saturday and Sunday"
    gone = sorted(set(result.nodes["deleting_ms"].dropna()))
    assert gone == [17 * HOUR_MS, 41 * HOUR_MS]


def test_the_autoscaler_works_within_scheduled_limits(tmp_path):
    result = sized(
        tmp_path, "[{cron: '5 * * * *', min: 4}]", duration="15m", extra="\nclusterAutoscaler: {scan-interval: 10s}\n"
    )
    assert result.series["totals"]["nodes_ready"].iloc[-1] >= 4


@pytest.mark.parametrize(
    ("schedule", "found"),
    [
        ("[{cron: '61 * * * *', size: 1}]", "is no cron expression"),
        ("[{cron: '* * * *', size: 1}]", "not five fields"),
        ("[{cron: '@sometimes', size: 1}]", "not five fields"),
        ("[{cron: '@daily'}]", "nothing is set"),
        ("[{cron: '@daily', min: 4, max: 2}]", "min 4 is above max 2"),
        ("[{cron: '@daily', size: 1, timeZone: Europe/Berlim}]", "did you mean"),
    ],
)
def test_what_cannot_be_a_schedule_is_said_with_its_place(tmp_path, schedule, found):
    from capsim.errors import ScenarioError

    with pytest.raises(ScenarioError) as error:
        sized(tmp_path, schedule)
    assert found in str(error.value)
    assert "sizes.yaml" in str(error.value)
    assert "schedule" in str(error.value)


def test_summer_time(tmp_path):
    """Berlin's clock went from 2:00 to 3:00 on 2026-03-29: half past two is due at three."""
    from datetime import UTC, datetime

    from capsim.scenario.cron import due_ms

    start = datetime(2026, 3, 28, 12, tzinfo=UTC)
    due = list(due_ms("30 2 * * *", "Europe/Berlin", start, 2 * 24 * HOUR_MS))
    assert due == [13 * HOUR_MS, 36 * HOUR_MS + HOUR_MS // 2]


def test_who_tolerates_a_cordon_takes_what_others_leave_on_a_node_that_goes():
    """The scheduler hears of every assigned pod that is deleted, whatever its node is about to become."""
    stays = deployment("b", 0, tolerations=(Toleration(operator="Exists"),))
    instance = Instance(cpu_milli=4000, memory_bytes=64 * GIB, pods=1)
    events = [event(5_000, scale={"target": stays.key, "replicas": 1}), event(60_000, resize={"group": "n", "size": 0})]
    made = cluster(
        [deployment("a", 1), stays], [group(instance=instance, max=1)], initial_state="declared", events=events
    )
    _, result = played(made)
    bound = result.pods[(result.pods.workload == stays.key) & (result.pods.scheduled_ms > 0)]
    assert 62_000 <= bound.scheduled_ms.iloc[0] < 63_000
    assert bound.gone_ms.iloc[0] == 70_000
