"""The hostile corpus: files that execute when they are loaded plainly. All they do is make the file named by MARK."""

from __future__ import annotations

import bz2
import gzip
import io
import itertools
import json
import lzma
import marshal
import os
import pickle
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import joblib
import numpy as np
import skops.io

from tests.scoring.inspection.opcodes import STYLES, by_global, by_stack_global, second_of_two, text, values

SHELL = 'touch "$MARK"'
PYTHON = "open(__import__('os').environ['MARK'], 'w').close()"
_NUMBERS = itertools.count()
INNER = by_stack_global("os", "system", (SHELL,))


@dataclass(frozen=True, slots=True, kw_only=True)
class Payload:
    """One artifact: its files, how a plain loader opens which of them, and what MLmodel says of it."""

    name: str
    file: str
    how: str
    content: bytes
    beside: dict[str, bytes] = field(default_factory=dict)
    flavors: dict[str, dict[str, object]] = field(default_factory=dict)

    def write(self, folder: Path) -> None:
        """Lay the files down."""
        for name, content in {self.file: self.content, **self.beside}.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)

    @property
    def paths(self) -> list[str]:
        """The artifact's files."""
        return [self.file, *self.beside]


class Runs:
    """Pickles as a call of os.system."""

    def __reduce__(self):
        return os.system, (SHELL,)


def corpus() -> list[Payload]:
    """Everything that executes."""
    parts: tuple[Callable[[], Iterator[Payload]], ...] = (
        _styles, _callables, _trampolines, _renamed, _packed, _joblib, _arrays, _archives, _skops, _mlmodel,
    )  # fmt: skip
    return [payload for part in parts for payload in part()]


def _pickled(name, content, **more):
    return Payload(
        name=name, file=more.pop("file", "model.pkl"), how=more.pop("how", "pickle"), content=content, **more
    )


def _styles():
    """One call in every way of writing it."""
    for name, write in STYLES.items():
        yield _pickled(name, write("os", "system", (SHELL,)))
    yield _pickled("python-2-names", by_global("__builtin__", "eval", (PYTHON,)))
    yield _pickled("second-of-two", second_of_two("os", "system", (SHELL,)), how="all-pickles")
    yield _pickled("numpy-first", pickle.dumps([np.zeros(9), Runs()]))


def _callables():
    """Many things to call, the usual ones and the less usual."""
    calls = {
        "posix.system": (SHELL,),
        "os.popen": (SHELL,),
        "os.execvp": ("sh", ["sh", "-c", SHELL]),
        "subprocess.call": (["sh", "-c", SHELL],),
        "subprocess.check_output": (["sh", "-c", SHELL],),
        "subprocess.getoutput": (SHELL,),
        "subprocess.run": (["sh", "-c", SHELL],),
        "pty.spawn": (["sh", "-c", SHELL],),
        "builtins.eval": (PYTHON,),
        "builtins.exec": (PYTHON,),
        "timeit.timeit": (PYTHON, "pass"),
        "cProfile.run": (PYTHON,),
        "profile.run": (PYTHON,),
        "mlflow.utils.process._exec_cmd": (["sh", "-c", SHELL],),
        "numpy.testing._private.utils.runstring": (PYTHON, {}),
        "pydoc.pipepager": ("", SHELL),
        "multiprocessing.util.spawnv_passfds": (b"/bin/sh", [b"sh", b"-c", SHELL.encode()], ()),
    }
    for full, arguments in calls.items():
        module, name = full.rsplit(".", 1)
        yield _pickled(full, by_stack_global(module, name, arguments))
    yield _pickled("pathlib.Path.touch", _touch())
    yield _pickled("marshalled-code", _marshalled())


def _touch():
    """A dotted name: a method of a class, called with an object that the pickle made."""
    environ = text("os") + text("environ.get") + b"\x93" + values(("MARK",)) + b"R"
    path = text("pathlib") + text("PosixPath") + b"\x93" + environ + b"\x85R"
    return b"\x80\x04" + text("pathlib") + text("Path.touch") + b"\x93" + path + b"\x85R."


