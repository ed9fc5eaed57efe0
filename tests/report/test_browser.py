"""The page in a browser: at the width of a screen and of a phone, light and dark, without network."""

from __future__ import annotations

import html
import json
import re
import shutil
import subprocess

import numpy as np
import pytest
from matplotlib.image import imread

from capsim.report import save
from capsim.report.write import write_report
from tests.result import story

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
QUIET = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update", "--hide-scrollbars",
    "--force-device-scale-factor=1",
)  # fmt: skip
PROBE = """<script>
const seen = [...document.querySelectorAll("body *")].filter(each => each.getClientRects().length);
const small = seen.filter(each => each.childElementCount === 0 && each.textContent.trim()
  && parseFloat(getComputedStyle(each).fontSize) < 12);
parent.postMessage(JSON.stringify({
  narrow: [...document.querySelectorAll(".box")].filter(each => each.clientWidth < 0.55 * innerWidth).length,
  width: innerWidth, wide: document.documentElement.scrollWidth, small: small.length,
  loaded: performance.getEntriesByType("resource").filter(each => !each.name.startsWith("data:")).length,
}), "*");
</script>"""
# A window is never narrower than 500 pixels; a frame in it can be.
FRAME = """<script>onmessage = message => document.querySelector("pre").textContent = message.data</script>
<pre></pre><iframe src="probe.html" style="border: 0; width: {width}px; height: 900px"></iframe>"""

pytestmark = pytest.mark.skipif(BROWSER is None, reason="no Chromium (Debian: apt-get install chromium)")


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    folder = save(_with_long_names(), tmp_path_factory.mktemp("run") / "app10", figures=False)
    return write_report(folder, figures=False)[0]


def _with_long_names():
    """Nodes are called as clouds call them."""
    cloud = {f"worker-{n}": f"ip-10-0-12-{n}.eu-central-1.compute.internal" for n in (1, 2, 3)}
    pods, nodes = story.pods(), story.nodes()
    return story.result(
        pods=pods.assign(node=pods["node"].map(cloud)), nodes=nodes.assign(name=nodes["name"].map(cloud))
    )


def browse(page, tmp_path, *words):
    command = [BROWSER, *QUIET, f"--user-data-dir={tmp_path / 'profile'}", *words, page.as_uri()]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=True).stdout


@pytest.mark.parametrize("width", [1280, 390])
def test_everything_fits_and_nothing_is_loaded(page, tmp_path, width):
    probe = tmp_path / "probe.html"
    text = re.sub(r"<meta http-equiv=[^>]*>", "", page.read_text(encoding="utf-8"))
    probe.write_text(text.replace("</body>", PROBE + "</body>"), encoding="utf-8")
    frame = tmp_path / "frame.html"
    frame.write_text(FRAME.format(width=width), encoding="utf-8")
    shown = browse(frame, tmp_path, "--window-size=1400,1000", "--virtual-time-budget=5000", "--dump-dom")
    found = json.loads(html.unescape(re.search(r"<pre>(.*?)</pre>", shown).group(1)))
    assert found == {"width": width, "wide": width, "small": 0, "narrow": 0, "loaded": 0}


@pytest.mark.parametrize(("scheme", "dark"), [(1, False), (0, True)])
def test_light_and_dark(page, tmp_path, scheme, dark):
    picture = tmp_path / "shot.png"
    setting = f"--blink-settings=preferredColorScheme={scheme}"
    browse(page, tmp_path, "--window-size=390,4000", setting, f"--screenshot={picture}")
    pixels = imread(picture)[..., :3]
    assert pixels.shape == (4000, 390, 3)
    assert (np.median(pixels) < 0.2) == dark
    assert len(np.unique((pixels * 15).astype(int).reshape(-1, 3), axis=0)) > 30  # charts, not a blank page
