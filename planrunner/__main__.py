"""`python -m planrunner`, the same as the command `planrunner`."""

from __future__ import annotations

import sys

from planrunner.cli.main import main

sys.exit(main())
