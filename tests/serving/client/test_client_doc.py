"""The examples of docs/client.md, run against an API."""

import ast
import re
import subprocess
import sys
from pathlib import Path

from serving import client
from serving.client import calls
from streaming.events import Interaction
from tests.serving.client.served import api
from tests.serving.fakes import World, catalogue_of

PAGE = (Path(__file__).parents[3] / "docs/client.md").read_text()
EXAMPLES = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)


def test_the_examples_run_one_after_the_other() -> None:
    world = World(catalogue=catalogue_of("50", "181"))
    with api(world) as url:
        exec(compile("\n".join(EXAMPLES).replace("http://127.0.0.1:8080", url), "docs/client.md", "exec"), {})
    actions = [each.action for each in world.bus.messages if isinstance(each, Interaction)]
    assert actions == ["impression", "impression", "click", "rating"]


def test_every_call_is_a_method_of_both_clients_and_described() -> None:
    functions = [node for node in ast.parse(Path(calls.__file__).read_text()).body if isinstance(node, ast.FunctionDef)]
    made = {node.name for node in functions if ast.unparse(node.returns or node).startswith("Call[")}
    made = {name for name in made if not name.startswith("_")}
    for name in made:
        assert hasattr(client.Client, name) and hasattr(client.AsyncClient, name) and f"`{name}(" in PAGE


def test_every_error_is_described() -> None:
    exported = [getattr(client, name) for name in client.__all__]
    errors = [kind for kind in exported if isinstance(kind, type) and issubclass(kind, client.FreshrankError)]
    assert errors and all(f"`{kind.__name__}`" in PAGE for kind in errors)


def test_an_application_needs_neither_server_nor_feast_nor_torch() -> None:
    foreign = "feast|torch|fastapi|numpy|pandas|kafka|faust|serving\\.(?!client)|feature_repo|training"
    found = f"import serving.client, sys, re; print([n for n in sys.modules if re.match({foreign!r}, n)])"
    said = subprocess.run([sys.executable, "-c", found], capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "[]"
