import logging

import pytest

from planrunner.tools.builtin.log import Log


@pytest.mark.parametrize(
    ("message", "line"),
    [
        ("all is well", "all is well"),
        ("100 %s", "100 %s"),
        ({"amount": 3.5, "by": "Ada"}, '{"amount":3.5,"by":"Ada"}'),
        (None, "null"),
    ],
)
def test_writes_one_line_and_returns_the_message(call, caplog, message, line):
    with caplog.at_level(logging.INFO, "planrunner"):
        assert call(Log(), message=message) == message
    assert [
        (record.levelname, record.getMessage().replace(": ", ":").replace(", ", ",")) for record in caplog.records
    ] == [("INFO", line)]


@pytest.mark.parametrize("level", ["debug", "info", "warning", "error"])
def test_level(call, caplog, level):
    with caplog.at_level(logging.DEBUG, "planrunner"):
        call(Log(), message="x", level=level)
    assert caplog.records[0].levelname == level.upper()


def test_nothing_that_a_terminal_would_obey(call, caplog):
    with caplog.at_level(logging.INFO, "planrunner"):
        call(Log(), message="a\r\n\x1b[2Jb\N{RIGHT-TO-LEFT OVERRIDE}c")
    line = caplog.records[0].getMessage()
    assert line.isprintable()
    assert "\n" not in line
