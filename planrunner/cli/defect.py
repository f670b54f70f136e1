"""The log of a defect: everything a report needs, in a file that only its owner can read."""

from __future__ import annotations

import os
import platform
import tempfile
import traceback
from collections.abc import Iterator, Sequence
from importlib.metadata import PackageNotFoundError, version

from planrunner import __version__

_LIBRARIES = ("click", "jinja2", "jsonschema", "jsonschema-rs", "pydantic", "pyyaml", "litellm", "mcp")


def write_log(error: BaseException, argv: Sequence[str]) -> str | None:
    """Write the log into the system's folder for temporary files. Its path; None when even that is not possible."""
    try:
        handle, path = tempfile.mkstemp(prefix="planrunner-defect-", suffix=".log")
        with os.fdopen(handle, "w", encoding="utf-8", errors="backslashreplace") as file:
            file.writelines(f"{line}\n" for line in _lines(error, argv))
    except OSError:
        return None
    return path


def _lines(error: BaseException, argv: Sequence[str]) -> Iterator[str]:
    yield f"planrunner {__version__}, Python {platform.python_version()}, {platform.platform()}"
    yield ", ".join(_versions())
    yield f"planrunner {' '.join(_without_values(argv))}"
    yield ""
    yield "".join(traceback.format_exception(error)).rstrip()


def _versions() -> Iterator[str]:
    for name in _LIBRARIES:
        try:
            yield f"{name} {version(name)}"
        except PackageNotFoundError:
            yield f"{name} not installed"


def _without_values(argv: Sequence[str]) -> Iterator[str]:
    """The command line without what people typed into it: inputs and data may be nobody else's business."""
    for place, word in enumerate(argv):
        if word.startswith("-") and word != "-":
            yield word.partition("=")[0]
        else:
            yield word if place == 0 and word.isalpha() else "…"
