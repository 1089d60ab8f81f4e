"""The example bodies and answers of docs/adapters.md, and what surrounds the requests that send them."""

import json
import re
from pathlib import Path
from typing import Any

from tests.serving.fakes import World, api

PAGE = (Path(__file__).parents[3] / "docs" / "adapters.md").read_text()
NOW = 1_750_000_000_000


def example(name: str) -> Any:
    """The JSON under this name."""
    [text] = re.findall(rf"```json {name}\n(.*?)```", PAGE, re.DOTALL)
    return json.loads(text)


def ask(world: World, method: str, path: str, body: Any = None) -> tuple[int, str]:
    """Status and text of the answer."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    with api(world) as client:
        answer = client.request(method, path, content=content)
        return answer.status_code, answer.text
