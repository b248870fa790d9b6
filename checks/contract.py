"""Does the version keep the promises that callers rely on: it loads, takes the same inputs, answers every row."""

import numpy as np
import pytest

from gate import Severity, Task, check, inconclusive
from gate.evidence.outputs import Kind, read
from gate.evidence.signatures import breaking_changes
from gate.evidence.twins import departures, disagreement

TAIL = 400
"""How much of what the worker printed goes into a message."""
DOING = {"load": "loading", "predict": "predicting", "start": "starting", "protocol": "answering"}


@check(category="contract")
def check_loads(answers):
    """The version loads, and answers.

    The model is loaded with mlflow.pyfunc in a worker process of its own, and asked for all evaluation rows within the
    limits of time and memory (`isolation:` in gate.yaml).

    A failure means that a server could not serve it either: the artifact is gone, a package is missing, loading or
    predicting raises, hangs, or kills the process. The message has the exception's class and text.

    Limits: `isolation.memory_mb` (4096) and `isolation.timeout_s` (600, for a load or a batch).
    To change it: `isolation: {memory_mb: 8192, timeout_s: 1200}` in gate.yaml.
    """
    failure = answers.failure
    if failure is None:
        return
    printed = f"; it printed: {failure.output.strip()[-TAIL:]}" if failure.output.strip() else ""
    pytest.fail(f"{DOING.get(failure.stage, failure.stage)} failed: {failure.kind}: {failure.text}{printed}")


@check(category="contract")
def check_signature(candidate, baseline, answers, weigh):
    """Callers of the baseline can call this version without a change.

    Both signatures are compared field by field. Breaking, and critical: an input removed, renamed, added as required,
    or of a narrower type; an output removed or of another type; a tensor where there were columns. An input that
    became optional or wider, and an added optional input, break nothing. A warning: the baseline has a signature and
    the candidate none, or inputs and outputs agree only by position.

    Limit: no breaking change at all.
    A failure means that requests which work today will be refused, or misread.
    To change it: `severity: {contract.signature: warning}` in gate.yaml, where all callers change with the model.
    """
    if baseline.signature is None:
        pytest.skip("the baseline has no signature")
    if candidate.signature is None:
        weigh(Severity.WARNING)
        pytest.fail("the baseline has a signature, this version has none: log it with signature=infer_signature(…)")
    broken = breaking_changes(baseline.signature, candidate.signature)
    assert not broken, "; ".join(broken)
    named = all(field.name for field in candidate.signature.inputs or ())
    if answers.positional and not named and any(field.name for field in baseline.signature.inputs or ()):
        weigh(Severity.WARNING)
        pytest.fail("inputs agree only by position: name the columns in the signature")


@check(category="contract")
def check_row_count(answers, case):
    """The version gives one answer for each row.

    The rows that were asked are counted, and the answers. Limit: none may be missing, none too many.
    Inconclusive where there are no evaluation data: a version that was asked nothing is not judged.
    A failure means that answers cannot be matched with rows: some were dropped, merged or added.
    To change it: nothing else can be judged without it; mend the model, so that it answers every row it is given.
    """
    if answers.table is None:
        if case.eval_data is None and answers.failure is None:
            inconclusive(case.reasons.get("data") or "there are no evaluation data")
        pytest.skip("the candidate gave no answers")
    given, asked = answers.table.num_rows, len(case.eval_data)
    assert given == asked, f"{given:,} answers for {asked:,} rows"


@check(category="contract")
def check_types(answers, case, task):
    """The answers are of the types that callers expect.

    Numbers where the task is regression, forecast or probability; something at all in every column; the columns of
    the baseline, in its types (a wider number is the same type), and vectors of its length.

    Limit: no column of another type.
    A failure means that callers cannot parse the answers.
    To change it: say what the answers are (`task: text` in gate.yaml, say), or, where all callers change with the
    model, `severity: {contract.types: warning}`.
    """
    if answers.table is None:
        pytest.skip("the candidate gave no answers")
    wrong = _wrong_in_itself(case.predictions, task)
    if case.baseline_predictions is not None and case.baseline_paired:
        wrong += _unlike(case.predictions, case.baseline_predictions)
    assert not wrong, "; ".join(wrong)


def _wrong_in_itself(frame, task):
    """Say what no answer of this task may be."""
    if not len(frame.columns):
        return ["the answers have no columns"]
    wrong = []
    for name in frame.columns:
        output = read(frame[name].to_numpy())
        if len(output) and output.null.all():
            wrong.append(f"{name} holds nothing but missing values")
        elif task in {Task.REGRESSION, Task.FORECAST} and output.kind in {Kind.CLASS, Kind.OTHER}:
            wrong.append(f"{name} holds {_example(frame[name])} where {task} asks for numbers")
        elif name.startswith("proba_") and output.kind is not Kind.NUMBER:
            wrong.append(f"{name} holds {_example(frame[name])} where a probability is a number")
    return wrong


