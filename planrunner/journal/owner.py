"""Who holds a lease: which process, on which machine, so that others can tell whether it still lives."""

from __future__ import annotations

import json
import os
import socket
import time
from pathlib import Path
from typing import NamedTuple

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


class Owner(NamedTuple):
    """One process.

    host   the machine since it was started, with the process namespace (two containers see different processes under
           the same numbers); the machine's name where there is no such thing
    name   the machine's name, for people
    pid    process id
    start  when the process started, in the kernel's own measure; "" where it is not told
    """

    host: str
    name: str
    pid: int
    start: str

    def to_text(self) -> str:
        """As it stands in a store."""
        return json.dumps(self, separators=(",", ":"))


def this_process() -> Owner:
    """The process that asks."""
    pid = os.getpid()
    return Owner(_host(), socket.gethostname(), pid, _start_and_state(pid)[0])


def from_text(text: str) -> Owner:
    """What `to_text` wrote."""
    host, name, pid, start = json.loads(text)
    return Owner(host, name, pid, start)


def is_dead(owner: Owner) -> bool:
    """Whether that process is known to have ended. A process of another machine never is: its lease must run out."""
    if os.name != "posix" or owner.host != _host():
        return False
    try:
        os.kill(owner.pid, 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        pass
    start, state = _start_and_state(owner.pid)
    return state in ("Z", "X") or bool(start and owner.start and start != owner.start)


def describe(owner: Owner, until: float) -> str:
    """The holder in a refusal. `until` is seconds since 1970."""
    place = "this machine" if owner.host == _host() else f"the machine {owner.name}"
    ends = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(until))
    return f"process {owner.pid} on {place} (its lease lasts until {ends} UTC and is renewed while it lives)"


def _host() -> str:
    try:
        return f"{_BOOT_ID.read_text().strip()} {os.readlink('/proc/self/ns/pid')}"
    except OSError:
        return socket.gethostname()


def _start_and_state(pid: int) -> tuple[str, str]:
    """Start time and state letter of a process; empty where the system does not tell (no /proc, or hidden)."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return "", ""
    fields = stat[stat.rindex(")") + 2 :].split()
    return fields[19], fields[0]
