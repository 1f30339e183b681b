"""The files for contributors are what the tools that read them expect."""

import configparser
import re
import subprocess
import sys
from pathlib import Path

import pytest

from core.settings import ROOT

SCHEMAS = {
    ".github/workflows/ci.yml": "vendor.github-workflows",
    ".github/dependabot.yml": "vendor.dependabot",
    ".github/ISSUE_TEMPLATE/bug.yml": "vendor.github-issue-forms",
    ".github/ISSUE_TEMPLATE/feature.yml": "vendor.github-issue-forms",
    ".github/ISSUE_TEMPLATE/config.yml": "vendor.github-issue-config",
}
DOCUMENTS = ["CONTRIBUTING.md", "SECURITY.md", "CODE_OF_CONDUCT.md", "README.md", "CHANGELOG.md"]
LINK = re.compile(r"\]\((?!https?://)([^)#\s]+)(?:#[^)]*)?\)")
CODE = re.compile(r"`((?:[\w.-]+/)+[\w.-]*)`")
TARGET = re.compile(r"^([a-z-]+):.*## ", re.MULTILINE)


@pytest.mark.parametrize("name", SCHEMAS)
def test_a_file_that_github_or_a_tool_reads_is_valid(name: str) -> None:
    schema = ["--builtin-schema", SCHEMAS[name]]
    done = subprocess.run(
        [sys.executable, "-m", "check_jsonschema", *schema, ROOT / name], capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stdout + done.stderr


def test_every_issue_form_is_checked() -> None:
    forms = {path.relative_to(ROOT).as_posix() for path in (ROOT / ".github").rglob("*.yml")}

    assert forms <= SCHEMAS.keys()


def test_the_workflow_runs_the_script_that_a_person_runs() -> None:
    workflow, script = ((ROOT / name).read_text() for name in (".github/workflows/ci.yml", ".ci/run"))

    assert re.findall(r"- run: (.*)", workflow) == [".ci/run"]
    assert re.findall(r"^make .*", script, re.MULTILINE) == ["make test", "make test-slow"]


@pytest.mark.parametrize("name", DOCUMENTS)
def test_the_links_of_a_document_lead_to_files(name: str) -> None:
    links = LINK.findall((ROOT / name).read_text())

    assert not [link for link in links if not (ROOT / link).exists()]


@pytest.mark.parametrize("name", ["CONTRIBUTING.md", "SECURITY.md"])
def test_the_paths_and_make_targets_of_a_document_exist(name: str) -> None:
    text, targets = (ROOT / name).read_text(), TARGET.findall((ROOT / "Makefile").read_text())
    paths = [path for path in CODE.findall(text) if "NNNN" not in path and not path.startswith(("build/", "var/"))]

    assert not [path for path in paths if not (ROOT / path).exists()]
    assert not set(re.findall(r"`make ([a-z-]+)", text)) - set(targets)


def test_the_hooks_before_a_commit_are_valid_and_are_the_tools_of_the_environment() -> None:
    config = ROOT / ".pre-commit-config.yaml"
    subprocess.run([sys.executable, "-m", "pre_commit", "validate-config", config], check=True)
    entries = re.findall(r"entry: (\S+)", config.read_text())

    assert entries
    assert all(Path(entry).parts[:2] == (".venv", "bin") for entry in entries)


def test_the_editor_is_told_the_line_length_of_the_linter() -> None:
    editor = configparser.ConfigParser()
    editor.read_string("[top]\n" + (ROOT / ".editorconfig").read_text())
    linter = re.search(r"^line-length = (\d+)$", (ROOT / "pyproject.toml").read_text(), re.MULTILINE)

    assert linter
    assert editor["*.{md,py}"]["max_line_length"] == linter[1]
    assert editor["Makefile"]["indent_style"] == "tab"
