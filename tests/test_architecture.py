"""What may import what, who reads the environment, how large things are, and that every setting is documented."""

import ast
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic_settings import BaseSettings

from deploy.laptop.settings import LaptopSettings
from feature_repo.settings import StoreSettings
from serving.settings import ServingSettings
from streaming.settings import StreamSettings
from training.settings import TrainingSettings

ROOT = Path(__file__).parents[1]
SETTINGS: tuple[type[BaseSettings], ...] = (
    StoreSettings,
    StreamSettings,
    TrainingSettings,
    ServingSettings,
    LaptopSettings,
)

PACKAGES = ("feature_repo", "streaming", "training", "serving")
AROUND = ("deploy", "benchmarks", "tests")  # they start, measure and test the packages: they may import all of them
ARROWS = {
    "feature_repo": {"feature_repo"},
    "streaming": {"streaming", "feature_repo"},
    "training": {"training", "feature_repo"},
    "serving": {"serving", "feature_repo", "streaming.events", "streaming.producer", "streaming.patient_client"},
}

TOP_LEVEL = {
    *PACKAGES,
    *AROUND,
    "triton_models",
    "docker-compose.yml",
    "pyproject.toml",
    "README.md",
    "CHANGELOG.md",
    "LICENSE",
    "Makefile",
    "Procfile",
    "docs",
    ".ci",
    ".env.example",
    ".gitignore",
}

READS_ENVIRONMENT = {
    "tests/conftest.py": "the data directory must be set before feature_repo is imported",
}

LONGEST_FILE, LONGEST_FUNCTION = 250, 60


def sources(*folders: str) -> list[Path]:
    return sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py"))


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def imported(path: Path) -> Iterator[str]:
    """Dotted names of what a file imports, those inside functions too; ``from a import b`` gives a.b."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name_of(path)} has a relative import"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def allowed(module: str, package: str) -> bool:
    if module.partition(".")[0] not in (*PACKAGES, *AROUND):
        return True
    return any(f"{module}.".startswith(f"{target}.") for target in ARROWS[package])


@pytest.mark.parametrize("package", PACKAGES)
def test_imports_point_at_feature_repo_and_never_sideways(package: str) -> None:
    wrong = [
        f"{name_of(path)} imports {module}"
        for path in sources(package)
        for module in imported(path)
        if not allowed(module, package)
    ]
    assert wrong == []


def test_the_rule_of_the_arrows_itself_tells_right_from_wrong() -> None:
    assert allowed("streaming.events.Interaction", "serving") and allowed("numpy", "serving")
    assert not allowed("streaming.settings.StreamSettings", "serving")
    assert not allowed("streaming.events_log", "serving")
    assert not allowed("training.config", "streaming")
    assert not allowed("deploy.laptop.ports", "feature_repo")


@pytest.mark.parametrize("path", sources(*PACKAGES, "deploy", "benchmarks"), ids=name_of)
def test_feast_is_imported_lean(path: Path) -> None:
    modules = list(imported(path))
    feasts = [place for place, module in enumerate(modules) if module.partition(".")[0] == "feast"]
    assert not feasts or path.name == "lean_feast.py" or "feature_repo.lean_feast" in modules[: feasts[0]]


def test_only_settings_read_the_environment() -> None:
    reading = re.compile(r"\bos\.(environ|getenv)\b|\bfrom os import .*\b(environ|getenv)\b")
    found = {name_of(path) for path in sources(*PACKAGES, *AROUND) if path != Path(__file__) and _reads(path, reading)}
    assert found == set(READS_ENVIRONMENT)


def _reads(path: Path, reading: re.Pattern[str]) -> bool:
    return any(reading.search(line) for line in path.read_text().splitlines())


def test_settings_are_declared_in_settings_modules_only() -> None:
    declaring = [name_of(p) for p in sources(*PACKAGES, "deploy", "benchmarks") if "(BaseSettings)" in p.read_text()]
    assert declaring == sorted(f"{kind.__module__.replace('.', '/')}.py" for kind in SETTINGS)


def test_every_top_level_name_is_a_known_one() -> None:
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert {line.partition("/")[0] for line in listed.splitlines()} <= TOP_LEVEL


@pytest.mark.parametrize("path", sources(*PACKAGES, "deploy", "benchmarks"), ids=name_of)
def test_files_and_functions_are_small(path: Path) -> None:
    text = path.read_text()
    assert len(text.splitlines()) <= LONGEST_FILE
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert (node.end_lineno or 0) - node.lineno < LONGEST_FUNCTION, node.name


def settings_of(kind: type[BaseSettings]) -> Iterator[tuple[str, str]]:
    """Environment variable and default of every field of ours; paths as seen from the checkout."""
    for name, field in kind.model_fields.items():
        if field.validation_alias is None:  # the aliases are the system's own, such as PATH
            default = "" if field.default is None else str(field.default)
            yield f"FRESHRANK_{name.upper()}", default.removeprefix(f"{ROOT}/")


def documented() -> dict[str, str]:
    """Variable -> default, as the table of docs/settings.md has them."""
    rows = (line.split("|") for line in (ROOT / "docs/settings.md").read_text().splitlines() if line.startswith("| `"))
    return {cells[1].strip().strip("`"): cells[2].strip().strip("`") for cells in rows}


def test_every_setting_is_documented_with_its_default() -> None:
    assert documented() == {variable: default for kind in SETTINGS for variable, default in settings_of(kind)}


def test_settings_that_share_a_name_share_their_default() -> None:
    defaults: dict[str, set[str]] = {}
    for kind in SETTINGS:
        for variable, default in settings_of(kind):
            defaults.setdefault(variable, set()).add(default)
    assert {variable: each for variable, each in defaults.items() if len(each) > 1} == {}
