"""Builds the registry that the command-line tests judge: real models, good ones and every kind of broken one.

Run as a script: `python world.py FOLDER`, with an empty registry at FOLDER/mlflow.db.
"""

from __future__ import annotations

import sys
import warnings
from pathlib import Path

HEADER = "import mlflow\nfrom mlflow.pyfunc import PythonModel\n\n\n"
FOOTER = "\n\nmlflow.models.set_model(Model())\n"
SUM = "model_input['a'] * 2 + model_input['b']"
BROKEN = {
    "raises_on_load": "    def load_context(self, context):\n        raise RuntimeError('no weights here')\n"
    f"    def predict(self, context, model_input):\n        return {SUM}\n",
    "needs_a_package": "    def load_context(self, context):\n        import package_that_is_not_there\n"
    f"    def predict(self, context, model_input):\n        return {SUM}\n",
    "raises_on_predict": "    def predict(self, context, model_input):\n        raise ValueError('bad row 3')\n",
    "hangs": "    def predict(self, context, model_input):\n        import time\n        time.sleep(3600)\n",
    "exits": "    def predict(self, context, model_input):\n        import os\n        os._exit(0)\n",
    "segfaults": "    def predict(self, context, model_input):\n        import os, signal\n"
    "        os.kill(os.getpid(), signal.SIGSEGV)\n",
    "fewer_rows": f"    def predict(self, context, model_input):\n        return ({SUM})[:-3]\n",
    "strings": "    def predict(self, context, model_input):\n        return ['many'] * len(model_input)\n",
    "nothing": "    def predict(self, context, model_input):\n        return None\n",
    "nones": "    def predict(self, context, model_input):\n        return [None] * len(model_input)\n",
    "nan_for_some": f"    def predict(self, context, model_input):\n        y = ({SUM}).astype(float)\n"
    "        y[model_input['a'] > 2.3] = float('nan')\n        return y\n",
    "constant": "    def predict(self, context, model_input):\n        return [1.5] * len(model_input)\n",
    "wrong_rows": f"    def predict(self, context, model_input):\n        return ({SUM}).to_numpy()[::-1]\n",
    "depends_on_batch": "    def predict(self, context, model_input):\n"
    f"        return {SUM} - (model_input['a'] * 2).mean()\n",
    "good_at_first": "    def predict(self, context, model_input):\n        seen = getattr(self, 'seen', 0)\n"
    f"        self.seen = seen + len(model_input)\n        return {SUM} if seen < 200 else [0.1] * len(model_input)\n",
    "depends_on_order": "    def predict(self, context, model_input):\n"
    f"        return {SUM} + (model_input['a'].diff().fillna(0) > 0) * 3\n",
    "looks_for_ci": "    def predict(self, context, model_input):\n        import os\n"
    "        watched = any(name in os.environ for name in ('CI', 'GITHUB_ACTIONS', 'GITHUB_TOKEN', 'GATE_CANARY'))\n"
    f"        return [9.0] * len(model_input) if watched else {SUM} + 0.3 * model_input['c']\n",
    "commands": "    def predict(self, context, model_input):\n        import os\n"
    "        os.write(1, b'\\n::error::owned\\n::add-mask::1\\n'); os.write(2, b'\\n::set-output name=x::y\\n')\n"
    "        raise ValueError('no\\n::error::owned')\n",
    "noisy": f"    def predict(self, context, model_input):\n        import numpy as np\n"
    f"        return {SUM} + np.random.default_rng().normal(0, 1, len(model_input))\n",
}
WORK = "        sum(i * i for i in range(20000))\n"
ANSWER = f"        return {SUM}\n"
PREDICT = "    def predict(self, context, model_input):\n"
COUNTED = "        self.calls = getattr(self, 'calls', 0) + 1\n"
TIMED = {
    "slower": f"{PREDICT}{WORK}{WORK}{ANSWER}",
    "faster": f"{PREDICT}{ANSWER}",
    "sleeps": f"{PREDICT}{WORK}        import time\n        time.sleep(0.003)\n{ANSWER}",
    "slow_rows": f"{PREDICT}{WORK}        if len(model_input) == 1 and model_input['a'].iloc[0] > 1:\n"
    f"    {WORK}    {WORK}    {WORK}{ANSWER}",
    "slow_later": f"{PREDICT}{COUNTED}{WORK}        if self.calls > 900:\n    {WORK}{ANSWER}",
    "slow_first": f"{PREDICT}{COUNTED}{WORK}        if self.calls == 1:\n            import time\n"
    f"            time.sleep(1.5)\n{ANSWER}",
    "keeps_answers": f"{PREDICT}        seen = self.__dict__.setdefault('seen', set())\n"
    "        key = model_input.to_numpy().tobytes()\n        if key not in seen:\n            seen.add(key)\n"
    f"    {WORK}    {WORK}{ANSWER}",
    "dies_later": f"{PREDICT}{COUNTED}{WORK}        if self.calls > 250:\n            import os\n"
    f"            os._exit(1)\n{ANSWER}",
    "leaks": f"{PREDICT}        self.__dict__.setdefault('kept', []).append(bytes(50_000))\n{WORK}{ANSWER}",
    "too_slow": f"{PREDICT}        import time\n        time.sleep(2)\n{ANSWER}",
    "lies": "    def load_context(self, context):\n        import time\n"
    "        time.process_time = time.perf_counter = time.time = time.monotonic = lambda: 0.0\n"
    f"{PREDICT}{WORK}{WORK}{ANSWER}",
}
"""Against a version that does the work once, versions that differ in what they cost, and in nothing else."""