def _example(column):
    present = column.dropna()
    value = present.iloc[0] if len(present) else None
    kind = {"str": "text", "bool": "truth values", "bytes": "bytes"}.get(type(value).__name__, type(value).__name__)
    return f"{kind} such as {str(value)[:40]!r}"


def _unlike(frame, baseline):
    """Say where the answers differ from the baseline's in columns, kind or length of vectors."""
    missing = [name for name in baseline.columns if name not in frame.columns]
    wrong = [f"the column {name} of the baseline's answers is missing" for name in missing]
    for name in baseline.columns.difference(missing, sort=False):
        ours, theirs = read(frame[name].to_numpy()), read(baseline[name].to_numpy())
        if ours.null.all() or theirs.null.all():
            continue
        if ours.kind is not theirs.kind:
            wrong.append(f"{name} holds {ours.kind} values, the baseline's {theirs.kind} values")
        elif ours.kind is Kind.VECTOR and ours.numbers.shape[1:] != theirs.numbers.shape[1:]:
            wrong.append(
                f"{name} has vectors of {ours.numbers.shape[1]}, the baseline's have {theirs.numbers.shape[1]}"
            )
    return wrong


TWINS = {
    "alone": "alone as inside a batch",
    "split": "in another batch",
    "twice": "when the batch holds it twice",
    "repeated": "when it is asked again",
    "shuffled": "whatever the order of the rows",
    "columns": "whatever the order of the columns",
    "elsewhere": "from another process",
}


@check(category="contract")
def check_batch_invariance(answers, predictions, measure, offending_rows, weigh):
    """A row gets the same answer alone, in another batch, and beside its copy.

    At most 16 rows are asked one by one, 64 in three uneven batches, 32 with each row twice in the batch.

    Limit: passed within rounding (single precision); a warning for small random noise, at most 1 % of the answers'
    spread; critical beyond: the version looks at other rows to answer one.
    A failure means that an online server and a batch job will disagree.
    To change it: `severity: {contract.batch_invariance: warning}` in gate.yaml.
    """
    _judge_twins(("alone", "split", "twice"), answers, predictions, (measure, offending_rows, weigh))


@check(category="contract")
def check_repeatable(answers, predictions, measure, offending_rows, weigh):
    """The same rows asked twice get the same answers.

    Limit: passed within rounding (single precision); a warning for small random noise, at most 1 % of the answers'
    spread; critical beyond.

    A failure means that a verdict holds for one draw only, and that callers get another answer on a retry.
    To change it: fix the seed inside the model, or `severity: {contract.repeatable: warning}` in gate.yaml.
    """
    _judge_twins(("repeated",), answers, predictions, (measure, offending_rows, weigh))


@check(category="contract")
def check_row_order(answers, predictions, measure, offending_rows, weigh):
    """A row gets the same answer wherever it stands in the batch.

    The rows are asked once more in a seeded random order.

    Limit: passed within rounding (single precision); a warning for small random noise, at most 1 % of the answers'
    spread; critical beyond.

    A failure means that answers go to the wrong rows, or depend on their neighbours.
    To change it: `severity: {contract.row_order: warning}` in gate.yaml, where the order is meant to matter.
    """
    _judge_twins(("shuffled",), answers, predictions, (measure, offending_rows, weigh))


@check(category="contract")
def check_column_order(answers, predictions, measure, offending_rows, weigh):
    """A row gets the same answer whatever the order of its columns.

    At most 64 rows are asked with the columns turned round, where the signature names them: then callers may send them
    in any order.

    Limit: passed within rounding (single precision); a warning for small random noise; critical beyond.
    A failure means that the version reads columns by position: a caller's other order gives wrong answers in silence.
    To change it: `severity: {contract.column_order: warning}` in gate.yaml.
    """
    _judge_twins(("columns",), answers, predictions, (measure, offending_rows, weigh))


@check(category="contract")
def check_second_process(answers, predictions, measure, offending_rows, weigh):
    """Another process that loads the version gives the same answers.

    The version is loaded a second time in another process (not where loading takes more than a minute), and asked at
    most 64 rows.

    Limit: passed within rounding (single precision); a warning for small random noise; critical beyond.
    A failure means that loading is random: weights drawn anew, an order of sets, a file that is read by chance. What
    was judged is then not what will be served.
    To change it: `severity: {contract.second_process: warning}` in gate.yaml.
    """
    _judge_twins(("elsewhere",), answers, predictions, (measure, offending_rows, weigh))


