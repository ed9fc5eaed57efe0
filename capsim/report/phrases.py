"""How numbers read in a sentence."""

from __future__ import annotations

from capsim.units import format_duration


def clock(time_ms: int) -> str:
    """A moment of the run.

    >>> clock(255_000), clock(183_600_000)
    ('0:04:15', '2d 03:00:00')
    """
    seconds = round(time_ms / 1000)
    days, rest = divmod(seconds, 86_400)
    hours, minutes, seconds = rest // 3600, rest // 60 % 60, rest % 60
    return f"{days}d {hours:02}:{minutes:02}:{seconds:02}" if days else f"{hours}:{minutes:02}:{seconds:02}"


def span(seconds: float) -> str:
    """A length of time as Kubernetes writes it, to the second from one minute on.

    >>> span(956.2), span(2.5), span(0.034)
    ('15m56s', '2.5s', '0.034s')
    """
    return format_duration(round(seconds) * 1000) if seconds >= 59.95 else f"{seconds:.3g}s"


def milliseconds(ms: float) -> str:
    """A response time.

    >>> milliseconds(3.456), milliseconds(287.4), milliseconds(30_250.0)
    ('3.5 ms', '287 ms', '30.2 s')
    """
    if ms < 1000.0:
        return f"{ms:.2g} ms" if ms < 10.0 else f"{ms:.0f} ms"
    return f"{ms / 1000.0:.3g} s"


def count(number: int, noun: str) -> str:
    """``1 node``, ``3 nodes``."""
    return f"{number:,} {noun}" + ("" if number == 1 else "s")


def requests(number: float) -> str:
    """A number of requests, short.

    >>> requests(1234.4), requests(4_321_000), requests(2.6e12)
    ('1,234', '4.32 M', '2,600.00 G')
    """
    if number >= 1e6:
        return f"{number / 1e6:.3g} M" if number < 1e9 else f"{number / 1e9:,.2f} G"
    return f"{number:,.0f}"


def percent(ratio: float) -> str:
    """Whole percent from 10 on, two significant digits below.

    >>> percent(0.4567), percent(0.0234), percent(0.0)
    ('46 %', '2.3 %', '0 %')
    """
    value = ratio * 100.0
    return f"{value:,.0f} %" if value >= 9.95 or value == 0 else f"{value:.2g} %"


def share(ratio: float | None) -> str:
    """:func:`percent`, or a dash for what does not exist."""
    return "–" if ratio is None else percent(ratio)


def short_name(key: str) -> str:
    """A workload's name without its kind, and without the namespace when that is ``default``.

    >>> short_name("default/Deployment/app10"), short_name("shop/Deployment/cart")
    ('app10', 'shop/cart')
    """
    namespace, _, rest = key.partition("/")
    name = rest.rpartition("/")[2]
    if not name:
        return key
    return name if namespace == "default" else f"{namespace}/{name}"