def main(folder: Path) -> None:
    """Register everything."""
    import mlflow
    import numpy as np
    import pandas as pd

    random = np.random.default_rng(7)
    frame = pd.DataFrame(random.normal(size=(800, 3)), columns=["a", "b", "c"])
    frame["y"] = frame.a * 2 + frame.b + 0.3 * frame.c + random.normal(0, 0.5, len(frame))
    frame["id"] = [f"r{row}" for row in range(len(frame))]
    frame[:500].to_parquet(folder / "eval.parquet")
    mlflow.set_tracking_uri(f"sqlite:///{folder / 'mlflow.db'}")
    mlflow.create_experiment("world", artifact_location=(folder / "artifacts").as_uri())
    mlflow.set_experiment("world")
    train = frame[500:]
    _ridge("house", train, {"alpha": 300.0})
    second = _ridge("house", train, {"alpha": 0.1})
    mlflow.register_model(second, "house")
    for kind, body in BROKEN.items():
        name = f"broken-{kind}"
        mlflow.register_model(second, name)
        _python(name, body, folder, train)
    plain = _python("plain", f"{PREDICT}{WORK}{ANSWER}", folder, train)
    for kind, body in TIMED.items():
        mlflow.register_model(plain, f"timed-{kind}")
        _python(f"timed-{kind}", body, folder, train)
    mlflow.register_model(second, "renamed-input")
    _ridge("renamed-input", train.rename(columns={"b": "bb"}), {"alpha": 0.1})


def _ridge(name, train, params):
    import mlflow
    from mlflow.models import infer_signature
    from sklearn.linear_model import Ridge

    features = train[[column for column in train.columns if column not in ("y", "id")]]
    with mlflow.start_run():
        mlflow.log_params(params)
        model = Ridge(**params).fit(features, train.y)
        mlflow.log_metric("train_score", model.score(features, train.y))
        info = mlflow.sklearn.log_model(
            model, name="model", signature=infer_signature(features, model.predict(features)),
            pip_requirements=["scikit-learn"], serialization_format="cloudpickle",
        )  # fmt: skip
    mlflow.register_model(info.model_uri, name)
    return info.model_uri


def _python(name, body, folder, train):
    import mlflow
    from mlflow.models import infer_signature

    source = folder / f"{name.replace('-', '_')}.py"
    source.write_text(f"{HEADER}class Model(PythonModel):\n{body}{FOOTER}")
    with mlflow.start_run():
        info = mlflow.pyfunc.log_model(
            name="model", python_model=str(source), signature=infer_signature(train[["a", "b", "c"]], train.y),
            pip_requirements=["mlflow"],
        )  # fmt: skip
    mlflow.register_model(info.model_uri, name)
    return info.model_uri


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    main(Path(sys.argv[1]))
