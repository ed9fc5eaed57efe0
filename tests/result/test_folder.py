"""The run folder: read back as written, the same bytes each time, and never half a result."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys

import pandas as pd
import pytest

from capsim.errors import OutputError
from capsim.result import check_writable, folder, read, write
from tests.result import story


def files(place):
    return {path.relative_to(place).as_posix(): path.read_bytes() for path in place.rglob("*") if path.is_file()}


def test_written_and_read_back(tmp_path):
    result = story.result()
    again = read(write(result, tmp_path / "run"))
    for name in folder.SERIES:
        pd.testing.assert_frame_equal(again.series[name], result.series[name])
    for name in folder.TABLES:
        pd.testing.assert_frame_equal(getattr(again, name), getattr(result, name), check_dtype=name != "pods")
    assert again.summary == result.summary
    assert again.scenario == result.scenario


def test_same_bytes_twice(tmp_path):
    first, second = (files(write(story.result(), tmp_path / name)) for name in ("a", "b"))
    assert first == second
    assert {"run.json", "summary.json", "scenario.resolved.yaml", "pods.parquet", "series/totals.parquet"} <= set(first)


def test_run_json_names_what_it_takes_to_repeat_the_run(tmp_path):
    run = json.loads((write(story.result(), tmp_path / "run") / "run.json").read_text())
    assert run["partial"] is False
    assert {"capsim", "scenario_sha256", "seed", "command", "python", "libraries"} <= set(run["provenance"])
    assert run["files"]["summary.json"] == (tmp_path / "run" / "summary.json").stat().st_size
    assert {"ignored", "not_modelled", "guessed"} <= set(run["inventory"])
    assert {"scheduler", "kubelet"} <= set(run["thin_models"])


def test_a_second_run_removes_what_only_the_first_one_had(tmp_path):
    write(story.result(), tmp_path, {"figures/overview.png": lambda path: path.write_text("picture")})
    (tmp_path / "notes.txt").write_text("mine")
    write(story.result(), tmp_path)
    assert not (tmp_path / "figures" / "overview.png").exists()
    assert (tmp_path / "notes.txt").read_text() == "mine"


def test_disk_full_leaves_what_was_there(tmp_path):
    def full(path):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    before = files(write(story.result(), tmp_path))
    with pytest.raises(OutputError, match=r"No space left on device while writing figures/overview.png .* unchanged"):
        write(story.result(), tmp_path, {"figures/overview.png": full})
    assert files(tmp_path) == before


@pytest.mark.skipif(sys.platform == "win32", reason="RLIMIT_FSIZE is POSIX")
def test_a_real_failure_of_the_file_system_in_mid_parquet(tmp_path):
    script = (
        "import resource, signal; from pathlib import Path;"
        "from capsim.result import write; from tests.result import story;"
        "result = story.result(); result.summary; signal.signal(signal.SIGXFSZ, signal.SIG_IGN);"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (12000, 12000));"
        f"write(result, Path({str(tmp_path / 'run')!r}))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert "OutputError" in done.stderr
    assert "File too large while writing series/" in done.stderr
    assert files(tmp_path) == {}


def test_unwritable_places(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError, match=r"cannot write to .*Nothing was written"):
        check_writable(tmp_path / "file" / "run")
    with pytest.raises(OutputError, match="--out"):
        write(story.result(), tmp_path / "file")


def test_what_is_not_a_run_folder(tmp_path):
    with pytest.raises(OutputError, match="not a readable run folder"):
        read(tmp_path)
    (write(story.result(), tmp_path) / "pods.parquet").write_bytes(b"PAR1")
    with pytest.raises(OutputError, match="not a readable run folder"):
        read(tmp_path)
