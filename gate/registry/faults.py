"""What MLflow, its HTTP client and its databases raise, said in one sentence each."""

from __future__ import annotations

import re

from gate.errors import GateError, RegistryError, UsageError

_TEXT_CAP = 300
_READ_CAP = 10_000
_ABSENT_CODES = {"RESOURCE_DOES_NOT_EXIST", "NOT_FOUND"}
_TAKEN_CODE = "RESOURCE_ALREADY_EXISTS"
_LOGIN_CODES = {"UNAUTHENTICATED", "CUSTOMER_UNAUTHORIZED", "PERMISSION_DENIED"}
_UNSUPPORTED = re.compile(r"unsupported|not supported|not implemented|no longer supported", re.IGNORECASE)
_LOGIN = re.compile(r"error code (401|403)\b|\b(401|403) (client error|unauthorized|forbidden)", re.IGNORECASE)
_REACH = (
    (re.compile(r"failed to resolve|name or service not known|nodename nor servname|getaddrinfo", re.IGNORECASE),
     "its host name does not resolve"),
    (re.compile(r"certificate|SSLError", re.IGNORECASE), "its TLS certificate is not trusted"),
    (re.compile(r"connection refused|refused the connection", re.IGNORECASE), "it refuses the connection"),
    (re.compile(r"timed? ?out|timeout", re.IGNORECASE), "it does not answer in time"),
    (re.compile(r"too many (\d{3}) error responses"), "it answers with errors (HTTP {0})"),
    (re.compile(r"max retries exceeded|connection aborted|connection reset|ConnectionError|RemoteDisconnected"),
     "the connection breaks"),
)  # fmt: skip
_REMEDY = "Check --tracking-uri or MLFLOW_TRACKING_URI, and that the server runs."
_REMEDY_TLS = "Give the certificate in MLFLOW_TRACKING_SERVER_CERT_PATH."


class AbsentError(UsageError):
    """The registry is there, what was asked for is not."""


class TakenError(RegistryError):
    """Something of this name is there already."""


class UnsupportedError(RegistryError):
    """This registry does not offer what was asked for."""


def translate(error: BaseException, address: str, doing: str) -> GateError:
    """Turn what a client library raised into one of the gate's errors.

    `doing` finishes the sentence "The registry at … failed to …".
    """
    if "no space left" in str(error).lower():
        return GateError("There is no space left here.", remedy="Make room, or choose another folder with --out.")
    whole, text = str(error)[:_READ_CAP], one_line(str(error))
    code = str(getattr(error, "error_code", ""))
    if code in {*_ABSENT_CODES, _TAKEN_CODE}:
        return _about_it(code, address, text)
    if code in _LOGIN_CODES or _LOGIN.search(whole):
        return _login(address, text)
    if code in {"NOT_IMPLEMENTED", "ENDPOINT_NOT_FOUND"} or _UNSUPPORTED.search(whole):
        return UnsupportedError(f"The registry at {address} cannot {doing}: {text}", remedy=_REMEDY)
    if isinstance(error, ModuleNotFoundError):
        return RegistryError(f"The registry at {address} needs the package {error.name!r}.", remedy="Install it here.")
    return out_of_reach(address, whole) or RegistryError(f"The registry at {address} failed to {doing}: {text}")


def _about_it(code: str, address: str, text: str) -> GateError:
    """The registry answers as it should: what was named is not there, or is there already."""
    if code == _TAKEN_CODE:
        return TakenError(f"The registry at {address} has it already: {text}")
    return AbsentError(f"The registry at {address} does not have it: {text}")


def out_of_reach(address: str, text: str) -> RegistryError | None:
    """Say why a server cannot be reached, or None where the text tells of something else."""
    for pattern, why in _REACH:
        found = pattern.search(text)
        if found:
            remedy = _REMEDY_TLS if "TLS" in why else _REMEDY
            sentence = f"The registry at {address} is out of reach: {why.format(*found.groups())}."
            return RegistryError(sentence, remedy=remedy)
    return None


def _login(address: str, text: str) -> RegistryError:
    return RegistryError(
        f"The registry at {address} refuses access: {text}",
        remedy="Set MLFLOW_TRACKING_TOKEN, or MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, to a user with "
        "the right to do this.",
    )


def one_line(text: str) -> str:
    """Keep the first line of a message, at most 300 characters, printable, without passwords."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    first = "".join(char if char.isprintable() else " " for char in (lines[0] if lines else "no reason given"))
    clean = without_password(first)
    return clean if len(clean) <= _TEXT_CAP else clean[: _TEXT_CAP - 1] + "…"


def without_password(address: str) -> str:
    """Hide the user and the password of an address."""
    return re.sub(r"//[^/@\s]*@", "//…@", address)
