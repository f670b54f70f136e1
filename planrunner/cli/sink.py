"""Where the result of a run goes: standard output, or the file of --out, which is written whole or not at all."""

from __future__ import annotations

import contextlib
import os
from typing import TextIO

from planrunner.cli.streams import data, for_people
from planrunner.errors import PlanrunnerError, UsageError


class Output:
    """Takes text while a run goes on. A failure to write never harms the run: it is kept until `finish`."""

    def __init__(self) -> None:
        self._failure: PlanrunnerError | None = None

    def write(self, text: str) -> None:
        """Write; after a failure, nothing more."""
        if self._failure is None:
            try:
                self._write(text)
            except PlanrunnerError as error:
                self._failure = error

    def fit(self, text: str) -> str:
        """Text from outside, as it may be written here: byte for byte, and made safe where it goes to a terminal."""
        return for_people(text)

    def finish(self) -> None:
        """All is written. Raises what went wrong on the way."""
        if self._failure is not None:
            raise self._failure

    def abandon(self) -> None:
        """The run did not come to its end: leave nothing half-written."""

    def _write(self, text: str) -> None:
        data(text)


class FileOutput(Output):
    """A draft beside the file, renamed when all is well; a device or a pipe is written as it is."""

    def __init__(self, path: str) -> None:
        super().__init__()
        self._path = path
        special = os.path.exists(path) and not os.path.isfile(path)
        self._draft = path if special else f"{path}.{os.getpid()}.part"
        self._file = _opened(self._draft, path)

    def fit(self, text: str) -> str:
        """Byte for byte."""
        return text

    def finish(self) -> None:
        """Put the file in place."""
        self._close()
        if self._failure is not None:
            self.abandon()
            raise self._failure
        if self._draft != self._path:
            os.replace(self._draft, self._path)

    def abandon(self) -> None:
        """Remove the draft."""
        self._close()
        if self._draft != self._path:
            with contextlib.suppress(OSError):
                os.unlink(self._draft)

    def _write(self, text: str) -> None:
        try:
            self._file.write(text)
            self._file.flush()
        except OSError as error:
            raise self._unwritable(error) from None

    def _close(self) -> None:
        try:
            self._file.close()
        except OSError as error:
            self._failure = self._failure or self._unwritable(error)

    def _unwritable(self, error: OSError) -> PlanrunnerError:
        return PlanrunnerError(f"--out {self._path} can't be written: {error.strerror}")


def _opened(draft: str, path: str) -> TextIO:
    """The file for writing. UsageError, before anything runs, when it can't be."""
    if os.path.isdir(path):
        raise UsageError(f"--out {path} is a folder, and a file is needed")
    try:
        return open(draft, "w", encoding="utf-8", errors="backslashreplace")
    except FileNotFoundError:
        raise UsageError(f"--out {path}: its folder does not exist") from None
    except OSError as error:
        raise UsageError(f"--out {path} can't be written: {error.strerror}") from None
    except ValueError:
        raise UsageError(f"--out {path!r} is no possible file name") from None
