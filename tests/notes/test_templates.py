"""Templates and languages of the user's."""

from __future__ import annotations

import re
from importlib.resources import files

import pytest
import yaml

from gate.errors import UsageError
from gate.notes import render

SLOT = re.compile(r"\{(\w+)\}")


def table(lang):
    return yaml.safe_load(files("gate.templates").joinpath(f"i18n/{lang}.yaml").read_text(encoding="utf-8"))


def flat(entries, path=""):
    """Every sentence by its key; the plural forms of one sentence are one entry."""
    if isinstance(entries, dict) and "other" in entries and set(entries) <= {"one", "other"}:
        return {path: set().union(*(SLOT.findall(text) for text in entries.values()))}
    if isinstance(entries, dict):
        return {key: slots for name, value in entries.items() for key, slots in flat(value, f"{path}.{name}").items()}
    assert isinstance(entries, str), f"{path} is no text: YAML read {entries!r}"
    return {path: set(SLOT.findall(entries))}


def test_languages_have_the_same_keys_and_slots():
    """No language lacks a sentence or a value in one."""
    assert flat(table("ko")) == flat(table("en"))


def test_every_language_file_is_offered():
    """A language file that is there can be chosen."""
    from gate.notes.wording import LANGUAGES

    found = {path.name.removesuffix(".yaml") for path in files("gate.templates").joinpath("i18n").iterdir()}
    assert {name for name in found if not name.startswith("_")} == set(LANGUAGES)


def test_korean_note_has_no_english_sentence_of_ours(reports):
    """Headings and table heads of the Korean note are Korean."""
    note = render(reports["warnings"], lang="ko")
    headings = [
        line for line in note.splitlines() if line.startswith("#") and "`" not in line and not line.startswith("# ")
    ]
    assert headings
    assert all(re.search("[가-힣]", line) for line in headings), headings


def test_plural_forms(make):
    """One check passed, two checks passed."""
    from gate.notes.markup import Markdown
    from gate.notes.wording import Words

    words = Words("en", Markdown())
    assert str(words.say("passed", n=1, count=1)) == "1 check passed"
    assert str(words.say("passed", n=2, count=2)) == "2 checks passed"
    assert str(Words("ko", Markdown()).say("passed", n=1, count=1)) == "통과한 검사 1건"


def test_unknown_language(reports):
    """An unknown language is a usage error that names the known ones."""
    with pytest.raises(UsageError, match="en, ko"):
        render(reports["first"], lang="fr")


def test_unknown_format(reports):
    """An unknown format is a usage error that names the known ones."""
    with pytest.raises(UsageError, match="md, html"):
        render(reports["first"], format="pdf")


def test_block_of_the_shipped_template_is_replaced(reports, tmp_path):
    """A user's template extends the shipped one and replaces a block, keeping what it had."""
    own = tmp_path / "team.md.j2"
    own.write_text('{% extends "gate/note.md.j2" %}{% block commands %}Call the team.\n{{ super() }}{% endblock %}')
    note = render(reports["warnings"], template=own)
    shipped = render(reports["warnings"])
    assert "Call the team.\n## Commands" in note
    assert note.replace("Call the team.\n", "") == shipped


def test_template_is_for_the_format_of_its_name(reports, tmp_path):
    """A Markdown template leaves the HTML page as it is."""
    own = tmp_path / "team.md.j2"
    own.write_text("mine")
    assert render(reports["first"], template=own) == "mine\n"
    assert render(reports["first"], format="html", template=own) == render(reports["first"], format="html")


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("one\n{{ nothing_like_this }}\n", 2, "nothing_like_this"),
        ("one\ntwo\n{% for %}\n", 3, "Expected"),
        ("{{ model.__class__.__mro__ }}\n", 1, "unsafe"),
        ("a\n{{ t('no.such.entry') }}\n", 2, "no"),
        ("{{ 1 / 0 }}", 1, "division"),
        ("\n\n{% include 'gate/absent.j2' %}", 3, "absent"),
        ("{{ answers.append(1) }}", 1, "unsafe"),
    ],
)
def test_error_in_a_template(text, line, said, reports, tmp_path):
    """An error in a user's template is a usage error with the file, the line and the name."""
    own = tmp_path / "broken.md.j2"
    own.write_text(text)
    with pytest.raises(UsageError) as caught:
        render(reports["first"], template=own)
    assert f"{own}, line {line}," in str(caught.value)
    assert said in str(caught.value)


def test_template_that_is_not_there(reports, tmp_path):
    """A template that does not exist is a usage error."""
    with pytest.raises(UsageError, match=r"absent\.md\.j2 does not exist"):
        render(reports["first"], template=tmp_path / "absent.md.j2")