def _marshalled():
    code = marshal.dumps(compile(PYTHON, "x", "exec"))
    loaded = text("marshal") + text("loads") + b"\x93" + values((code,)) + b"R"
    return b"\x80\x04" + text("types") + text("FunctionType") + b"\x93" + loaded + b"}\x86R)R."


def _call(module, name, *parts):
    """A call as a part of a pickle; the arguments are parts too."""
    return text(module) + text(name) + b"\x93(" + b"".join(parts) + b"tR"


def _value(value):
    return pickle.dumps(value, protocol=4)[2:-1] if not isinstance(value, bytes) else values((value,))[:-1]


def _trampolines():
    """What loads, imports or calls what it is told: nothing dangerous is named in the pickle itself."""
    inner = {"inner.bin": INNER}
    for module in ("pickle", "_pickle", "cloudpickle", "cPickle"):
        write = by_global if module == "cPickle" else by_stack_global
        yield _pickled(f"{module}.loads", write(module, "loads", (INNER,)))
    yield _pickled("joblib.load", by_stack_global("joblib", "load", ("inner.bin",)), beside=inner)
    yield _pickled(
        "joblib.numpy_pickle.load", by_stack_global("joblib.numpy_pickle", "load", ("inner.bin",)), beside=inner
    )
    yield _pickled("pandas.read_pickle", by_stack_global("pandas", "read_pickle", ("inner.bin",)), beside=inner)
    yield _pickled("numpy.load", by_stack_global("numpy", "load", ("inner.bin", None, True)), beside=inner)  # fmt: skip
    yield _pickled(
        "numpy.load-old", by_stack_global("numpy.lib._npyio_impl", "load", ("inner.bin", None, True)), beside=inner
    )
    yield _pickled(
        "runpy.run_path", by_stack_global("runpy", "run_path", ("inner.py",)), beside={"inner.py": PYTHON.encode()}
    )
    mlflow_load = by_stack_global("mlflow.sklearn", "_load_model_from_local_file", ("inner.bin", "pickle"))
    yield _pickled("mlflow.sklearn", mlflow_load, beside=inner)
    system = _call("importlib", "import_module", text("os"))
    yield _pickled(
        "getattr", b"\x80\x04" + _call("builtins", "getattr", system, text("system")) + values((SHELL,)) + b"R."
    )
    yield _pickled(
        "attrgetter",
        b"\x80\x04"
        + _call("operator", "attrgetter", text("system"))
        + b"("
        + system
        + b"tR"
        + values((SHELL,))
        + b"R.",
    )
    yield _pickled(
        "methodcaller",
        b"\x80\x04" + _call("operator", "methodcaller", text("system"), text(SHELL)) + b"(" + system + b"tR.",
    )
    yield _pickled("pydoc.locate", b"\x80\x04" + _call("pydoc", "locate", text("os.system")) + values((SHELL,)) + b"R.")
    yield _pickled(
        "resolve_name", b"\x80\x04" + _call("pkgutil", "resolve_name", text("os:system")) + values((SHELL,)) + b"R."
    )
    yield _pickled(
        "reduce",
        b"\x80\x04"
        + _call("functools", "reduce", text("os") + text("getenv") + b"\x93", _value(["MARK", "x"]))
        + b"0"
        + INNER[2:],
    )
    mapped = _call("builtins", "map", text("os") + text("system") + b"\x93", _value([SHELL]))
    yield _pickled("map", b"\x80\x04" + _call("builtins", "list", mapped) + b".")
    yield _pickled("scipy-distribution", _distribution())
    yield _pickled("dotted-through-a-library", by_stack_global("shutil", "os.system", (SHELL,)))


def _distribution():
    """SciPy's distributions run text out of their own state when they are unpickled."""
    import scipy.stats

    state = dict(scipy.stats.norm.__getstate__())
    state["_parse_arg_template"] = (
        f"{PYTHON}\ndef _parse_args(self): pass\ndef _parse_args_rvs(self): pass\ndef _parse_args_stats(self): pass"
    )
    plain = pickle.dumps(state, protocol=4)[2:-1]
    plain = plain[9:] if plain[:1] == b"\x95" else plain
    made = text("scipy.stats._continuous_distns") + text("norm_gen") + b"\x93)\x81"
    return b"\x80\x04" + made + plain + b"b."


