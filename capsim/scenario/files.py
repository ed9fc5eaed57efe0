"""Finding and reading the files of a scenario."""

from __future__ import annotations

import glob
import gzip
import io
import os
import re
import zlib
from pathlib import Path

from capsim.errors import Problem
from capsim.scenario.document import Mark, Reader

SUFFIXES = (".yaml", ".yml", ".json", ".yaml.gz", ".yml.gz", ".json.gz")
SCENARIO_NAMES = ("scenario.yaml", "scenario.yml")
MAX_BYTES = 128 * 2**20
_SURROGATES = re.compile(r"(?<!\\)((?:\\\\)*)\\u([dD][89abAB][0-9a-fA-F]{2})\\u([dD][c-fC-F][0-9a-fA-F]{2})")


def read_documents(path: str, mark: Mark | None = None) -> Reader:
    """Reads a YAML or JSON file, gzipped or not. `mark` says where the file is named, for errors of the file itself."""
    try:
        text = _text(Path(path).read_bytes())
    except OSError as error:
        return _failed(path, mark, f"cannot be read: {(error.strerror or 'I/O error').lower()}")
    except ValueError as error:
        allowed = "YAML or JSON text in UTF-8, gzipped or not"
        known = str(error) if type(error) is ValueError else "not text"
        return _failed(path, None, known, allowed)
    reader = Reader(_json_as_yaml(text), path)
    reader.read()
    return reader


def _failed(path: str, mark: Mark | None, message: str, allowed: str = "") -> Reader:
    reader = Reader("", path)
    if mark is None or not mark.file:
        reader.problems.append(Problem(message, path, allowed=allowed))
    else:
        reader.problems.append(Problem(message, mark.file, mark.line or None, found=path, allowed=allowed))
    return reader


def _text(data: bytes) -> str:
    if data[:2] == b"\x1f\x8b":
        data = _unzipped(data)
    if len(data) > MAX_BYTES:
        raise ValueError(f"more than {MAX_BYTES // 2**20} MiB of text")
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return data.decode("utf-16")
    text = data.decode("utf-8-sig")
    if "\0" in text:
        raise ValueError("not text")
    return text


def _unzipped(data: bytes) -> bytes:
    try:
        return gzip.GzipFile(fileobj=io.BytesIO(data)).read(MAX_BYTES + 1)
    except EOFError:
        raise ValueError("the gzip data is cut short") from None
    except (gzip.BadGzipFile, zlib.error):
        raise ValueError("not text") from None


def _json_as_yaml(text: str) -> str:
    """JSON is YAML but for tabs between tokens and surrogate pairs in escapes."""
    if text.lstrip()[:1] not in ("{", "["):
        return text
    text = text.replace("\t", " ")
    if "\\u" not in text:
        return text
    return _SURROGATES.sub(
        lambda m: (
            m[1]
            + f"\\u{m[2]}\\u{m[3]}".encode().decode("unicode_escape").encode("utf-16", "surrogatepass").decode("utf-16")
        ),
        text,
    )


def relative_to(mark: Mark, path: str) -> str:
    """A path as written in a file (or on the command line), seen from the working directory."""
    folder = os.path.dirname(mark.file) if mark.line else ""
    return os.path.normpath(os.path.join(folder, os.path.expanduser(path)))


def scenario_path(path: str) -> str:
    """The scenario file of a path: itself, or scenario.yaml in a folder."""
    if os.path.isdir(path):
        for name in SCENARIO_NAMES:
            if os.path.isfile(os.path.join(path, name)):
                return os.path.join(path, name)
        return os.path.join(path, SCENARIO_NAMES[0])
    return path


def manifest_paths(pattern: str) -> list[str]:
    """Files of a path, glob or folder, in sorted order; empty when there are none."""
    if os.path.isdir(pattern):
        found = glob.glob(os.path.join(glob.escape(pattern), "**", "*"), recursive=True)
        return sorted(p for p in found if p.endswith(SUFFIXES) and os.path.isfile(p))
    if os.path.exists(pattern):
        return [pattern]
    paths: set[str] = set()
    for match in glob.glob(pattern, recursive=True):
        paths.update(manifest_paths(match))
    return sorted(paths)
