"""The record of a run as a file beside the store, for people and scripts: `runs/<id>.json`, always whole.

It is written by rename and not flushed to the disk: a power cut may leave it empty, and the store, which is flushed,
has all that is in it.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from planrunner.errors import StoreError


def write_record(folder: Path, run_id: str, record: str) -> None:
    """Write the record by rename, readable by its owner alone. Run ids are ours; nothing else becomes a file name."""
    place = os.path.join(folder, "runs", f"{run_id}.json")
    draft = os.path.join(folder, "runs", f".{run_id}.{os.getpid()}")
    try:
        with open(_created(draft), "wb") as file:
            file.write(f"{record}\n".encode())
        os.replace(draft, place)
    except OSError as error:
        with suppress(OSError):
            os.unlink(draft)
        raise StoreError(
            f"the record of {run_id} can't be written to {folder / 'runs'}: {error.strerror}. The run itself is stored"
        ) from None


def _created(draft: str) -> int:
    """The descriptor of a new, empty file; its folder is made with the first of them."""
    try:
        return os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    except FileNotFoundError:
        os.makedirs(os.path.dirname(draft), mode=0o700, exist_ok=True)
        return os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
