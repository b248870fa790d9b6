"""The one door to MLflow: its client, with short time limits, one kind of error, and silence."""

from __future__ import annotations

import logging
import os
import random
import threading
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeVar

from gate.errors import GateError, RegistryError
from gate.registry.address import ensure_exists, resolve_addresses
from gate.registry.faults import translate, without_password

T = TypeVar("T")

ANSWER_S = 13.0
"""Seconds that one answer may take: below the 15 s within which the gate says that the registry is out of reach."""
_PATIENCE = {
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "12",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
    "MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR": "1",
    "MLFLOW_HTTP_REQUEST_BACKOFF_JITTER": "0.2",
    "MLFLOW_HTTP_RESPECT_RETRY_AFTER_HEADER": "false",
}
_QUIET = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "GIT_PYTHON_REFRESH": "quiet",
}
_NOISY_LOGGERS = ("mlflow", "urllib3", "alembic", "sqlalchemy", "requests", "botocore")
_WRITE_ATTEMPTS = 8
_RACE_TEXTS = ("unique constraint", "duplicate", "database is locked", "deadlock", "integrityerror")


@dataclass(frozen=True, slots=True, kw_only=True)
class Registry:
    """An open MLflow registry. Every call to MLflow goes through `ask` or `write`."""

    client: Any = field(repr=False)
    """mlflow.MlflowClient, which has no types."""
    tracking_uri: str
    registry_uri: str
    answer_s: float | None
    """Seconds that one answer may take; None where the user set MLflow's own limits."""

    @property
    def address(self) -> str:
        """The registry's address, fit to be shown."""
        return without_password(self.registry_uri)

    def ask(self, doing: str, function: Callable[..., T], *args: Any, **kwargs: Any) -> T:  # noqa: ANN401 - passed on
        """Call MLflow.

        `doing` finishes the sentence "The registry failed to …".

        Raises:
            AbsentError: what was asked for does not exist.
            UnsupportedError: this registry does not offer it.
            RegistryError: out of reach, no access, no answer in time, or another error of the registry.
        """
        return _answer_in_time(lambda: function(*args, **kwargs), self.answer_s, self.address, doing)

    def write(self, doing: str, function: Callable[..., T], *args: Any, **kwargs: Any) -> T:  # noqa: ANN401 - passed on
        """Call MLflow to change something, again where two writers met: the first insert of a row can fail so."""
        for attempt in range(1, _WRITE_ATTEMPTS):
            try:
                return self.ask(doing, function, *args, **kwargs)
            except RegistryError as error:
                if not any(text in str(error).lower() for text in _RACE_TEXTS):
                    raise
            time.sleep(random.uniform(0.5, 1.5) * 0.05 * attempt)  # noqa: S311 - who met once should not meet again
        return self.ask(doing, function, *args, **kwargs)


def connect(tracking_uri: str | None = None, registry_uri: str | None = None) -> Registry:
    """Open the registry and make sure that it answers.

    None stands for MLFLOW_TRACKING_URI and MLFLOW_REGISTRY_URI, then MLflow's own defaults. Sets MLflow's environment
    variables for retries and time limits, unless the user set them.

    Raises:
        UsageError: a local address where there is nothing.
        RegistryError: out of reach within 15 s, no access, or no registry.
    """
    own_limits = any(name in os.environ for name in ("MLFLOW_HTTP_REQUEST_TIMEOUT", "MLFLOW_HTTP_REQUEST_MAX_RETRIES"))
    for name, value in {**_PATIENCE, **_QUIET}.items():
        os.environ.setdefault(name, value)
    _hush()
    answer_s = None if own_limits and not _limits_are_ours() else ANSWER_S
    tracking, registry = resolve_addresses(tracking_uri, registry_uri)
    for address in dict.fromkeys((registry, tracking)):
        _answer_in_time(partial(ensure_exists, address), ANSWER_S, without_password(address), "open")
    opened = Registry(
        client=_client(tracking, registry), tracking_uri=tracking, registry_uri=registry, answer_s=answer_s
    )
    _greet(opened)
    return opened


def _limits_are_ours() -> bool:
    """A second connection in one process finds the values that the first one set."""
    return all(os.environ.get(name) == value for name, value in _PATIENCE.items())


def _hush() -> None:
    for name in _NOISY_LOGGERS:
        logging.getLogger(name).setLevel(logging.CRITICAL)


def _client(tracking: str, registry: str) -> Any:  # noqa: ANN401 - MLflow has no types
    def build() -> Any:  # noqa: ANN401 - MLflow has no types
        from mlflow import MlflowClient

        _hush()  # mlflow sets its loggers' levels when it is imported
        return MlflowClient(tracking_uri=tracking, registry_uri=registry)

    # the import alone can take longer than an answer may on a busy machine
    return _answer_in_time(build, None, without_password(registry), "open")


def _greet(registry: Registry) -> None:
    """Ask for one model, and for one experiment where runs are kept elsewhere."""
    registry.ask("list registered models", registry.client.search_registered_models, max_results=1)
    if registry.tracking_uri != registry.registry_uri:
        away = without_password(registry.tracking_uri)
        call = registry.client.search_experiments
        _answer_in_time(lambda: call(max_results=1), registry.answer_s, away, "list experiments")


def _answer_in_time(call: Callable[[], T], seconds: float | None, address: str, doing: str) -> T:
    """Run a call beside the main thread: name resolution and database drivers know no time limit of their own."""
    answers: list[T] = []
    faults: list[BaseException] = []

    def run() -> None:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # MLflow's deprecations are no news for who asked for a verdict
                answers.append(call())
        except BaseException as error:  # noqa: BLE001 - handed to the caller's thread
            faults.append(error)

    thread = threading.Thread(target=run, name="registry", daemon=True)
    thread.start()
    thread.join(seconds)
    if thread.is_alive():
        raise RegistryError(
            f"The registry at {address} is out of reach: no answer within {seconds:.0f} s.",
            remedy="Check --tracking-uri or MLFLOW_TRACKING_URI, and that the server runs.",
        )
    if faults:
        raise _fault(faults[0], address, doing)
    return answers[0]


def _fault(error: BaseException, address: str, doing: str) -> BaseException:
    if isinstance(error, GateError) or not isinstance(error, Exception):
        return error
    translated = translate(error, address, doing)
    translated.__cause__ = error  # shown by --debug
    return translated
