import subprocess
import sys
from pathlib import Path
from textwrap import dedent

import pytest

from planrunner.errors import ToolUnusableError
from planrunner.tools.loading import as_tool, load_tool
from planrunner.tools.python import FunctionTool

SHOP = """
    from planrunner.tools.base import Tool
    from planrunner.tools.python import tool

    class Refund(Tool):
        id = "refund"
        effect = "irreversible"

        def run(self, ctx, order):
            return order

    made = Refund(id="made", name="Made")

    @tool(effect="read")
    def search(q: str):
        "Find orders."
        return q

    def plain(q: str):
        return q

    async def later(q: str):
        return q

    class NoRun(Tool):
        id = "no_run"

    class NoId(Tool):
        def run(self, ctx):
            return 1

    class BadEffect(Tool):
        id = "bad_effect"
        effect = "harmless"

        def run(self, ctx):
            return 1

    class BadSchema(Tool):
        id = "bad_schema"
        args_schema = "anything"

        def run(self, ctx):
            return 1

    class NeedsMore(Tool):
        id = "needs_more"

        def __init__(self, url):
            super().__init__()

    def starred(*args):
        return args

    number = 7
"""


pytestmark = pytest.mark.usefixtures("import_state")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return make(tmp_path / "shop_project", {"shop/refunds.py": SHOP})


def make(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dedent(text))
    return root


@pytest.mark.parametrize(
    ("name", "tool_id", "effect"),
    [
        ("Refund", "refund", "irreversible"),
        ("made", "made", "irreversible"),
        ("search", "search", "read"),
        ("plain", "plain", None),
        ("later", "later", None),
    ],
)
def test_what_use_may_name(project, call, name, tool_id, effect):
    tool = load_tool(f"shop.refunds:{name}", str(project))
    assert (tool.id, tool.effect) == (tool_id, effect)
    argument = "q" if isinstance(tool, FunctionTool) else "order"
    assert call(tool, **{argument: "A-1"}) == "A-1"


def test_the_root_comes_last_and_once(project):
    load_tool("shop.refunds:plain", str(project))
    assert sys.path[-1] == str(project)
    again = list(sys.path)
    load_tool("shop.refunds:search", str(project))
    assert sys.path == again


@pytest.mark.parametrize(
    ("use", "words"),
    [
        ("shop.refunds", "is not of the form 'package.module:name'"),
        ("shop.refunds:", "is not of the form"),
        (":plain", "is not of the form"),
        ("shop/refunds.py:plain", "is not of the form"),
        ("shop.refunds:a.b", "is not of the form"),
        ("..shop:plain", "is not of the form"),
        ("shopp.refunds:plain", "there is no module 'shopp', neither installed nor below"),
        ("shop.refund:plain", "there is no module 'shop.refund'"),
        ("shop.refunds.more:plain", "there is no module 'shop.refunds.more'"),
        ("shop.refunds:plane", "the module shop.refunds has no 'plane'; did you mean 'plain'?"),
        ("shop.refunds:number", "is a int; expected a Tool, a subclass of Tool, or a function"),
        ("shop.refunds:NoRun", "has neither run() nor arun()"),
        ("shop.refunds:NoId", "NoId has no id"),
        ("shop.refunds:BadEffect", "has the effect 'harmless'; expected one of read, write, irreversible"),
        ("shop.refunds:BadSchema", "args_schema is a str; expected a JSON Schema"),
        ("shop.refunds:NeedsMore", "NeedsMore() failed: TypeError"),
        ("shop.refunds:starred", "*args can't be told in a schema"),
        ("broken:f", "SyntaxError"),
        ("raising:f", "importing it failed: ValueError: two lines"),
        ("leaving:f", "importing it failed: SystemExit: 3"),
        ("lacking:f", "importing it failed: ModuleNotFoundError: No module named 'not_installed_anywhere'"),
        ("lacking_too:f", "importing it failed: ImportError: cannot import name 'nothing'"),
    ],
)
def test_why_it_can_not_be_had_in_one_line(project, use, words):
    make(
        project,
        {
            "broken.py": "def f(:",
            "raising.py": "raise ValueError('two\\nlines')",
            "leaving.py": "raise SystemExit(3)",
            "lacking.py": "import not_installed_anywhere",
            "lacking_too.py": "from shop.refunds import nothing",
        },
    )
    with pytest.raises(ToolUnusableError) as caught:
        load_tool(use, str(project))
    assert words in str(caught.value)
    assert repr(use) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_ctrl_c_while_importing_is_no_unusable_tool(project):
    make(project, {"interrupted.py": "raise KeyboardInterrupt"})
    with pytest.raises(KeyboardInterrupt):
        load_tool("interrupted:f", str(project))


def test_a_module_of_another_project_does_not_serve(project, tmp_path, call):
    other = make(tmp_path / "other_project", {"shop/refunds.py": "def plain(q: str): return 'other'"})
    load_tool("shop.refunds:plain", str(project))
    with pytest.raises(ToolUnusableError, match="was found in another project"):
        load_tool("shop.refunds:plain", str(other))
    only_there = make(tmp_path / "empty_project", {"x.py": ""})
    with pytest.raises(ToolUnusableError, match="was found in another project"):
        load_tool("shop.refunds:plain", str(only_there))
    make(only_there, {"own_name.py": "def plain(q: str): return 'own'"})
    assert call(load_tool("own_name:plain", str(only_there)), q="x") == "own"


def test_a_root_inside_another_root(project, call):
    inner = make(project / "inner", {"deeper_tools.py": "def f(): return 'inner'"})
    load_tool("shop.refunds:plain", str(project))
    assert call(load_tool("deeper_tools:f", str(inner))) == "inner"


def test_as_tool_takes_what_python_callers_have():
    def f():
        return 1

    assert as_tool(f, "it").id == "f"
    with pytest.raises(ToolUnusableError, match="it is a str; expected a Tool"):
        as_tool("f", "it")
    with pytest.raises(ToolUnusableError, match="it is a type; expected a Tool"):
        as_tool(int, "it")


def test_an_installed_module_wins_over_the_projects(project):
    make(project, {"colorsys.py": "def rgb_to_hls(r: float): return 'the project'"})
    code = (
        "from planrunner.tools.loading import load_tool\n"
        f"print(len(load_tool('colorsys:rgb_to_hls', {str(project)!r}).args_schema['properties']))"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert ended.stdout == "3\n", ended.stderr
