"""MLmodel is read as hostile text."""

from __future__ import annotations

import pytest

from gate.domain import Field, Signature
from gate.registry.mlmodel import read_mlmodel, read_requirements
from gate.registry.tree import ArtifactFaultError

FLAVOR = "flavors:\n  python_function:\n    loader_module: mlflow.sklearn\n    python_version: 3.11.7\n"


def read(tmp_path, text):
    (tmp_path / "MLmodel").write_text(text)
    return read_mlmodel(tmp_path)


def test_plain(tmp_path):
    """Flavors and the versions that the model was made with."""
    found = read(tmp_path, FLAVOR + "  sklearn:\n    sklearn_version: 1.9.1\nmlflow_version: 3.17.2\nmodel_id: m-1\n")
    assert found.flavors == ("python_function", "sklearn")
    assert found.environment == {"mlflow": "3.17.2", "python": "3.11.7", "sklearn": "1.9.1"}
    assert (found.model_id, found.signature) == ("m-1", None)


def test_signature(tmp_path):
    """Columns, nested types, optional columns, tensors and parameters."""
    text = FLAVOR + (
        "signature:\n"
        '  inputs: \'[{"type":"double","name":"x","required":true},{"type":"string","name":"s","required":false},'
        '{"type":"array","items":{"type":"long"},"name":"a","required":true},{"type":"long","optional":true,"name":"o"}]\'\n'
        '  outputs: \'[{"type":"tensor","tensor-spec":{"dtype":"float64","shape":[-1,4]}}]\'\n'
        '  params: \'[{"name":"k","default":3,"shape":null,"type":"integer"}]\'\n'
    )
    assert read(tmp_path, text).signature == Signature(
        inputs=(
            Field(name="x", type="double"),
            Field(name="s", type="string", required=False),
            Field(name="a", type="array", detail='{"items":{"type":"long"}}'),
            Field(name="o", type="long", required=False),
        ),
        outputs=(Field(name=None, type="float64", shape=(-1, 4)),),
        params=(Field(name="k", type="integer", required=False, detail='{"default":3}'),),
    )


BOMB = "a: &a [x,x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{new}: &{new} [{','.join([f'*{old}'] * 20)}]\n" for old, new in zip("abcdefg", "bcdefgh", strict=True)
)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("{unclosed", "no YAML"),
        ("!!python/object/apply:os.system [id]", "no YAML"),
        (BOMB, "too many aliases"),
        ("[" * 5000, "no YAML"),
        (FLAVOR + FLAVOR, "given twice"),
        ("just text", "no settings"),
        ("", "no settings"),
        ("flavors: [1]", "unexpected kind"),
        (FLAVOR + "    model_path: ../../x\n", "outside"),
        (FLAVOR + "    model_path: /etc/passwd\n", "outside"),
        (FLAVOR + "    env:\n      conda: ../conda.yaml\n", "outside"),
        (FLAVOR + "saved_input_example_info: {artifact_path: ../../secret.json}\n", "outside"),
        (FLAVOR + "saved_input_example_info: {serving_input_path: ../x.json}\n", "outside"),
        (FLAVOR + "    artifacts: {a: {path: artifacts/../../x, uri: /srv/me/x}}\n", "outside"),
        (FLAVOR + "    some_new_key: [a/../../x]\n", "outside"),
        (FLAVOR + "    data: 's3://bucket/x'\n", "outside"),
        (FLAVOR + "    data: 'C:\\\\x'\n", "outside"),
        (FLAVOR + "    data: '~/x'\n", "outside"),
        (FLAVOR + '    data: "a\\0b"\n', "outside"),
        (FLAVOR + "signature: {inputs: 'nonsense'}\n", "signature cannot be read"),
        (FLAVOR + "signature: {inputs: '[1]'}\n", "signature cannot be read"),
        (FLAVOR + "signature: 7\n", "unexpected kind"),
    ],
)
def test_hostile(tmp_path, text, why):
    """Anything else than plain settings is refused with a reason, and nothing runs."""
    with pytest.raises(ArtifactFaultError, match=why):
        read(tmp_path, text)


def test_a_path_through_a_link_ends_outside(tmp_path):
    """Paths are resolved, links and all."""
    (tmp_path / "data").symlink_to("/etc")
    with pytest.raises(ArtifactFaultError, match="outside"):
        read(tmp_path, FLAVOR + "    data: data/passwd\n")


def test_where_things_came_from_is_no_path(tmp_path):
    """MLflow keeps addresses of the training machine, of which loaders take the last part or nothing."""
    text = FLAVOR + (
        "    model_code_path: /srv/me/../agent.py\n    artifacts: {a: {path: artifacts/a, uri: ../data/a}}\n"
        "    config: {folder: ../x}\n    code: code\n    env: {conda: conda.yaml, virtualenv: python_env.yaml}\n"
    )
    settings = read(tmp_path, text).settings["python_function"]
    assert (settings["loader_module"], settings["code"]) == ("mlflow.sklearn", "code")


def test_missing(tmp_path):
    """Files without MLmodel are no model."""
    with pytest.raises(ArtifactFaultError, match="no file MLmodel"):
        read_mlmodel(tmp_path)


def test_too_large(tmp_path):
    """A huge MLmodel is not read."""
    with (tmp_path / "MLmodel").open("wb") as file:
        file.truncate(2**30)
    with pytest.raises(ArtifactFaultError, match="larger than"):
        read_mlmodel(tmp_path)


def test_requirements(tmp_path):
    """The lines of requirements.txt, else the pip section of conda.yaml."""
    assert read_requirements(tmp_path) == ()
    (tmp_path / "conda.yaml").write_text("dependencies:\n- python=3.11\n- pip\n- pip:\n  - mlflow==3.17.2\n  - numpy\n")
    assert read_requirements(tmp_path) == ("mlflow==3.17.2", "numpy")
    (tmp_path / "requirements.txt").write_text("# made by hand\nmlflow==3.17.2\n\nscikit-learn  # any\n")
    assert read_requirements(tmp_path) == ("mlflow==3.17.2", "scikit-learn")