@check(category="contract", severity="warning")
def check_optional_inputs(answers, predictions, measure, offending_rows):
    """Rows without the optional inputs get an answer.

    At most 64 rows are asked with no value in the columns that the signature declares optional (`required: false`):
    missing values, and columns left out where their type has none. The answers may be others.

    Limit: none may be missing that was there before.

    A failure means that the signature promises callers what the version does not keep.
    To change it: declare the inputs required, or `severity: {contract.optional_inputs: critical}` in gate.yaml.
    """
    twin = _twin("optional", answers)
    if twin is None:
        pytest.skip("the signature declares no input optional that the data have")
    _refuse_failure(twin, "without the optional inputs")
    lost = twin.table.to_pandas().isna().any(axis=1) & ~predictions.iloc[twin.rows].isna().any(axis=1).to_numpy()
    rows = np.flatnonzero(lost.to_numpy())
    offending_rows(twin.rows[rows])
    measure("rows_without_an_answer", len(rows), max=0, unit="rows")


@check(category="contract")
def check_relations(answers, predictions, config, measure, offending_rows):
    """Answers change as the declared relations say when inputs are changed.

    Metamorphic relations of gate.yaml: inputs are changed in at most 64 rows to which the change applies, and the
    answers must be the same, no lower (increase) or no higher (decrease), within `tolerance` (in the answer's unit)
    and the rounding of single precision. Of several columns of numbers increase and decrease look at `column`, else at
    the prediction or the last probability. Source: T. Chen et al., Metamorphic testing, HKUST-CS98-01 (1998).

    No default; `metamorphic: [{name: sex swap, change: {sex: {f: m, m: f}}}, {change: {income: "+10%"}, expect:
    increase}]` in gate.yaml declares some. Inconclusive where a change applies to no row.
    A failure means that the version broke a promise that the team wrote down.
    To change it: mend the relation or its `tolerance`, or `severity: {contract.relations: warning}`.
    """
    if not config.metamorphic:
        pytest.skip("gate.yaml declares no metamorphic relations")
    broken, unasked = [], []
    for relation in config.metamorphic:
        twin = _twin(relation.twin, answers)
        if twin is None:
            unasked.append(relation.title)
            continue
        broken += _broken(relation, twin, predictions, measure, offending_rows)
    assert not broken, "; ".join(broken)
    if unasked:
        inconclusive(f"no row of the evaluation data could be changed as said by: {', '.join(unasked)}")


def _broken(relation, twin, predictions, measure, offending_rows):
    """Say how a relation is broken, in a list of one or none."""
    if twin.failure is not None:
        return [f"{relation.title}: the version fails ({twin.failure.kind}: {twin.failure.text})"]
    first, second = predictions.iloc[twin.rows], twin.table.to_pandas()
    off = departures(first, second, predictions, relation)
    if off is None:
        return [f"{relation.title}: there is no column of numbers {relation.column or ''} to {relation.expect}"]
    order = np.argsort(-off, kind="stable")
    worst = order[off[order] > 0]
    measure(f"{relation.title}: rows that break it", len(worst), unit="rows")
    name = relation.column or next(iter(predictions.columns))
    if not len(worst):
        return []
    offending_rows(twin.rows[worst], relation=[relation.title] * len(worst), changed=list(second[name].iloc[worst]))
    wanted = {"same": "do not stay the same", "increase": "fall", "decrease": "rise"}[relation.expect]
    return [f"{relation.title}: {len(worst)} of {len(off)} answers {wanted}"]


NOISE = 0.01


def _twin(name, answers):
    return next((twin for twin in answers.twins if twin.name == name), None)


def _refuse_failure(twin, how):
    if twin.failure is not None:
        pytest.fail(f"the version fails when rows are asked {how}: {twin.failure.kind}: {twin.failure.text}")


def _judge_twins(names, answers, predictions, fixtures):
    """Hold the answers to the same rows, asked in other ways, against the first ones."""
    measure, offending_rows, weigh = fixtures
    twins = [twin for twin in (_twin(name, answers) for name in names) if twin is not None]
    if not twins:
        pytest.skip("the rows were not asked in this way")
    wrong, small = [], True
    for twin in twins:
        how = "" if len(names) == 1 else f"_{twin.name}"
        if twin.failure is not None:
            wrong.append(f"a row gets no answer {TWINS[twin.name]} ({twin.failure.kind}: {twin.failure.text})")
            small = False
            continue
        first, second = predictions.iloc[twin.rows], twin.table.to_pandas()
        found = disagreement(first, second, predictions)
        measure(f"rows_that_differ{how}", int(found.differs.sum()), unit="rows")
        measure(f"largest_difference{how}", float(found.size.max(initial=0.0)), unit="spreads")
        if not found.differs.any():
            continue
        order = np.argsort(-found.size, kind="stable")
        worst = order[found.differs[order]]
        column = next(iter(second.columns))
        offending_rows(twin.rows[worst], asked_again=[second.iloc[place][column] for place in worst])
        small = small and not found.columns_differ and float(found.size.max()) <= NOISE
        wrong.append(
            f"{len(worst)} of {len(twin.rows)} rows do not get the same answer {TWINS[twin.name]} "
            f"(largest difference {float(found.size.max()):.3g} of the answers' spread)"
        )
    if wrong and small:
        weigh(Severity.WARNING)
    assert not wrong, "; ".join(wrong)
