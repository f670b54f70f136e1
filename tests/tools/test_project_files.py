import errno
import os
import socket
import stat
import threading
from contextlib import suppress
from functools import partial
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from planrunner.errors import ToolHardError, ToolSoftError
from planrunner.tools import project_files
from planrunner.tools.builtin.file_reader import FileReader
from planrunner.tools.builtin.file_writer import FileWriter
from planrunner.tools.project_files import MAX_BYTES


@pytest.fixture
def root(ctx) -> Path:
    return Path(ctx.root)


@pytest.fixture
def outside(root: Path) -> Path:
    """A folder beside the project, with a file that no tool may see or change."""
    folder = root.parent / "outside"
    folder.mkdir()
    (folder / "secret.txt").write_text("secret")
    return folder


REFUSED = [
    "",
    "/",
    "/etc/passwd",
    "//etc/passwd",
    "..",
    "../outside/secret.txt",
    "./../outside/secret.txt",
    "a/../../outside/secret.txt",
    "a/b/../../../outside/secret.txt",
    "../project/../outside/secret.txt",
    "../project/a/kept.txt",
    "a/",
    "a\0b",
    "kept.txt\0.png",
    "\ud800",
    "C:\\Windows\\win.ini",
    "C:/Windows/win.ini",
    "c:secret.txt",
    "\\\\server\\share\\x",
    "..\\outside\\secret.txt",
    "a\\kept.txt",
    ".git/config",
    ".GIT/config",
    "./.git/config",
    "a/../.git/config",
    ".planrunner/runs/x.json",
    "absolute_link/secret.txt",
    "relative_link/secret.txt",
    "file_link",
    "a/deep_link/secret.txt",
    "link_to_link/secret.txt",
    "loop/x",
    "store_link/x",
    "a/up_and_out",
    "n" * 300,
]


@pytest.fixture
def traps(root: Path, outside: Path) -> None:
    for folder in ("a/b", ".git", ".planrunner/runs"):
        (root / folder).mkdir(parents=True)
    for file in ("a/kept.txt", ".git/config", ".planrunner/runs/x.json"):
        (root / file).write_text("kept")
    (root / "absolute_link").symlink_to(outside)
    (root / "relative_link").symlink_to("../outside")
    (root / "file_link").symlink_to(outside / "secret.txt")
    (root / "a/deep_link").symlink_to("../../outside")
    (root / "link_to_link").symlink_to("absolute_link")
    (root / "loop").symlink_to("loop")
    (root / "store_link").symlink_to(".planrunner")
    (root / "a/up_and_out").symlink_to("../../outside/secret.txt")


