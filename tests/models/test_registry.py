"""Architectures come from installed packages: real distributions on the path."""

import subprocess
import sys
import textwrap

import pytest

import melanoma_detect as md
from melanoma_detect.errors import BrokenPluginError, ModelError, UnknownModelError
from melanoma_detect.models.registry import find_builder


@pytest.fixture
def install(tmp_path, monkeypatch):
    """Lay down a distribution as pip would: its module, its metadata, its entry points."""

    def install(package, points, code=""):
        module = package.replace("-", "_")
        info = tmp_path / "site" / f"{module}-1.2.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.2\n")
        lines = "\n".join(f"{name} = {target}" for name, target in points.items())
        (info / "entry_points.txt").write_text(f"[melanoma_detect.models]\n{lines}\n")
        (tmp_path / "site" / f"{module}.py").write_text(textwrap.dedent(code))
        monkeypatch.syspath_prepend(tmp_path / "site")
        monkeypatch.delitem(sys.modules, module, raising=False)

    return install


TINY = """
    import keras

    def build(*, input_shape, num_classes):
        pixels = keras.Input(input_shape)
        x = keras.layers.Rescaling(1 / 255)(pixels)
        x = keras.layers.GlobalAveragePooling2D(name="features")(x)
        x = keras.layers.Dense(num_classes)(x)
        return keras.Model(pixels, keras.layers.Activation("softmax", dtype="float32")(x))
"""


def test_the_built_in_network_comes_in_by_the_same_door():
    assert [entry.package for entry in md.list_models() if entry.name == "cnn"] == ["melanoma-detect"]


def test_a_third_party_architecture_is_as_good_as_a_built_in_one(install):
    install("melanoma-detect-tiny", {"tiny": "melanoma_detect_tiny:build"}, TINY)
    entry = next(entry for entry in md.list_models() if entry.name == "tiny")
    assert (entry.package, entry.version) == ("melanoma-detect-tiny", "1.2")
    model = md.build_model("tiny", num_classes=3, input_shape=(32, 32, 3))
    assert model.output_shape == (None, 3)
    assert model.architecture["package"] == "melanoma-detect-tiny"


def test_an_unknown_name_is_answered_with_the_close_one_and_the_list():
    with pytest.raises(UnknownModelError, match=r"did you mean 'cnn'\? There are: cnn"):
        md.build_model("cnnn", num_classes=9)


def test_a_broken_plugin_breaks_when_used_and_not_before(install):
    install("melanoma-detect-broken", {"broken": "melanoma_detect_broken:build"}, "import no_such_module")
    assert "broken" in [entry.name for entry in md.list_models()]
    assert md.build_model("cnn", num_classes=2, input_shape=(32, 32, 3)).name == "cnn"
    message = r"melanoma-detect-broken 1\.2 is installed, but melanoma_detect_broken:build .*no_such_module"
    with pytest.raises(BrokenPluginError, match=message) as caught:
        md.build_model("broken", num_classes=9)
    assert isinstance(caught.value.__cause__, ModuleNotFoundError)


def test_a_plugin_that_offers_no_function_is_named(install):
    install("melanoma-detect-odd", {"odd": "melanoma_detect_odd:build"}, "build = 5")
    with pytest.raises(BrokenPluginError, match="is a int; expected a function"):
        find_builder("odd")


def test_a_name_offered_twice_names_both(install):
    install("melanoma-detect-one", {"twice": "melanoma_detect_one:build"}, TINY)
    install("melanoma-detect-two", {"twice": "melanoma_detect_two:build"}, TINY)
    with pytest.raises(ModelError, match=r"melanoma-detect-one 1\.2 and melanoma-detect-two 1\.2"):
        md.build_model("twice", num_classes=9)


def test_listing_imports_no_plugin_and_no_keras():
    code = "import sys, melanoma_detect as md; md.list_models(); print('keras' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
