"""How a command ends when something is wrong: every problem on a line of its own, and the exit code of its kind."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import typer

from capsim.errors import CapsimError

INTERRUPTED = 130


@contextmanager
def reported() -> Iterator[None]:
    """Print capsim's own errors without a traceback and leave with their exit code."""
    try:
        yield
    except CapsimError as error:
        show(error)
        raise typer.Exit(error.exit_code) from None
    except KeyboardInterrupt:
        typer.secho("interrupted", err=True, fg="red")
        raise typer.Exit(INTERRUPTED) from None
    except BrokenPipeError:
        # The reader (head, less) has seen enough; closing stdout at exit must not complain again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        raise typer.Exit(0) from None


def show(error: CapsimError) -> None:
    """Print every problem of an error to stderr, and how many there are if there is more than one."""
    for problem in error.problems:
        typer.echo(f"{typer.style('error', fg='red', bold=True)}: {problem}", err=True)
    if len(error.problems) > 1:
        typer.echo(f"{len(error.problems)} problems", err=True)


def wrong_usage(message: str) -> typer.Exit:
    """A mistake on the command line: prints it, and is raised by the caller (exit code 2)."""
    typer.echo(f"{typer.style('error', fg='red', bold=True)}: {message}", err=True)
    return typer.Exit(2)


def seconds(option: str, text: str) -> float:
    """A duration of the command line in seconds; a mistake when it is none."""
    from capsim.units import DURATION_FORMS, parse_duration_ms

    try:
        return parse_duration_ms(text) / 1000
    except ValueError:
        raise wrong_usage(f"{option}: not a duration; found {text!r}; allowed: {DURATION_FORMS}") from None
