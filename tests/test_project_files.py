"""The files in the root that people look for are true, and name nothing that is not there."""

import re
import subprocess
import tomllib
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]


def load(name: str) -> dict:
    return yaml.safe_load((ROOT / name).read_text("utf-8"))


def steps(workflow: str, job: str) -> list[str]:
    return [
        step["run"]
        for step in load(f".github/workflows/{workflow}.yml")["jobs"][job]["steps"]
        if "run" in step
    ]


def test_the_workflow_runs_the_two_commands_on_every_python_that_is_supported():
    job = load(".github/workflows/ci.yml")["jobs"]["linux"]
    supported = [found[1] for one in PROJECT["classifiers"] if (found := re.search(r":: (3\.\d+)$", one))]
    assert job["strategy"]["matrix"]["python"] == supported
    assert steps("ci", "linux") == ["make quickstart", "make test"]


def test_systems_that_nobody_tried_are_marked_and_stop_nothing():
    job = load(".github/workflows/ci.yml")["jobs"]["elsewhere"]
    assert "not run by the maintainers" in job["name"]
    assert job["continue-on-error"] is True


def test_only_the_job_that_publishes_may_ask_for_an_identity_and_it_runs_nothing_of_ours():
    jobs = load(".github/workflows/release.yml")["jobs"]
    assert [name for name, job in jobs.items() if "id-token" in job.get("permissions", {})] == ["publish"]
    assert steps("release", "publish") == []
    assert "secrets" not in (ROOT / ".github/workflows/release.yml").read_text("utf-8")


def test_workflows_and_contributing_name_targets_of_make():
    targets = set(re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    pages = [*(ROOT / ".github" / "workflows").glob("*.yml"), ROOT / "CONTRIBUTING.md"]
    for page in pages:
        text = page.read_text("utf-8")
        named = re.findall(r"(?:^|`|run: |entry: )make ([a-z][\w-]*)", text, re.MULTILINE)
        assert named, page
        assert set(named) <= targets, page


def test_the_citation_has_the_version_and_the_licence():
    citation = load("CITATION.cff")
    assert (citation["version"], citation["license"]) == (PROJECT["version"], PROJECT["license"])
    assert {"cff-version", "message", "title", "authors"} <= citation.keys()


def test_hooks_fetch_nothing():
    repositories = load(".pre-commit-config.yaml")["repos"]
    assert {one["repo"] for one in repositories} == {"local"}
    assert {hook["language"] for one in repositories for hook in one["hooks"]} == {"system"}


def test_commits_that_contributing_names_are_in_the_history():
    shallow = subprocess.run(
        ["git", "rev-parse", "--is-shallow-repository"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if shallow.stdout.strip() != "false":
        pytest.skip("the whole history is not here")
    named = re.findall(r"`([0-9a-f]{7,})`", (ROOT / "CONTRIBUTING.md").read_text("utf-8"))
    assert len(named) >= 4
    for commit in named:
        subprocess.run(
            ["git", "merge-base", "--is-ancestor", commit, "HEAD"], cwd=ROOT, check=True, capture_output=True
        )
