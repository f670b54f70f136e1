"""The record of a run as a file beside the store, for people and scripts: `runs/<id>.json`, always whole."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from planrunner.errors import StoreError


def write_record(folder: Path, run_id: str, record: str) -> Path:
    """Write the record by rename, readable by its owner alone. Run ids are ours; nothing else becomes a file name."""
    place = folder / "runs" / f"{run_id}.json"
    draft = place.with_name(f".{run_id}.{os.getpid()}")
    try:
        place.parent.mkdir(mode=0o700, exist_ok=True)
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with open(descriptor, "w", encoding="utf-8") as file:
            file.write(record + "\n")
            file.flush()
            os.fsync(file.fileno())  # before the rename: a power cut leaves the old record or the new one
        draft.replace(place)
    except OSError as error:
        with suppress(OSError):
            draft.unlink(missing_ok=True)
        raise StoreError(
            f"the record of {run_id} can't be written to {place.parent}: {error.strerror}. The run itself is stored"
        ) from None
    return place
