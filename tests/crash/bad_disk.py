"""The command line in a process whose files may not grow beyond so many bytes: `bad_disk.py BYTES WORDS…`.

The kernel itself refuses, also in the middle of a write. The lease is short, for that is how long a write is tried.
"""

from __future__ import annotations

import resource
import sys

from planrunner.journal import base

base.LEASE_SECONDS, base.RENEW_SECONDS = 0.6, 0.2

from planrunner.cli.main import main  # noqa: E402 - the store reads the lease when it is imported

if __name__ == "__main__":
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[1]), hard))
    sys.exit(main(sys.argv[2:]))
