"""A tool that a plan announces and that nobody provides here: under a script the script alone knows what it gives."""

from __future__ import annotations

from planrunner.errors import ToolHardError
from planrunner.tools.base import Tool


class StandIn(Tool):
    """Takes any args, so far as the plan's entry does not say which. Its effect is the entry's."""

    def run(self, *args: object, **kwargs: object) -> None:
        """Reached where the script has nothing for the call, and the tool would run as it is."""
        raise ToolHardError(
            f"nobody provides the tool {self.id}, and the script does not answer it. Add under `tools`:\n"
            f"  {self.id}: {{returns: null}}"
        )
