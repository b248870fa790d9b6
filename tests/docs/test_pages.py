"""The pages tell the truth: what they name exists, and what exists is named."""

from __future__ import annotations

import ast
import inspect
import json
import re
import statistics
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
COG = str(Path(sys.executable).parent / "cog")
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
GENERATED = [page for page in PAGES if "[[[cog" in page.read_text(encoding="utf-8")]
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def name(page):
    return str(page.relative_to(ROOT))


def text_of(relative):
    return (ROOT / relative).read_text(encoding="utf-8")


def blocks(kind):
    """Every fenced block of a kind, as (page and position, text)."""
    return [
        pytest.param(match[2], id=f"{name(page)}:{page.read_text()[: match.start()].count(chr(10)) + 1}")
        for page in PAGES
        for match in BLOCK.finditer(page.read_text(encoding="utf-8"))
        if match[1] == kind
    ]


def catalog():
    from gate.checking.engine import catalog as listed

    return listed(["gate.checks"])


def test_every_command_is_documented():
    """README lists each command, and the reference has a section with its help."""
    from gate.cli.commands import COMMANDS

    reference, readme = text_of("docs/reference/commands.md"), text_of("README.md")
    for command in COMMANDS:
        assert f"\n## gate {command}\n" in reference
        assert re.search(rf"^  {command} ", readme, re.MULTILINE)


def test_no_command_is_documented_that_does_not_exist():
    """What the pages show on a prompt can be typed."""
    from gate.cli.commands import COMMANDS

    shown = {
        (name(page), word)
        for page in PAGES
        for word in re.findall(r"^\$ gate ([a-z]+)|`gate ([a-z]+)[ `]", page.read_text(encoding="utf-8"), re.MULTILINE)
    }
    unknown = {(page, word) for page, words in shown for word in words if word and word not in COMMANDS}
    assert unknown == set()


def test_every_check_is_documented():
    """README and the reference have a row for each check, its category's page its whole text."""
    reference, readme = text_of("docs/reference/checks.md"), text_of("README.md")
    for entry in catalog():
        assert f"\n## {entry.id}\n" in text_of(f"docs/reference/checks/{entry.category}.md")
        assert f"\n| [`{entry.id}`](checks/{entry.category}.md#" in reference
        assert f"\n| [`{entry.id}`](docs/reference/checks/{entry.category}.md#" in readme


def test_every_metric_and_item_is_documented():
    """With its formula, or with what it asks."""
    from gate.domain import REPRODUCIBILITY_ITEMS
    from gate.evidence.metrics import METRICS

    quality, items = (text_of(f"docs/reference/checks/{name}.md") for name in ("quality", "reproducibility"))
    assert all(f"\n| `quality.{name}` | " in quality for name in METRICS)
    assert all(f"\n| `reproducibility.{name}` | " in items for name in REPRODUCIBILITY_ITEMS)


PARTS = {
    "what the limit is": r"\b([Ll]imits?|[Dd]efaults?|margins?)\b",
    "what a failure means": r"\bfailure (means|names)\b",
    "how to change it": r"\bTo (change|allow) it:",
}


@pytest.mark.parametrize("part", PARTS)
def test_every_check_says(part):
    """`gate explain` tells what a check tests, its limit, what a failure means, and how to change it."""
    lacking = [
        entry.id
        for entry in catalog()
        if len(entry.doc.strip().splitlines()) < 3
        or not re.search(PARTS[part], inspect.cleandoc(entry.doc), re.MULTILINE)
    ]
    assert lacking == []


def test_generated_parts_are_up_to_date():
    """What cog writes is what is there. To mend it: make docs."""
    done = subprocess.run(
        [COG, "-I", "docs", "--check", "--diff", *map(name, GENERATED)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_quoted_numbers_come_from_the_file_that_make_bench_wrote():
    """Each median in README and docs/performance.md is that of the repetitions in bench/results.json."""
    results = json.loads(text_of("bench/results.json"))
    for entry in results["measurements"]:
        middle = statistics.median(entry["values"])
        assert entry["value"] == pytest.approx(middle, abs=0.001)  # of an even number it is rounded anew
        for page in ("README.md", "docs/performance.md"):
            row = next(line for line in text_of(page).splitlines() if line.startswith(f"| {entry['what']} |"))
            assert float(row.split("|")[2].split()[0]) == pytest.approx(
                entry["value"], abs=0.5 if middle >= 100 else 0.005
            )


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_links_lead_somewhere(page):
    """Files, and sections in them, exist."""
    for target in re.findall(
        r"\]\(([^)\s]+)\)", re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    ):
        if target.startswith(("http://", "https://")):
            continue
        path, _, anchor = target.partition("#")
        found = (page.parent / path).resolve() if path else page
        assert found.exists(), target
        assert not anchor or anchor in anchors(found), target


def anchors(page):
    """The names of a page's sections, as GitHub makes them."""
    titles = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("text", blocks("yaml"))
def test_examples_of_gate_yaml_are_valid(text, tmp_path):
    """What a reader copies is read without complaint."""
    from gate import config

    assert yaml.safe_load(text) is not None or text.startswith("#")
    (tmp_path / "gate.yaml").write_text(text)
    config.read(tmp_path / "gate.yaml")


@pytest.mark.parametrize("text", blocks("python"))
def test_examples_of_python_compile(text):
    """What a reader copies is Python."""
    assert ast.parse(textwrap.dedent(text)).body


def test_make_targets_in_the_pages_exist():
    """`make x` in a page is a target of the Makefile."""
    targets = set(re.findall(r"^([a-z-]+):", text_of("Makefile"), re.MULTILINE))
    named = {
        word
        for page in PAGES
        for word in re.findall(r"(?:^\$ |`)make ([a-z-]+)", page.read_text(encoding="utf-8"), re.MULTILINE)
    }
    assert named <= targets


def test_nothing_names_the_machine_it_was_written_on():
    """No tracked text has an absolute path of somebody's machine or the address of a package registry."""
    tracked = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    forbidden = re.compile(
        r"/(?:work|root|home/\w+|Users/\w+)/|(?:pypi\.org|pythonhosted\.org|registry\.npmjs|deb\.debian\.org)",
        re.IGNORECASE,
    )
    found = []
    for relative in filter(None, tracked.split("\0")):
        path = ROOT / relative
        if path == Path(__file__) or not path.is_file():
            continue
        for number, line in enumerate(path.read_bytes().decode("utf-8", "replace").splitlines(), start=1):
            if forbidden.search(line):
                found.append(f"{relative}:{number}: {line.strip()[:100]}")
    assert found == []
