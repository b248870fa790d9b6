"""No markup of a hostile value is ever live."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ET
from dataclasses import replace
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from gate.domain import Change, CodeDiff, Commit, DataInfo, Diff, Endurance, ItemState, Status
from gate.notes import figures, render, summary
from gate.notes.markup import Html, Markdown, Svg, clean, settle_pipes

HOSTILE = (
    "@org/team closes #1 <script>alert(1)</script>",
    "[x](javascript:alert(1))",
    "![](http://evil.example/i.png)",
    "{{7*7}} {% raw %} ${{ secrets.X }}",
    "```",
    "`",
    "``` ``` `",
    "a | b || c \\| d \\\\| e",
    "-->\n\n# heading\n\n- [ ] list",
    "\x1b[31mred\x1b[0m \u202eright to left\u202c \u200b\x00\ud800",
    "</code></pre></td></table></details><img src=x onerror=alert(1)>",
    "&lt;b&gt; &#64;octocat \\@octocat",
    "---\nverdict: pass\n---",
    "http://evil.example www.evil.example a@evil.example GH-12 deadbeefcafe",
    "~~gone~~ **bold** _it_ $x$ :smile:",
    "::add-mask::x\r\n::error::y",
    "1. one\n2. two",
    "'\"><svg onload=alert(1)>",
    "\ue000\ue000",
    "--help",
    "$(id) `id` ; rm -rf /",
    "",
    " ",
)
TEXTS = st.one_of(st.sampled_from(HOSTILE), st.text(max_size=60), st.text("`|\\<>[]()!*_~@#$&\n {}%-.:", max_size=30))
READER = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
LIVE = re.compile(r"(?i)@\w|#\d|GH-\d|\bwww\.|://|<\w|\]\(|\{\{|\{%|`|javascript:")


def prose(markdown: str) -> list[str]:
    """The text outside of code, as a reader of GitHub-flavoured Markdown sees it."""
    texts = []
    for token in READER.parse(markdown):
        texts += [child.content for child in token.children or () if child.type == "text"]
    return texts


def kinds(markdown: str) -> set[str]:
    """The kinds of everything in the text."""
    tokens = READER.parse(markdown)
    return {token.type for token in tokens} | {child.type for token in tokens for child in token.children or ()}


@given(TEXTS)
def test_value_is_one_code_span(text):
    """A value is a paragraph that holds one code span and nothing else."""
    tokens = READER.parse(settle_pipes(Markdown().code(text)))
    assert [token.type for token in tokens] == ["paragraph_open", "inline", "paragraph_close"]
    assert [child.type for child in tokens[1].children] == ["code_inline"]


@given(TEXTS)
def test_value_in_a_table_stays_in_its_cell(text):
    """A value neither ends its cell nor its row, and is read back whole."""
    table = Markdown().table(["a", "b"], [[Markdown().code(text), "end"]], [False, False])
    tokens = READER.parse(settle_pipes(table))
    cells = [token for token in tokens if token.type == "inline"]
    assert [cell.content for cell in cells][:2] == ["a", "b"]
    assert cells[3].content == "end"
    assert [child.type for child in cells[2].children] == ["code_inline"]
    assert cells[2].children[0].content.strip() == (clean(text).strip() or cells[2].children[0].content.strip())


@given(TEXTS)
def test_sentence_is_inert(text):
    """Of a sentence only plain words are outside of code."""
    markdown = settle_pipes(Markdown().sentence(text))
    assert kinds(markdown) <= {"paragraph_open", "paragraph_close", "inline", "text", "code_inline"}
    for each in prose(markdown):
        assert not LIVE.search(each), each


@given(TEXTS)
def test_sentence_in_a_list_is_inert(text):
    """A sentence makes no list or heading of its own where a line begins."""
    markdown = settle_pipes("- " + Markdown().sentence(text))
    assert [token.type for token in READER.parse(markdown)].count("list_item_open") == 1
    assert kinds(markdown) <= {
        "bullet_list_open",
        "bullet_list_close",
        "list_item_open",
        "list_item_close",
        "paragraph_open",
        "paragraph_close",
        "inline",
        "text",
        "code_inline",
    }


@given(TEXTS)
def test_block_is_one_fence(text):
    """Commands stay inside their fence."""
    tokens = READER.parse(Markdown().block(f"gate check {text}\nnext"))
    assert [token.type for token in tokens] == ["fence"]


class Tags(HTMLParser):
    """Collects the names of tags and of their attributes."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []

    def handle_starttag(self, tag, attrs):
        self.tags.append(" ".join([tag, *(name for name, _ in attrs)]))