def everything(folder: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.usefixtures("traps")
@pytest.mark.parametrize("path", REFUSED)
def test_a_path_that_leads_out_is_refused_for_reading_and_writing(call, root, path):
    before = everything(root.parent)
    with pytest.raises(ToolHardError):
        call(FileReader(), path=path)
    for mode in ("overwrite", "append"):
        with pytest.raises(ToolHardError):
            call(FileWriter(), path=path, content="x", mode=mode)
    assert everything(root.parent) == before


@pytest.mark.usefixtures("traps")
def test_the_message_says_what_is_wrong_and_what_was_expected(call):
    with pytest.raises(ToolHardError, match=r"'\.\./x' is refused: it leaves the project root"):
        call(FileReader(), path="../x")
    with pytest.raises(ToolHardError, match="expected a path relative to the project root, with / between folders"):
        call(FileReader(), path="/etc/passwd")


@pytest.mark.parametrize(
    "path", ["kept.txt", "./kept.txt", "a/../kept.txt", "a/b/../../kept.txt", "a//b/.././../kept.txt"]
)
def test_a_path_that_stays_inside_is_taken(call, root, path):
    (root / "a/b").mkdir(parents=True)
    (root / "kept.txt").write_text("kept")
    assert call(FileReader(), path=path) == "kept"


def test_links_that_stay_inside_are_followed(call, root):
    (root / "data/2026").mkdir(parents=True)
    (root / "data/2026/x.txt").write_text("x")
    (root / "now").symlink_to("data/2026")
    (root / "absolute").symlink_to(root / "data")
    (root / "data/2026/up").symlink_to("../../now/x.txt")
    assert [call(FileReader(), path=path) for path in ("now/x.txt", "absolute/2026/x.txt", "now/up")] == ["x"] * 3


def test_writing_through_a_link_changes_the_file_and_keeps_the_link(call, root):
    (root / "real.txt").write_text("old")
    (root / "link.txt").symlink_to("real.txt")
    call(FileWriter(), path="link.txt", content="new")
    assert (root / "link.txt").is_symlink()
    assert (root / "real.txt").read_text() == "new"


def test_the_root_itself_may_be_a_link(call, ctx, root):
    link = root.parent / "link"
    link.symlink_to(root)
    (root / "x.txt").write_text("x")
    (root / "absolute").symlink_to(root / "x.txt")
    assert project_files.read_bytes(str(link), "absolute") == b"x"


def test_a_folder_swapped_for_a_link_while_walking_is_refused(root, outside, monkeypatch):
    """The swap happens after the part was found to be no link: the open must not follow it."""
    (root / "a").mkdir()
    found = project_files._link_target

    def swapping(folder: int, name: str) -> str | None:
        target = found(folder, name)
        if name == "a":
            (root / "a").rmdir()
            (root / "a").symlink_to(outside)
        return target

    monkeypatch.setattr(project_files, "_link_target", swapping)
    with pytest.raises((ToolHardError, ToolSoftError)):
        project_files.read_bytes(str(root), "a/secret.txt")


def test_what_is_no_ordinary_file_is_refused_and_nothing_hangs(call, root):
    os.mkfifo(root / "pipe")
    server = socket.socket(socket.AF_UNIX)
    here = os.getcwd()
    os.chdir(root)  # the address of a socket is short
    try:
        server.bind("socket")
    finally:
        os.chdir(here)
    try:
        for name in ("pipe", "socket"):
            with pytest.raises(ToolHardError):
                call(FileReader(), path=name)
            for mode in ("overwrite", "append"):
                with pytest.raises(ToolHardError):
                    call(FileWriter(), path=name, content="x", mode=mode)
    finally:
        server.close()
    assert stat.S_ISFIFO(os.stat(root / "pipe").st_mode)


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("no.txt", "there is no file 'no.txt'"),
        ("no/no.txt", "there is no file 'no/no.txt'"),
        ("folder", "is a folder; expected a file"),
        ("folder/..", "is a folder; expected a file"),
        ("x.txt/y", "is a file, where a folder was expected"),
        ("large.bin", "larger than 4 MiB"),
    ],
)
def test_what_another_path_would_mend_is_soft(call, root, path, words):
    (root / "folder").mkdir()
    (root / "x.txt").write_text("x")
    with open(root / "large.bin", "wb") as file:
        file.truncate(MAX_BYTES + 1)
    with pytest.raises(ToolSoftError) as caught:
        call(FileReader(), path=path)
    assert words in str(caught.value)


def test_the_largest_file_is_read(call, root):
    (root / "large.txt").write_bytes(b"a" * MAX_BYTES)
    assert len(call(FileReader(), path="large.txt")) == MAX_BYTES


@pytest.mark.parametrize(
    ("content", "encoding", "text"),
    [
        (b"gr\xc3\xbc\xc3\x9fe {{ 7*7 }}\r\n\x00", "utf-8", "grüße {{ 7*7 }}\r\n\0"),
        (b"gr\xfc\xdfe", "latin-1", "grüße"),
        (b"\x80", "cp1252", "€"),
        ("grüße".encode("utf-16"), "utf-16", "grüße"),
    ],
)
def test_text_arrives_as_it_is(call, root, content, encoding, text):
    (root / "x.txt").write_bytes(content)
    assert call(FileReader(), path="x.txt", encoding=encoding) == text


@pytest.mark.parametrize("content", [b"ab\xff", b"\xed\xa0\x80"])
def test_what_is_not_text_is_soft(call, root, content):
    (root / "x.bin").write_bytes(content)
    with pytest.raises(ToolSoftError, match=r"'x.bin' is not utf-8 text at byte \d; other encodings: utf-16, latin-1"):
        call(FileReader(), path="x.bin")


@pytest.mark.parametrize(
    ("content", "written"),
    [
        ("text\n", b"text\n"),
        ("{{ 7*7 }}", b"{{ 7*7 }}"),
        ("", b""),
        ({"b": [1, 2.5, None], "a": "ü"}, '{\n  "b": [\n    1,\n    2.5,\n    null\n  ],\n  "a": "ü"\n}\n'.encode()),
        (7, b"7\n"),
        (None, b"null\n"),
    ],
)
def test_what_is_written(call, root, content, written):
    assert call(FileWriter(), path="out/deep/x.txt", content=content) == {
        "path": "out/deep/x.txt",
        "bytes": len(written),
    }
    assert (root / "out/deep/x.txt").read_bytes() == written
    assert os.listdir(root / "out/deep") == ["x.txt"]