def _renamed():
    """A name says nothing."""
    for file in ("model.skops", "README.txt", "model.onnx", "weights.safetensors", "model.json", "model"):
        yield _pickled(f"named {file}", INNER, file=file)
    yield _pickled("old text named README.md", STYLES["by_old_text"]("os", "system", (SHELL,)), file="README.md")


def _packed():
    """In every compression that a loader opens."""
    packers = {
        "gzip": gzip.compress, "bz2": bz2.compress, "lzma": lzma.compress, "zlib": zlib.compress,
        "lzma-alone": lambda data: lzma.compress(data, format=lzma.FORMAT_ALONE),
    }  # fmt: skip
    for name, pack in packers.items():
        yield _pickled(f"in {name}", pack(INNER), how=name, file="model.bin")
    yield _pickled("in gzip in gzip", gzip.compress(gzip.compress(INNER)), how="gzip-gzip")


def _joblib():
    for method in ("zlib", "gzip", "bz2", "xz", "lzma"):
        file = io.BytesIO()
        joblib.dump({"weights": np.arange(100.0), "scaler": Runs()}, file, compress=(method, 3))
        yield _pickled(f"joblib {method}", file.getvalue(), how="joblib", file="model.joblib")
    file = io.BytesIO()
    joblib.dump({"weights": np.arange(100.0), "scaler": Runs()}, file)
    yield _pickled("joblib", file.getvalue(), how="joblib", file="model.joblib")
    file = io.BytesIO()
    joblib.dump(np.array([1, Runs()], dtype=object), file)
    yield _pickled("joblib's array of objects", file.getvalue(), how="joblib", file="model.joblib")
    yield _pickled("joblib's array hides opcodes", _hidden(), file="model.joblib")


def _hidden():
    """For joblib the bytes of an array, for a plain unpickler opcodes."""
    hidden = by_stack_global("os", "system", (SHELL,))[2:-1]
    file = io.BytesIO()
    joblib.dump(np.zeros(len(hidden) + 1, dtype="u1"), file)
    raw = file.getvalue()
    place = raw.index(b"numpy_array_alignment_bytes") + len(b"numpy_array_alignment_bytes")
    place = raw.index(b"K\x10", place)
    plain = raw[:place] + b"N" + raw[place + 2 :]  # no alignment: the array's bytes follow at once
    end = plain.index(b"ub", place) + 2
    frame = plain.index(b"\x95")
    plain = plain[:frame] + plain[frame + 9 :]
    end -= 9
    return plain[:end] + hidden + b"." + b"."


def _arrays():
    file = io.BytesIO()
    np.save(file, np.array([1, Runs()], dtype=object), allow_pickle=True)
    yield _pickled("npy of objects", file.getvalue(), how="numpy", file="weights.npy")
    file = io.BytesIO()
    np.save(file, np.array([(1, Runs())], dtype=[("n", "i4"), ("x", "O")]), allow_pickle=True)
    yield _pickled("npy with a field of objects", file.getvalue(), how="numpy", file="weights.npy")
    file = io.BytesIO()
    np.savez(file, honest=np.zeros(3), other=np.array([Runs()], dtype=object))
    yield _pickled("npz of objects", file.getvalue(), how="numpy", file="weights.npz")


def _archives():
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("archive/data.pkl", INNER)
        archive.writestr("archive/data/0", b"\0" * 64)
        archive.writestr("archive/version", "3\n")
    yield _pickled("PyTorch's zip", file.getvalue(), how="torch-zip", file="model.pth")
    yield _pickled(
        "a zip behind an image", b"\x89PNG\r\n\x1a\n" + b"\0" * 99 + file.getvalue(), how="torch-zip", file="plot.png"
    )
    twice = io.BytesIO()
    with zipfile.ZipFile(twice, "w") as archive:
        archive.writestr("archive/data.pkl", pickle.dumps({"weights": 1}))
        archive.writestr("archive/data\x2epkl", INNER)
    yield _pickled("an entry twice", twice.getvalue(), how="torch-zip", file="model.pth")