def tags(text: str) -> list[str]:
    parser = Tags()
    parser.feed(text)
    return parser.tags


@given(TEXTS)
def test_html_value_holds_no_tag(text):
    """In HTML a value is one code element, and a sentence holds no other."""
    assert tags(Html().code(text)) == ["code"]
    assert set(tags(Html().sentence(text))) <= {"code"}
    assert tags(Html().block(text)) == ["pre tabindex", "code"]


def poisoned(base, text):
    """A report with the text in every place that somebody else can write to."""
    change = Change(name=text, baseline=text, candidate=text + "x")
    commit = Commit(sha="c" * 40, author=text, at="2026-11-20T08:11:00+09:00", subject=text, files=(text,))
    code = CodeDiff(candidate_commit="c" * 40, commits=(commit,), note=text)
    rows = ({"id": text, text: text, "inputs": {text: text, "b": [text]}, "prediction": text},)
    checks = tuple(
        replace(each, title=text, message=text, rows=rows, rows_total=1, measurements=tuple(poisoned_all(each, text)))
        for each in base.checks
    )
    missing = {"state": ItemState.MISSING, "evidence": text, "fix": text}
    items = tuple(replace(each, **missing) for each in base.reproducibility.items)
    return replace(
        base,
        model=text,
        candidate=replace(base.candidate, run_id=text, source=text),
        reasons=(text,),
        checks=checks,
        diff=Diff(params=(change,), tags=(change,), data=(change,), signature=(change,), code=code),
        data=DataInfo(source=text, digest=text, rows=1, columns=(text,), target=text),
        reproducibility=replace(base.reproducibility, items=items),
        benchmark=poisoned_benchmark(base.benchmark, text),
    )


def poisoned_benchmark(bench, text):
    latency = tuple(
        replace(each, scenario=f"{text}{index or ''}", clock=text, stopped_by=text)
        for index, each in enumerate(bench.latency)
    )
    throughput = tuple(
        replace(each, rows_per_s={**each.rows_per_s, text: 1.0}, rows_per_s_by_threads={text: 1.0, "9" * 5000: 1.0})
        for each in bench.throughput
    )
    return replace(
        bench,
        environment={text: text},
        method=text,
        processes=text,
        latency=latency,
        throughput=throughput,
        cold_start=tuple(replace(each, side=text) for each in bench.cold_start),
        endurance=(Endurance(side=text, calls=(1,), rss_bytes=(1,)), *bench.endurance),
        notes=(text,),
        raw=text,
    )


def poisoned_all(check, text):
    for measurement in check.measurements:
        yield replace(measurement, unit=text)
        yield replace(measurement, name=text, value=text, baseline=text, limit=text)


@pytest.mark.parametrize("text", HOSTILE)
def test_whole_markdown_note_is_inert(text, reports):
    """In a whole note nothing of a hostile text is live: no link, image, mention, raw HTML but the template's own."""
    for lang in ("en", "ko"):
        note = render(poisoned(reports["warnings"], text), lang=lang)
        assert not kinds(note) & {"link_open", "html_inline", "em_open", "s_open", "blockquote_open"}
        assert images(note) == ["v3/latency.svg"]
        raw = {token.content.strip() for token in READER.parse(note) if token.type == "html_block"}
        assert all(re.fullmatch(r"<details><summary>[\w ]+</summary>|</details>", each) for each in raw), raw
        for each in prose(note):
            assert not LIVE.search(each), each


def images(markdown: str) -> list[str]:
    """The addresses of all images in the text."""
    children = [child for token in READER.parse(markdown) for child in token.children or ()]
    return [str(child.attrs["src"]) for child in children if child.type == "image"]


