"""The README's tree is the tree: one line a file, from the file's own first sentence.

python -m tests.test_readme     writes the tree into README.md
"""

import ast
import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
FOLDERS = {
    "feature_repo": "WHAT WE KNOW: imported by all, imports nobody",
    "streaming": "WHAT JUST HAPPENED: Kafka in, Feast out",
    "training": "WHAT IT MEANS: Feast history in, a model out",
    "triton_models": "WHAT IS SERVED: a Triton model repository; `make export` writes the versions",
    "serving": "WHAT TO SHOW: thin",
    "benchmarks": "the hot paths against a floor measured in the same run",
    "deploy": "the same processes on a laptop and in containers",
}
OTHERS = {
    "deploy/alerts.yaml": "Prometheus alerting rules",
    "feature_repo/feature_store.yaml": "Feast on a laptop: SQLite registry, Redis, DuckDB",
    "feature_repo/production.yaml": "Feast in production: Redis, PostgreSQL",
    "training/report/style.css": "how the report looks: light, dark, narrow and on paper",
    "training/report/template.html.j2": "the report's page",
    "serving/slate.yaml": "the stages of every surface",
    "triton_models/ranker/config.pbtxt": "the ranker's interface, by hand",
    "triton_models/user_encoder/config.pbtxt": "the user encoder's interface, by hand",
    "triton_models/item_encoder/config.pbtxt": "the item encoder's interface, by hand",
    "deploy/Dockerfile": "one image for worker, api and trainer",
    "deploy/laptop/triton-requirements.txt": "Triton's own environment",
    "benchmarks/README.md": "what was measured, with machine, command and date",
}


def tracked() -> list[str]:
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", *FOLDERS]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    return sorted(
        name for name in listed if (ROOT / name).exists() and not name.endswith(("__init__.py", "ignore", "py.typed"))
    )


def sentence(name: str) -> str:
    if name in OTHERS:
        return OTHERS[name]
    text = ast.get_docstring(ast.parse((ROOT / name).read_text())) or ""
    first = re.split(r"\.\s|:\s*``python|\.$|:$", text.splitlines()[0])[0] if text else ""
    assert first, f"{name} does not say what it is"
    return first.replace("``", "`")


def tree() -> str:
    lines = []
    for folder, what in FOLDERS.items():
        lines.append(f"{folder + '/':<30}{what}")
        names = [name for name in tracked() if name.startswith(f"{folder}/")]
        lines += [f"  {name.removeprefix(folder + '/'):<28}{sentence(name)}" for name in names]
        lines.append("")
    return "```\n" + "\n".join(lines).rstrip() + "\n```\n"


def with_tree(readme: str) -> str:
    head, _, _ = readme.partition("## The tree\n")
    return f"{head}## The tree\n\n{tree()}"


def test_the_readme_shows_the_tree_as_it_is() -> None:
    assert README.read_text() == with_tree(README.read_text()), "run: python -m tests.test_readme"


def test_every_page_of_the_docs_can_be_found() -> None:
    text = README.read_text()
    pages = [f"docs/{page.name}" for page in (ROOT / "docs").glob("*.md")]
    assert not [page for page in pages if f"[{page}]({page})" not in text]


if __name__ == "__main__":
    README.write_text(with_tree(README.read_text()))