def _node(module, name, loader, **more):
    return {"__module__": module, "__class__": name, "__loader__": loader, "__id__": next(_NUMBERS), **more}


def _plain_node(value):
    return _node("builtins", "str", "JsonNode", content=json.dumps(value), is_json=True)


def _tuple_node(*items):
    return _node("builtins", "tuple", "TupleNode", content=list(items))


def _zip_of(schema):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("schema.json", json.dumps({**schema, "protocol": skops.io._protocol.PROTOCOL}))
    return file.getvalue()


def _skops():
    """Skops trusts what MLmodel tells it to: the candidate's own."""
    for module, name, argument in (
        ("os", "system", SHELL),
        ("subprocess", "getoutput", SHELL),
        ("builtins", "eval", PYTHON),
    ):
        node = _node(module, name, "ConstructorFromReduceNode", content=_tuple_node(_plain_node(argument)))
        yield _skops_payload(f"skops calls {module}.{name}", node, [f"{module}.{name}"])
    nothing = _node("builtins", "list", "ListNode", content=[])
    partial = _node(
        "functools", "partial", "PartialNode",
        content={
            "func": _node("os", "system", "FunctionNode"), "args": _tuple_node(_plain_node(SHELL)),
            "kwds": _node("builtins", "dict", "DictNode", content={}, key_types=nothing),
            "namespace": _plain_node(None),
        },
    )  # fmt: skip
    yield _skops_payload("skops partial", partial, ["functools.partial", "os.system"], how="skops-call")
    keys = _node("builtins", "list", "ListNode", content=[_node("os", "system", "TypeNode")])
    mapping = _node("builtins", "dict", "DictNode", content={SHELL: _plain_node(1)}, key_types=keys)
    yield _skops_payload("skops key types", mapping, ["os.system"])
    yield _skops_payload(
        "skops list",
        _node("subprocess", "call", "ListNode", content=list(map(_plain_node, ("sh", "-c", SHELL)))),
        ["subprocess.call"],
    )
    method = _node(
        "operator", "methodcaller", "OperatorFuncNode",
        attrs=_tuple_node(_plain_node("touch")),
    )  # fmt: skip
    yield _skops_payload("skops methodcaller", method, ["operator.methodcaller"], how="skops-call-on-path")


def _skops_payload(name, node, trusted, how="skops"):
    flavors = {
        "python_function": {"loader_module": "mlflow.sklearn", "model_path": "model.skops"},
        "sklearn": {"serialization_format": "skops", "pickled_model": "model.skops", "skops_trusted_types": trusted},
    }
    return Payload(name=name, file="model.skops", how=how, content=_zip_of(node), flavors=flavors)


def _mlmodel():
    """MLmodel itself names what is imported and called."""
    body = f"{PYTHON}\n\n\ndef _load_pyfunc(path):\n    return None\n".encode()
    yield Payload(
        name="loader_module of the working folder",
        file="data.txt", how="pyfunc", content=b"x", beside={"sneaky_loader.py": body},
        flavors={"python_function": {"loader_module": "sneaky_loader"}},
    )  # fmt: skip
    yield Payload(
        name="XGBoost's class", file="model.ubj", how="pyfunc", content=b"{}", beside={"sneaky.py": PYTHON.encode()},
        flavors={
            "python_function": {"loader_module": "mlflow.xgboost", "data": "model.ubj"},
            "xgboost": {"model_class": "sneaky.Booster", "data": "model.ubj"},
        },
    )  # fmt: skip
    yield Payload(
        name="a known module's namesake", file="model.pkl", how="pyfunc", content=pickle.dumps(None),
        beside={"code/antigravity.py": PYTHON.encode() + b"\n_load_pyfunc = print\n"},
        flavors={"python_function": {"loader_module": "antigravity", "code": "code"}},
    )  # fmt: skip