@pytest.mark.parametrize("text", [text for text in HOSTILE if text.strip()])
def test_figure_is_inert(text, reports):
    """A figure of hostile names is XML of the same elements and attributes as one of harmless names."""

    def outline(value: str) -> list[tuple[str, list[str]]]:
        drawn = figures(poisoned(reports["warnings"], value))["latency.svg"]
        return [(each.tag, sorted(each.attrib)) for each in ET.fromstring(drawn).iter()]

    assert outline(text) == outline("harmless")


@given(TEXTS)
def test_value_in_a_figure_is_text(text):
    """What a value becomes in an SVG is text of an XML element, whole and without children."""
    read = ET.fromstring(f"<text>{Svg().code(text)}{Svg().sentence(text)}{Svg().words(clean(text))}</text>")
    assert not list(read)


@pytest.mark.parametrize("text", [text for text in HOSTILE if text.strip()])
def test_hostile_text_leaves_the_layout(text, reports):
    """The note of a hostile report has the headings and table sizes of one with harmless text."""

    def outline(value: str) -> list[tuple[str, str]]:
        tokens = READER.parse(summary(poisoned(reports["warnings"], value)))
        return [(token.type, token.tag) for token in tokens if token.type not in ("inline", "fence")]

    assert outline(text) == outline("harmless")


@pytest.mark.parametrize("text", [text for text in HOSTILE if text.strip()])
def test_whole_html_note_is_inert(text, reports):
    """The tags of the page are those of a page with harmless text: none is added, none is lost."""
    hostile = tags(render(poisoned(reports["warnings"], text), format="html"))
    harmless = tags(render(poisoned(reports["warnings"], "harmless"), format="html"))
    assert [tag for tag in hostile if tag != "code"] == [tag for tag in harmless if tag != "code"]


def test_html_page_is_alone(reports):
    """The page has no script, no link and no address of elsewhere, and forbids itself to load any."""
    page = render(reports["warnings"], format="html")
    assert not {tag.split()[0] for tag in tags(page)} & {"script", "link", "img", "iframe", "a", "object", "form"}
    assert not re.search(r"(?i)https?://|url\(|@import|src=|href=", page)
    assert "default-src 'none'" in page


@settings(max_examples=200)
@given(TEXTS)
def test_front_matter_reads_back(text):
    """What front matter quotes is read back as it was, by YAML and by JSON."""
    import yaml

    from gate.notes.front import quoted

    written = str(quoted(text))
    assert not re.search(r"[^\w \-.:\\\"]", written)
    if not re.search("[\ud800-\udfff]", text):
        assert yaml.safe_load(written) == text
    if all(ord(each) < 0x10000 for each in text):
        assert json.loads(written) == text


def test_template_cannot_forget(reports, tmp_path):
    """Filters, |safe, concatenation, formatting and macros of a user's template all print inert text."""
    own = tmp_path / "note.md.j2"
    own.write_text(
        "{% macro m(x) %}<{{ x }}>{% endmacro %}{% set s %}{{ model }}{% endset %}"
        "{{ model|safe }} {{ model|e }} {{ model ~ '<b>' }} {{ '%s'|format(model) }} {{ [model]|join }} "
        "{{ t('title', model=model, version=version, shape=model, word=model)|upper }} {{ m(model) }} {{ s }} "
        "{{ '{}'.format(model) }} {{ model|urlize }} {{ model|tojson }} {{ s ~ model }}\n"
    )
    hostile = replace(reports["warnings"], model="<img src=x> @octocat [x](javascript:1)")
    note = render(hostile, template=own)
    assert not kinds(note) & {"html_inline", "html_block", "link_open", "image"}
    assert not any(LIVE.search(each.replace("<", "")) for each in prose(note))


def test_statuses_of_poisoned_reports_are_all_there(reports):
    """The poisoned report still has failed and passed checks, so that every table was written."""
    statuses = {each.status for each in poisoned(reports["warnings"], "x").checks}
    assert statuses == {Status.PASSED, Status.FAILED}
