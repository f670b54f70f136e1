"""The tools that come with planrunner: one file per tool, one line per tool in this table."""

from __future__ import annotations

from typing import Final

BUILTIN: Final[dict[str, str]] = {
    "calculator": "planrunner.tools.builtin.calculator:Calculator",
    "csv_reader": "planrunner.tools.builtin.csv_reader:CsvReader",
    "file_reader": "planrunner.tools.builtin.file_reader:FileReader",
    "file_writer": "planrunner.tools.builtin.file_writer:FileWriter",
    "log": "planrunner.tools.builtin.log:Log",
    "weather": "planrunner.tools.builtin.weather:Weather",
}
"""Name → `module:attr`. Reading the table imports no tool."""
