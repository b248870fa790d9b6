"""The latency figure: what it shows, and that nothing of a report can break it."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from dataclasses import replace

import pytest

from gate.notes import figures, render, summary
from tests.notes.pieces import benchmark, check, ratios, report, timed

SVG = "{http://www.w3.org/2000/svg}"
LIMITS, CANDIDATE, BASELINE = "2 3", "#D55E00", "#0072B2"


def drawn(found, lang="en"):
    return figures(found, lang)["latency.svg"]


def with_latency(*scenarios, checks=()):
    return report([check("contract.loads", "It loads."), *checks], benchmark=benchmark(latency=scenarios))


def texts(svg):
    return ["".join(each.itertext()) for each in ET.fromstring(svg).iter(f"{SVG}text")]


def paths(svg, **attributes):
    found = ET.fromstring(svg).iter(f"{SVG}path")
    wanted = {name.replace("_", "-"): value for name, value in attributes.items()}
    return [each.get("d") for each in found if wanted.items() <= each.attrib.items()]


@pytest.mark.parametrize("lang", ["en", "ko"])
@pytest.mark.parametrize("case", ["warnings", "rejected"])
def test_figure(case, lang, reports, golden):
    """The figure of each report is what was looked at and approved."""
    golden(f"{case}.{lang}.svg", drawn(reports[case], lang))


def test_a_first_version_has_no_figure(reports):
    """Where nothing was timed there is no figure, and no note refers to one."""
    assert figures(reports["first"]) == {}
    assert "![" not in render(reports["first"])
    assert "<svg" not in render(reports["first"], format="html")


def test_where_the_figure_is(reports):
    """A Markdown note refers to the file beside it, a page holds the figure, a job summary has none."""
    assert "](v3/latency.svg)" in render(reports["warnings"])
    assert render(reports["warnings"], format="html").count("<svg") == 1
    assert "latency.svg" not in summary(reports["warnings"])


@pytest.mark.parametrize("lang", ["en", "ko"])
def test_it_is_small(lang):
    """Five scenarios take at most 4 kB, however long their names."""
    scenarios = [timed("요청 " * 200 + str(number), 1, (1.01, 0.99, 1.03), 0.001) for number in range(5)]
    named = [timed(f"batch_{number}", 1, (1.01, 0.99, 1.03), 0.001) for number in range(5)]
    assert len(drawn(with_latency(*named), lang).encode()) < 4_000
    assert len(drawn(with_latency(*scenarios), lang).encode()) < 6_000


def test_it_says_what_it_is(reports):
    """Whoever hears the figure is told its title, and the change of each scenario."""
    root = ET.fromstring(drawn(reports["warnings"]))
    assert root.findtext(f"{SVG}title") == "Latency of diabetes, version 3 against version 2"
    told = root.findtext(f"{SVG}desc")
    assert "batch_1: +1.2% CPU time." in told
    assert "batch_256: -1.9% CPU time." in told
    assert root.get("aria-labelledby") == "latency-t latency-d"


def test_it_is_alone(reports):
    """It runs nothing and loads nothing, and its only address is the name of its language."""
    svg = drawn(reports["warnings"])
    assert re.findall(r"\w+://[^\"]+", svg) == ["http://www.w3.org/2000/svg"]
    assert not re.search(r"(?i)<script|<style|<image|href|url\(|on\w+=", svg)


def test_versions_are_told_apart_without_colour(reports):
    """The baseline's line is dashed, the candidate's solid."""
    svg = drawn(reports["warnings"])
    assert len(paths(svg, stroke=BASELINE, stroke_dasharray="6 4")) == len(paths(svg, stroke=BASELINE)) == 2
    solid = [each.attrib for each in ET.fromstring(svg).iter(f"{SVG}path") if each.get("stroke") == CANDIDATE]
    assert len(solid) == 3
    assert not any("stroke-dasharray" in each for each in solid)


def test_limit_of_each_scenario():
    """The line of a limit goes through the rows whose check carries it, each at its own place."""
    slow = check("performance.latency", "Not slower.", measurements=ratios("a", (1.01, 0.99, 1.03)))
    wide = check("performance.throughput", "Not slower.", measurements=ratios("b", (1.01, 0.99, 1.03), limit=1.1))
    scenarios = [timed(name, 1, (1.01, 0.99, 1.03), 0.001) for name in "abc"]
    limits, _ = paths(drawn(with_latency(*scenarios, checks=[slow, wide])), stroke_dasharray=LIMITS)
    first, second = re.findall(r"M([\d.]+) ([\d.]+)v42", limits)
    assert float(first[0]) < float(second[0])
    assert (first[1], second[1]) == ("30", "72")


def test_no_limit_no_line():
    """Where no check carries a limit neither the line nor its key is drawn."""
    svg = drawn(with_latency(timed("a", 1, (1.01, 0.99, 1.03), 0.001)))
    assert paths(svg, stroke_dasharray=LIMITS) == []
    assert "Limit that blocks" not in texts(svg)


def test_an_end_that_is_not_known_is_an_arrow():
    """An interval without an end goes to the edge, with an arrow; one with both ends has none."""
    svg = drawn(
        with_latency(
            timed("open", 1, (1.01, 0.0, 9.0), 0.001, cpu_ratio_ci=(0.0, "Infinity")),
            timed("closed", 1, (1.01, 0.99, 1.03), 0.001),
        )
    )
    (intervals,) = [path for path in paths(svg) if path.startswith("M160 51H")]
    assert intervals.count("M") == 4
    assert intervals.startswith("M160 51H425")


@pytest.mark.parametrize("ratio", [(20.0, 15.0, 31.0), (0.01, 0.001, 0.02), (1.0, 1.0, 1.0), (1e300, 1e-300, 1e308)])
def test_every_ratio_has_a_place(ratio):
    """However far the ratio, every mark lies inside of the picture and the axis has labels."""
    svg = drawn(with_latency(timed("a", 1, ratio, 0.001)))
    width, height = (float(ET.fromstring(svg).get(each)) for each in ("width", "height"))
    for path in paths(svg):
        for x, y in re.findall(r"[ML]([-\d.]+) ([-\d.]+)", path):
            assert 0 <= float(x) <= width
            assert 0 <= float(y) <= height
    assert "0%" in texts(svg)


def test_a_ratio_that_is_no_number():
    """A ratio that is not a number leaves its row with words alone."""
    svg = drawn(with_latency(timed("a", 1, (1.0, 0.9, 1.1), 0.001, cpu_ratio="NaN", cpu_ratio_ci=("NaN", "NaN"))))
    assert "not estimable" in texts(svg)
    assert paths(svg, stroke_width="9") == []


def test_scenarios_that_wait_are_shown_by_wall_time():
    """A scenario that is decided by wall time shows that ratio, and says so."""
    waiting = timed("a", 1, (1.01, 0.99, 1.03), 0.001, clock="wall", wall_ratio=1.3, wall_ratio_ci=(1.2, 1.4))
    found = texts(drawn(with_latency(waiting)))
    assert "+30.0%" in found
    assert "aby wall time" in found


def test_percentiles_without_an_upper_end_are_rings(reports):
    """A ring stands where the upper end of a percentile cannot be told, for each version."""
    (rings, key) = [path for path in paths(drawn(reports["warnings"])) if "a4 4" in path]
    assert rings.count("M") == 4
    assert key.count("M") == 1


def test_more_scenarios_than_have_room():
    """Beyond eight scenarios the figure says how many are left out."""
    found = texts(drawn(with_latency(*(timed(f"s{number}", 1, (1.01, 0.99, 1.03), 0.001) for number in range(11)))))
    assert "… and 3 more, in report.json." in found
    assert "s7" in found
    assert "s8" not in found


def test_scenario_without_percentiles():
    """A row of which no percentile is known has no line."""
    svg = drawn(with_latency(timed("a", 1, (1.01, 0.99, 1.03), 0.001, percentiles=())))
    assert len(paths(svg, stroke=BASELINE)) == 1


def test_same_bytes_whatever_the_hash_seed(reports, tmp_path):
    """Two processes draw the same bytes."""
    from gate.report import dumps

    (tmp_path / "report.json").write_text(dumps(replace(reports["warnings"], isolation="other")))
    code = "import sys; from gate.notes import figures; from gate.report import read; from pathlib import Path;"
    code += "sys.stdout.buffer.write(figures(read(Path(sys.argv[1])))['latency.svg'].encode())"
    run = [sys.executable, "-c", code, str(tmp_path / "report.json")]
    environments = [{**os.environ, "PYTHONHASHSEED": seed} for seed in "12"]
    seen = {subprocess.run(run, check=True, capture_output=True, env=each).stdout for each in environments}
    assert seen == {drawn(reports["warnings"]).encode()}
