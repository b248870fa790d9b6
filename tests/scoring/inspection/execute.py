"""Loads payloads as plain loaders do, each in a forked process, and says which of them did something.

`python execute.py` reads a JSON list of {folder, file, how, mark} and prints a JSON list of booleans. It is started in
an empty folder with a scrubbed environment: nothing that a payload does can reach anything but its mark.
"""

from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import os
import pathlib
import pickle
import resource
import sys
import time
import warnings
import zipfile
import zlib

WAIT_S = 60


def load_pickle(path):
    with pathlib.Path(path).open("rb") as file:
        return pickle.load(file)


def load_all_pickles(path):
    with pathlib.Path(path).open("rb") as file:
        while True:
            pickle.load(file)


def load_joblib(path):
    import joblib

    return joblib.load(path)


def load_numpy(path):
    import numpy as np

    loaded = np.load(path, allow_pickle=True)
    return [loaded[name] for name in loaded.files] if hasattr(loaded, "files") else loaded


def load_torch_zip(path):
    with zipfile.ZipFile(path) as archive, archive.open("archive/data.pkl") as file:
        return pickle.load(file)


def load_skops(path):
    import skops.io

    return skops.io.load(path, trusted=skops.io.get_untrusted_types(file=path))


def load_pyfunc(path):
    import mlflow.pyfunc

    sys.path.insert(0, str(pathlib.Path.cwd()))
    return mlflow.pyfunc.load_model(str(pathlib.Path(path).resolve().parent))


def unpacked(unpack):
    return lambda path: pickle.load(io.BytesIO(unpack(pathlib.Path(path).read_bytes())))


LOADERS = {
    "pickle": load_pickle,
    "all-pickles": load_all_pickles,
    "joblib": load_joblib,
    "numpy": load_numpy,
    "torch-zip": load_torch_zip,
    "skops": load_skops,
    "skops-call": lambda path: load_skops(path)(),
    "skops-call-on-path": lambda path: load_skops(path)(pathlib.Path(os.environ["MARK"])),
    "pyfunc": load_pyfunc,
    "gzip": unpacked(gzip.decompress),
    "bz2": unpacked(bz2.decompress),
    "lzma": unpacked(lzma.decompress),
    "lzma-alone": unpacked(lzma.decompress),
    "zlib": unpacked(zlib.decompress),
    "gzip-gzip": unpacked(lambda data: gzip.decompress(gzip.decompress(data))),
}


def run(payload):
    """Load one payload in a child; say whether its mark is there afterwards."""
    child = os.fork()
    if not child:
        try:
            os.chdir(payload["folder"])
            os.environ["MARK"] = payload["mark"]
            silence = os.open(os.devnull, os.O_RDWR)
            for descriptor in (0, 1, 2):
                os.dup2(silence, descriptor)
            LOADERS[payload["how"]](payload["file"])
        finally:
            os._exit(0)
    waited = time.monotonic() + WAIT_S
    while os.waitpid(child, os.WNOHANG) == (0, 0):
        if time.monotonic() > waited:
            os.kill(child, 9)
            os.waitpid(child, 0)
            break
        time.sleep(0.01)
    return pathlib.Path(payload["mark"]).exists()


def main():
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    warnings.simplefilter("ignore")
    import joblib  # noqa: F401 - imported once, for all children
    import mlflow.pyfunc  # noqa: F401
    import pandas as pd  # noqa: F401
    import skops.io  # noqa: F401

    sys.stdout.write(json.dumps([run(payload) for payload in json.load(sys.stdin)]))


if __name__ == "__main__":
    main()
