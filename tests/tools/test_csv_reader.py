from pathlib import Path

import pytest

from planrunner.errors import ToolHardError, ToolSoftError
from planrunner.tools.builtin.csv_reader import CsvReader


@pytest.fixture
def read(ctx, call):
    def read(content: str | bytes, **args):
        raw = content if isinstance(content, bytes) else content.encode()
        Path(ctx.root, "t.csv").write_bytes(raw)
        return call(CsvReader(), path="t.csv", **args)

    return read


@pytest.mark.parametrize(
    ("content", "rows"),
    [
        ("a,b\n1,2\n", [{"a": "1", "b": "2"}]),
        ("a,b\r\n1,2\r\n3,4", [{"a": "1", "b": "2"}, {"a": "3", "b": "4"}]),
        ("\ufeffa,b\n1,2\n", [{"a": "1", "b": "2"}]),
        ('a,b\n"x, ""y""","two\nlines"\n', [{"a": 'x, "y"', "b": "two\nlines"}]),
        ("a\n\n1\n\n", [{"a": "1"}]),
        ("a,b\n,\n", [{"a": "", "b": ""}]),
        ("a,b\n007,1.50\n", [{"a": "007", "b": "1.50"}]),
        ("a\n{{ 7*7 }}\n", [{"a": "{{ 7*7 }}"}]),
        ("a,b\n", []),
    ],
)
def test_rows(read, content, rows):
    assert read(content) == rows


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_delimiter(read, delimiter):
    assert read(f"a{delimiter}b\n1{delimiter}2\n", delimiter=delimiter) == [{"a": "1", "b": "2"}]


def test_types(read):
    types = {"i": "integer", "n": "number", "b": "boolean", "s": "string"}
    assert read("i,n,b,s,rest\n-7,1.5,TRUE,1,1\n,,,,\n12345678901234567890,3,false,x,y\n", types=types) == [
        {"i": -7, "n": 1.5, "b": True, "s": "1", "rest": "1"},
        {"i": None, "n": None, "b": None, "s": "", "rest": ""},
        {"i": 12345678901234567890, "n": 3, "b": False, "s": "x", "rest": "y"},
    ]


@pytest.mark.parametrize(
    ("type_", "cell"),
    [
        ("integer", "1.0"),
        ("integer", "1_000"),
        ("integer", "x"),
        ("integer", "9" * 5000),
        ("number", "nan"),
        ("number", "inf"),
        ("number", "1e999"),
        ("number", "1,5"),
        ("boolean", "perhaps"),
    ],
)
def test_a_cell_of_another_type_is_told_with_its_place(read, type_, cell):
    with pytest.raises(ToolSoftError, match=rf"'t.csv', line 3, column 'b': .* is no {type_}"):
        read(f'a,b\n1,\n2,"{cell}"\n', types={"b": type_})


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", "has no header line"),
        ("a,b,a\n", "names the column 'a' twice"),
        ("a,,b\n", "column 2 has no name"),
        ("a,b\n1\n", "line 2: 1 cells, where the header names 2 columns"),
        ("a,b\n1,2\n1,2,3\n", "line 3: 3 cells"),
        ('a\n"open', "line 2: unexpected end of data"),
        ('a\n"x"y\n', "line 2"),
        (b"a\n\xff\n", "is not utf-8 text at byte 2"),
        ("a\n" + "x" * 200_000, "line 2: field larger than field limit"),
    ],
)
def test_what_is_no_table_is_told_with_its_line(read, content, words):
    with pytest.raises(ToolSoftError) as caught:
        read(content)
    assert words in str(caught.value)


def test_a_column_that_is_not_there(read):
    with pytest.raises(ToolSoftError, match=r"types names the column 'amuont'.*did you mean 'amount'"):
        read("amount\n1\n", types={"amuont": "number"})


def test_stays_inside_the_project(call):
    with pytest.raises(ToolHardError, match="leaves the project root"):
        call(CsvReader(), path="../x.csv")
