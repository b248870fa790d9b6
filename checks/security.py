"""What the artifact is, told from its files before anything of it is loaded."""

from itertools import groupby

import pytest

from gate import Severity, check

SHOWN = 5
"""How many findings a message names; the report's rows have more."""


def _told(findings):
    """Name the first findings, and say how many there are."""
    told = "; ".join(map(str, findings[:SHOWN]))
    return f"{told}; and {len(findings) - SHOWN} more" if len(findings) > SHOWN else told


def _rows(findings):
    return [{"file": found.file, "symbol": found.symbol, "what": found.what} for found in findings]


def _inspection(candidate):
    if candidate.inspection is None:
        pytest.skip("there are no files to look at (contract.loads)")
    return candidate.inspection


@check(category="security")
def check_artifact_tree(candidate, measure):
    """The artifact is a plain folder of files, and MLmodel stays inside it.

    Names and sizes are looked at before anything is copied, MLmodel is read as hostile text. Refused are: links,
    symbolic and hard, pipes, sockets and devices; paths with `..` or outside the folder, in MLmodel too; names that
    are no UTF-8, or that differ only in case or spelling; sparse files; an MLmodel that is missing, no safe YAML,
    names a key twice, or is a bomb of aliases.

    Limits: 20,000 files, 64 GiB, 32 folders deep; MLmodel 16 MiB and 100 aliases.
    A failure means that loading the version, or copying it, could reach other files than its own, or never end. It is
    not loaded.
    To change it: log the model anew; there is no setting that lets such a folder in.
    """
    if candidate.artifact is None and not candidate.artifact_refused:
        pytest.skip("there are no files to look at (contract.loads)")
    if candidate.artifact is None:
        pytest.fail(candidate.artifact_problem)
    measure("files", len(candidate.artifact.files), unit="files")
    measure("size", candidate.artifact.size_bytes, unit="bytes")


@check(category="security", severity="info")
def check_artifact_class(candidate, measure, offending_cases, weigh, remark):
    """Loading the artifact executes nothing but what it says.

    Every file is looked at by its bytes, whatever its name says, inside of zip, gzip, bz2, xz, lzma and zlib too: a
    pickle's opcodes are followed without executing them, and each name that they import is held against the gate's own
    list of exact names (Python, NumPy, SciPy, pandas, scikit-learn, XGBoost, LightGBM); skops files likewise. What
    cannot be read to its end is a finding. The class: data (numbers and text alone), skops, pickle (both within the
    list), or code. Code that MLmodel openly brings (a Python model, code paths, a flavour that runs programs) makes the
    class code and is no finding, unless its pickles call what runs, loads or writes whatever it is told.

    Default: info, so that it never decides until a team asks for more.
    A failure names file and symbol of what has no place in such an artifact. It is advice: isolation is the control.
    To change it: `severity: {security.artifact_class: critical}`, or by class `security: {policy: {code: deny}}`, with
    allow, sandbox (load it under bwrap or landlock only), approval (a waiver of this check names who approved) or deny.
    """
    found = _inspection(candidate)
    measure("class", found.artifact_class)
    measure("findings", len(found.findings))
    if found.declared:
        remark(f"openly brings code: {_told(found.declared)}")
    offending_cases(_rows(found.findings))
    if found.action == "approval":
        weigh(Severity.CRITICAL)
        pytest.fail(f"loading executes {found.artifact_class}, which a person must approve: {_why(found)}")
    if found.findings:
        pytest.fail(_told(found.findings))


def _why(found):
    return _told((*found.findings, *found.declared)) or f"the policy asks for it of every {found.artifact_class}"


@check(category="security")
def check_denied(candidate):
    """The policy allows to load what the artifact is.

    `security.policy` in gate.yaml says for each class of artifact (security.artifact_class) whether it may be loaded:
    allow, sandbox, approval or deny.

    Default: every class is allowed; loading happens in a worker process, never in the gate's own.
    A failure means that nothing of the version was loaded, so that nothing else of it could be judged. It names what
    was found.
    To change it: log the model in a form that the policy allows (ONNX, skops, the library's own format); where the
    policy says approval, approve it by a waiver of security.artifact_class; or set `security: {policy: {code: allow}}`.
    """
    if _inspection(candidate).denied:
        pytest.fail(candidate.inspection.denied)


@check(category="security", severity="warning")
def check_requirements(candidate, offending_cases):
    """The requirements name packages, and nothing else.

    Each line of requirements.txt, constraints.txt, conda.yaml and python_env.yaml is read. The gate installs none of
    them; a server that serves the model would.

    Limit: no line that takes packages from another index (`--index-url`, `--find-links`, channels), fetches an address
    (`git+`, `name @ https:`), installs a file of the machine (`-e`, `name @ file:`), or sets an option of the
    installer.
    A failure names the file and the line. Whoever installs the requirements runs code from that place.
    To change it: log the model with pip_requirements=["name==version"], or `severity: {security.requirements: info}`.
    """
    found = _inspection(candidate).requirements
    offending_cases(_rows(found))
    assert not found, _told(found)


@check(category="security", severity="info")
def check_second_opinion(candidate, offending_cases, measure):
    """Other scanners find nothing in the artifact.

    picklescan and modelscan, where they are installed (`pip install 'model-release-gate[scan]'`), each in a process of
    its own with a time limit. They look for names that are known to be dangerous, and miss others; the gate's own look
    (security.artifact_class) goes the other way round.

    Limit: no finding. Default: info, since code that the artifact openly brings can be one.
    A failure names scanner, file and symbol.
    To change it: `severity: {security.second_opinion: critical}` in gate.yaml.
    """
    opinions = _inspection(candidate).opinions
    asked = [opinion for opinion in opinions if not opinion.problem]
    if not asked:
        problems = sorted((opinion.problem, opinion.scanner) for opinion in opinions)
        grouped = groupby(problems, key=lambda pair: pair[0])
        why = "; ".join(f"{' and '.join(name for _, name in pairs)}: {problem}" for problem, pairs in grouped)
        pytest.skip(why or "no scanner was asked")
    for opinion in asked:
        measure(opinion.scanner, len(opinion.findings), unit="findings")
        offending_cases([{"scanner": opinion.scanner, **row} for row in _rows(opinion.findings)])
    told = [f"{opinion.scanner}: {_told(opinion.findings)}" for opinion in asked if opinion.findings]
    assert not told, "; ".join(told)
