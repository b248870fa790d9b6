"""Where packages come from: the operator's own settings of uv, else those of pip. Nothing of a model's has a say.

Only what is named here is passed on. uv itself sees none of it but as variables: no home, no file of settings but the
one that is named, no .netrc, no keyring.
"""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote, urlsplit

_PLACES = (
    "UV_CONFIG_FILE", "UV_DEFAULT_INDEX", "UV_EXTRA_INDEX_URL", "UV_FIND_LINKS", "UV_INDEX", "UV_INDEX_URL",
)  # fmt: skip
"""Variables that say where packages come from: where one is set, pip's settings are not asked."""
_PASSED = (
    *_PLACES, "ALL_PROXY", "HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY", "SSL_CERT_DIR", "SSL_CERT_FILE", "UV_CONSTRAINT",
    "UV_EXCLUDE_NEWER", "UV_HTTP_TIMEOUT", "UV_INDEX_STRATEGY", "UV_INSECURE_HOST", "UV_NATIVE_TLS", "UV_OFFLINE",
    "UV_SYSTEM_CERTS", "all_proxy", "https_proxy", "http_proxy", "no_proxy",
)  # fmt: skip
_CREDENTIALS = re.compile(r"UV_INDEX_\w+_(?:USERNAME|PASSWORD)")
_FILES = ("UV_CONFIG_FILE", "UV_CONSTRAINT", "SSL_CERT_FILE", "SSL_CERT_DIR")
_ADDRESSES = ("UV_DEFAULT_INDEX", "UV_EXTRA_INDEX_URL", "UV_FIND_LINKS", "UV_INDEX", "UV_INDEX_URL")
_OF_PIP = {
    "index-url": "UV_DEFAULT_INDEX", "extra-index-url": "UV_INDEX", "find-links": "UV_FIND_LINKS",
    "cert": "SSL_CERT_FILE", "constraint": "UV_CONSTRAINT", "trusted-host": "UV_INSECURE_HOST", "proxy": "ALL_PROXY",
}  # fmt: skip
_COMMAS = frozenset({"UV_FIND_LINKS"})
_ASK_S = 30.0
_LISTED = re.compile(r"^(global|install|:env:)\.([\w-]+)=(.*)$", re.MULTILINE)
_RANKS = {"global": 0, "install": 1, ":env:": 2}


@dataclass(frozen=True, slots=True, kw_only=True)
class Index:
    """What uv is told of the places that packages come from."""

    variables: Mapping[str, str] = field(repr=False)
    """They may hold credentials of the index."""
    options: tuple[str, ...] = ()
    readable: tuple[Path, ...] = ()
    """Files and folders of this machine that they name."""

    @property
    def config(self) -> tuple[str, ...]:
        """No file of settings is looked for, in no folder above either, but the one that is named."""
        return () if "UV_CONFIG_FILE" in self.variables else ("--no-config",)


def index() -> Index:
    """Read the operator's settings."""
    variables = {name: value for name, value in os.environ.items() if name in _PASSED or _CREDENTIALS.fullmatch(name)}
    options: tuple[str, ...] = ()
    if not any(name in variables for name in _PLACES):
        file = _uv_toml()
        if file is not None:
            variables["UV_CONFIG_FILE"] = str(file)
        else:
            told = _of_pip()
            variables = told | variables
            options = ("--no-index",) if variables.pop("NO_INDEX", "") else ()
    return Index(variables=variables, options=options, readable=tuple(_named(variables)))


def _uv_toml() -> Path | None:
    """Give uv's own settings of the user, else of the system; never those of a project."""
    places = [os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config", *_system_folders()]
    return next((path for place in places if (path := Path(place, "uv/uv.toml")).is_file()), None)


def _system_folders() -> list[str]:
    return [*filter(None, os.environ.get("XDG_CONFIG_DIRS", "/etc/xdg").split(os.pathsep)), "/etc"]


def _of_pip() -> dict[str, str]:
    """What pip is told here, in uv's words. pip takes the best version of all places alike: so does uv then."""
    told = _pip_settings()
    found = {name: _joined(name, told[key]) for key, name in _OF_PIP.items() if told.get(key)}
    if told.get("no-index", "").lower() in {"1", "true", "yes", "on"}:
        found["NO_INDEX"] = "1"
    if "UV_INDEX" in found:
        found["UV_INDEX_STRATEGY"] = "unsafe-best-match"
    return found


def _joined(name: str, value: str) -> str:
    return ("," if name in _COMMAS else " ").join(value.split())


def _pip_settings() -> dict[str, str]:
    """Give pip's settings as pip itself lists them: variables beat files, those of `install` those of all commands."""
    command = [sys.executable, "-P", "-m", "pip", "config", "list"]
    try:
        done = subprocess.run(  # noqa: S603 - pip of the gate's own environment
            command, capture_output=True, text=True, timeout=_ASK_S, check=True, stdin=subprocess.DEVNULL
        )
    except (OSError, subprocess.SubprocessError):
        return {}
    ranked: list[tuple[int, str, str]] = []
    for section, name, value in _LISTED.findall(done.stdout):
        with suppress(ValueError, SyntaxError):
            ranked.append((_RANKS[section], name, str(ast.literal_eval(value))))
    return {name: value for _, name, value in sorted(ranked, key=lambda entry: entry[0])}


def _named(variables: Mapping[str, str]) -> Iterator[Path]:
    """Give what the variables name of this machine; the pages of an index in `simple` lead to files beside it."""
    words = [word for name in _FILES for word in variables.get(name, "").split()]
    words += [word for name in _ADDRESSES for word in re.split(r"[\s,]+", variables.get(name, ""))]
    for word in words:
        address = word.partition("=")[2] if re.match(r"[\w-]+=", word) else word
        path = Path(unquote(urlsplit(address).path) if address.startswith("file:") else address)
        if path.is_absolute() and path.exists():
            yield path.parent if path.name == "simple" and path.parent.parent != path.parent else path
