"""Say, for the seven things that a rebuild needs, what is kept of each and how to mend what is not."""

from __future__ import annotations

import shlex
from collections.abc import Callable
from pathlib import Path

from gate.domain import (
    REPRODUCIBILITY_ITEMS,
    ItemState,
    LoggedDataset,
    Reproducibility,
    ReproducibilityItem,
    RunFacts,
    Snapshot,
)
from gate.notes.commits import COMMIT_TAG, URL_TAG, CommitFacts, commit_facts, recorded_commit, recorded_dirt
from gate.notes.cut import cut
from gate.notes.datafiles import DIGEST_ROWS, DataFile, local_path, read_file, source_uri
from gate.notes.preprocessing import preprocessing_kept

Finding = tuple[ItemState, str, str]
"""State, evidence (a sentence), fix (a command or a line of code; empty where nothing is to mend)."""

_TRAINING = ("train", "training")
_NO_RUN = "The version belongs to no run that can be read, so nothing is kept of it."


def reproducibility(candidate: Snapshot, repository: Path | None) -> Reproducibility:
    """Judge what is kept of the seven things that a rebuild needs, always all seven, in the order of the contract.

    Nothing is loaded or fetched: what cannot be known from the registry, the artifact's bytes and local files is
    called present at most, never verified.

    Args:
        candidate: what is stored with the version.
        repository: a local git repository to look the recorded commit and relative data paths up in.
    """
    items = []
    for name in REPRODUCIBILITY_ITEMS:
        state, evidence, fix = _FINDERS[name](candidate, repository)
        present = state is not ItemState.MISSING
        items.append(ReproducibilityItem(name=name, state=state, present=present, evidence=evidence, fix=fix))
    return Reproducibility(items=tuple(items))


def _source_code(candidate: Snapshot, repository: Path | None) -> Finding:
    run = candidate.run
    if run is None:
        return ItemState.MISSING, _NO_RUN, _log_with_run(candidate)
    commit = recorded_commit(candidate)
    if commit is None:
        return _without_commit(run)
    if recorded_dirt(candidate):
        evidence = f"Commit {commit[:12]} is recorded, but the code that ran had changes that are in no commit."
        return ItemState.CONTRADICTORY, evidence, 'git commit -am "what is trained"   # then train again'
    facts = commit_facts(commit, repository) if repository else None
    return _looked_up(candidate, commit, facts)


def _without_commit(run: RunFacts) -> Finding:
    if run.tags.get(COMMIT_TAG):
        state, why = ItemState.CONTRADICTORY, "The run's commit tag holds no full commit id (40 hexadecimal digits)."
    else:
        state, why = ItemState.MISSING, "The run records no commit: it was trained outside a git repository."
    return state, why, f'MlflowClient().set_tag({run.run_id!a}, "{COMMIT_TAG}", "COMMIT")'


def _looked_up(candidate: Snapshot, commit: str, facts: CommitFacts | None) -> Finding:
    url = (candidate.run.tags.get(URL_TAG) if candidate.run else None) or "REPOSITORY_URL"
    if facts is None:
        evidence = f"Commit {commit[:12]} is recorded; there is no repository here to look it up in."
        return ItemState.PRESENT, evidence, f"git clone {shlex.quote(cut(url))}"
    if not facts.found:
        return _not_found(commit, facts, url)
    if not facts.reachable:
        evidence = f"Commit {commit[:12]} exists here but lies on no branch or tag, so git may drop it."
        return ItemState.PRESENT, evidence, f"git tag trained-{commit[:12]} {commit} && git push origin --tags"
    clean = "with a clean working tree" if recorded_dirt(candidate) is False else "MLflow does not record a dirty tree"
    return ItemState.VERIFIED, f"Commit {commit[:12]} is in the repository ({clean}).", ""


def _not_found(commit: str, facts: CommitFacts, url: str) -> Finding:
    if facts.shallow:
        evidence = f"Commit {commit[:12]} is recorded; it is not in this shallow clone."
        return ItemState.PRESENT, evidence, "git fetch --unshallow"
    if url in facts.urls:
        evidence = f"Commit {commit[:12]} is recorded as of this repository, which does not hold it."
        return ItemState.CONTRADICTORY, evidence, "git push origin HEAD   # from the clone where it was trained"
    evidence = f"Commit {commit[:12]} is recorded; the repository here does not hold it (another one, or not fetched)."
    return ItemState.PRESENT, evidence, "git fetch --all"


def _metrics(candidate: Snapshot, _: Path | None) -> Finding:
    count = len(candidate.run.metrics) if candidate.run else 0
    if count:
        return ItemState.PRESENT, f"The run holds {_counted(count, 'metric')}, as the training script logged them.", ""
    why = "The run holds no metrics." if candidate.run else _NO_RUN
    return ItemState.MISSING, why, 'mlflow.log_metrics({"rmse": rmse})   # inside the run that trains'