def test_overwrite_and_append(call, root):
    for content, mode in (("a", "overwrite"), ("b", "overwrite"), ("c", "append"), ("d", "append")):
        call(FileWriter(), path="x.txt", content=content, mode=mode)
    assert (root / "x.txt").read_text() == "bcd"
    assert call(FileWriter(), path="new.txt", content="n", mode="append") == {"path": "new.txt", "bytes": 1}


def test_a_replaced_file_keeps_its_permissions(call, root):
    (root / "x.sh").write_text("old")
    (root / "x.sh").chmod(0o750)
    call(FileWriter(), path="x.sh", content="new")
    assert stat.S_IMODE((root / "x.sh").stat().st_mode) == 0o750


@pytest.mark.parametrize("failing", ["write", "fsync", "rename", "fchmod"])
def test_a_failing_disk_leaves_the_old_file_and_nothing_else(call, root, monkeypatch, failing):
    (root / "x.txt").write_text("old")

    def fail(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(project_files.os, failing, fail)
    with pytest.raises(ToolHardError, match=r"'x\.txt': No space left on device"):
        call(FileWriter(), path="x.txt", content="new")
    monkeypatch.undo()
    assert os.listdir(root) == ["x.txt"]
    assert (root / "x.txt").read_text() == "old"


def test_a_reader_beside_a_writer_never_sees_a_part(root):
    """Each content is one letter many times; a mixture or a part would show."""
    sizes = 300_000
    project_files.replace_file(str(root), "x.txt", b"a" * sizes)
    seen: set[bytes] = set()
    ended = threading.Event()

    def read() -> None:
        while not ended.is_set():
            content = project_files.read_bytes(str(root), "x.txt")
            seen.add(bytes(set(content)) if len(content) == sizes else b"part")

    reader = threading.Thread(target=read)
    reader.start()
    for letter in b"bcdefgh" * 5:
        project_files.replace_file(str(root), "x.txt", bytes([letter]) * sizes)
    ended.set()
    reader.join()
    assert all(len(letters) == 1 for letters in seen), seen


def test_no_descriptor_stays_open(call, root):
    (root / "a").mkdir()
    (root / "a/x.txt").write_text("x")
    before = len(os.listdir("/proc/self/fd")) if os.path.isdir("/proc/self/fd") else None
    if before is None:
        pytest.skip("this system does not tell its open descriptors")
    for path in ("a/x.txt", "a/no", "a", "../x", "a/../../x"):
        for touch in (project_files.read_bytes, partial(project_files.append_to_file, content=b"y")):
            with suppress(ToolHardError, ToolSoftError):
                touch(str(root), path)
    assert len(os.listdir("/proc/self/fd")) == before


def test_a_lone_surrogate_can_not_be_written(call, root):
    with pytest.raises(ToolHardError, match="can't be written as UTF-8"):
        call(FileWriter(), path="x.txt", content="a\ud800")
    assert os.listdir(root) == []


_PARTS = st.sampled_from(
    ["..", ".", "", "a", "b", "in", "out", "up", "loop", "far", "x.txt", "secret.txt", ".planrunner"]
)


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project full of links, some of which lead out of it."""
    top = tmp_path_factory.mktemp("tree").resolve()
    root = top / "project"
    for folder in ("project/a/b", "project/.planrunner", "outside"):
        (top / folder).mkdir(parents=True)
    for file in ("project/x.txt", "project/a/x.txt", "project/a/b/x.txt"):
        (top / file).write_text("inside")
    for file in ("project/.planrunner/x.txt", "outside/x.txt", "outside/secret.txt", "secret.txt", "x.txt"):
        (top / file).write_text("secret")
    links = {
        "in": "a/b",
        "out": "../outside",
        "a/up": "..",
        "a/out": "../../outside",
        "a/b/in": "../../in",
        "loop": "loop",
    }
    for link, target in links.items():
        (root / link).symlink_to(target)
    (root / "far").symlink_to(root / "a")
    (root / "a/far").symlink_to(top / "outside")
    return root


@settings(derandomize=True, max_examples=500, deadline=None)
@given(parts=st.lists(_PARTS, min_size=1, max_size=8))
def test_any_path_gives_what_lies_inside_or_nothing(tree, parts):
    """The oracle is the operating system's own way of resolving the path."""
    path = "/".join(parts)
    real = Path(os.path.realpath(tree / path))
    try:
        content = project_files.read_bytes(str(tree), path)
    except (ToolHardError, ToolSoftError):
        content = None
    if content is not None:
        assert content == b"inside"
        assert real.is_relative_to(tree)
    elif real.is_file() and real.is_relative_to(tree) and path[:1] != "/":
        assert ".." in parts or ".planrunner" in real.parts or path.endswith("/")