def _parameters(candidate: Snapshot, _: Path | None) -> Finding:
    count = len(candidate.run.params) if candidate.run else 0
    if count:
        return ItemState.PRESENT, f"The run holds {_counted(count, 'parameter')}.", ""
    why = "The run holds no parameters." if candidate.run else _NO_RUN
    return ItemState.MISSING, why, "mlflow.log_params(model.get_params())   # inside the run that trains"


def _model_file(candidate: Snapshot, _: Path | None) -> Finding:
    artifact = candidate.artifact
    if artifact is None:
        why = cut(candidate.artifact_problem or "The artifact cannot be had.")
        return ItemState.MISSING, why, _log_with_run(candidate)
    evidence = f"{_counted(len(artifact.files), 'file')}, {artifact.size_bytes} bytes, own digest {artifact.digest}."
    return ItemState.VERIFIED, evidence, ""


def _training_data(candidate: Snapshot, repository: Path | None) -> Finding:
    datasets = candidate.run.datasets if candidate.run else ()
    wanted = [dataset for dataset in datasets if (dataset.context or "").lower() in _TRAINING]
    if wanted:
        return _weakest(wanted, repository)
    fix = 'mlflow.log_input(mlflow.data.from_pandas(train, source="data/train.parquet"), context="training")'
    if not candidate.run:
        return ItemState.MISSING, _NO_RUN, fix
    others = f" ({_counted(len(datasets), 'dataset')} logged for something else)" if datasets else ""
    return ItemState.MISSING, f"The run logs no dataset with the context training{others}.", fix


def _preprocessing_code(candidate: Snapshot, _: Path | None) -> Finding:
    kept = preprocessing_kept(candidate)
    if kept:
        return ItemState.PRESENT, kept, ""
    evidence = "Nothing in the artifact or the run names preprocessing: there is none, or it is not kept."
    fix = (
        'mlflow.sklearn.log_model(Pipeline([("prepare", prepare), ("model", model)]), name="model", code_paths=["src"])'
    )
    return ItemState.MISSING, evidence, fix


def _preprocessed_data(candidate: Snapshot, repository: Path | None) -> Finding:
    datasets = candidate.run.datasets if candidate.run else ()
    wanted = [dataset for dataset in datasets if (dataset.context or "").lower().startswith("preprocess")]
    if wanted:
        return _weakest(wanted, repository)
    why = "The run logs no dataset with the context preprocessed." if candidate.run else _NO_RUN
    fix = 'mlflow.log_input(mlflow.data.from_pandas(prepared, source="data/prepared.parquet"), context="preprocessed")'
    return ItemState.MISSING, why, fix


def _weakest(datasets: list[LoggedDataset], repository: Path | None) -> Finding:
    """A rebuild needs every dataset of its kind: the least well kept one speaks for all."""
    order = (ItemState.CONTRADICTORY, ItemState.PRESENT, ItemState.VERIFIED)
    return min((_dataset(dataset, repository) for dataset in datasets), key=lambda finding: order.index(finding[0]))


def _dataset(dataset: LoggedDataset, repository: Path | None) -> Finding:
    path = local_path(dataset, repository)
    file = read_file(path) if path else "which is not on this machine"
    name = f"{cut(dataset.name, 80)} (MLflow digest {cut(dataset.digest, 20)})"
    if isinstance(file, str):
        fix = 'mlflow.data.from_pandas(train, source="data/train.parquet")   # a source that can be read again'
        where = cut(source_uri(dataset.source) or dataset.source_type, 120)
        return ItemState.PRESENT, f"{name} is logged with the source {where}, {file}: its content is not checked.", fix
    if dataset.rows is not None and dataset.rows != file.rows:
        evidence = f"{name} is logged with {dataset.rows} rows, its source file holds {file.rows}."
        return ItemState.CONTRADICTORY, evidence, "git log -- " + shlex.quote(cut(str(file.path)))
    return _same_rows(dataset, file, name)


def _same_rows(dataset: LoggedDataset, file: DataFile, name: str) -> Finding:
    own = f"{file.rows} rows, own digest of the whole file sha256:{file.sha256}"
    if dataset.digest == file.mlflow_digest:
        beyond = f"; MLflow's digest covers only the first {DIGEST_ROWS} rows" if file.rows > DIGEST_ROWS else ""
        return ItemState.VERIFIED, f"{name}: the source file gives the same digest again, {own}{beyond}.", ""
    evidence = f"{name}: the source file is here, {own}, but gives another digest: changed since, or read otherwise."
    fix = "mlflow.data.from_pandas(pd.read_parquet(path), source=path)   # log the file just as it is read"
    return ItemState.PRESENT, evidence, fix


def _log_with_run(candidate: Snapshot) -> str:
    name = ascii(candidate.model)
    return f'with mlflow.start_run(): mlflow.sklearn.log_model(model, name="model", registered_model_name={name})'


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


_FINDERS: dict[str, Callable[[Snapshot, Path | None], Finding]] = {
    "source_code": _source_code,
    "metrics": _metrics,
    "parameters": _parameters,
    "model_file": _model_file,
    "training_data": _training_data,
    "preprocessing_code": _preprocessing_code,
    "preprocessed_data": _preprocessed_data,
}
