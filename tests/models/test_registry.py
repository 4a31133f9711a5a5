"""The registry, with real distributions on the path."""

import re
import subprocess
import sys
import textwrap
import warnings
from pathlib import Path

import pytest

import melanoma_detect as md
from melanoma_detect.errors import BrokenPluginError, ContractError, ModelError, UnknownModelError
from melanoma_detect.models import registry
from melanoma_detect.models.registry import find_builder, find_entry


@pytest.fixture
def install(tmp_path, monkeypatch):
    """Write a distribution as pip would: its module, its metadata, its entry points."""

    def install(package, points, code="", summary=""):
        module = package.replace("-", "_")
        info = tmp_path / "site" / f"{module}-1.2.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.2\n{summary}")
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


def test_third_party_architecture_can_be_built(install):
    install("melanoma-detect-tiny", {"tiny": "melanoma_detect_tiny:build"}, TINY)
    entry = next(entry for entry in md.list_models() if entry.name == "tiny")
    assert (entry.package, entry.version) == ("melanoma-detect-tiny", "1.2")
    model = md.build_model("tiny", num_classes=3, input_shape=(32, 32, 3))
    assert model.output_shape == (None, 3)
    assert model.architecture["package"] == "melanoma-detect-tiny"


def test_unknown_name_suggests_a_similar_one_and_lists_all():
    with pytest.raises(UnknownModelError, match=r"did you mean 'cnn'\? expected one of cnn, convnext_tiny"):
        md.build_model("cnnn", num_classes=9)


def test_broken_plugin_raises_only_when_it_is_used(install):
    install("melanoma-detect-broken", {"broken": "melanoma_detect_broken:build"}, "import no_such_module")
    assert "broken" in [entry.name for entry in md.list_models()]
    assert md.build_model("cnn", num_classes=2, input_shape=(32, 32, 3)).name == "cnn"
    message = r"melanoma-detect-broken 1\.2 is installed, but melanoma_detect_broken:build .*no_such_module"
    with pytest.raises(BrokenPluginError, match=message) as caught:
        md.build_model("broken", num_classes=9)
    assert isinstance(caught.value.__cause__, ModuleNotFoundError)


def test_plugin_without_a_function_raises(install):
    install("melanoma-detect-odd", {"odd": "melanoma_detect_odd:build"}, "build = 5")
    with pytest.raises(BrokenPluginError, match="is a int; expected a function"):
        find_builder("odd")


def test_name_of_two_packages_raises(install):
    install("melanoma-detect-one", {"twice": "melanoma_detect_one:build"}, TINY)
    install("melanoma-detect-two", {"twice": "melanoma_detect_two:build"}, TINY)
    with pytest.raises(ModelError, match=r"melanoma-detect-one 1\.2 and melanoma-detect-two 1\.2"):
        md.build_model("twice", num_classes=9)


def test_listing_imports_no_plugin_and_no_keras():
    code = "import sys, melanoma_detect as md; md.list_models(); print('keras' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_name_of_two_packages_can_be_used_with_its_package(install):
    install("melanoma-detect-two", {"cnn": "melanoma_detect_two:build"}, TINY)
    with pytest.raises(ModelError, match="use 'melanoma-detect/cnn' or 'melanoma-detect-two/cnn'"):
        md.build_model("cnn", num_classes=9)
    ours = md.build_model("melanoma-detect/cnn", num_classes=9, input_shape=(32, 32, 3))
    theirs = md.build_model("melanoma-detect-two/cnn", num_classes=9, input_shape=(32, 32, 3))
    assert (ours.architecture["package"], theirs.architecture["package"]) == ("melanoma-detect", "melanoma-detect-two")


def test_package_without_the_name_raises():
    with pytest.raises(UnknownModelError, match="numpy offers no architecture 'cnn'; there is melanoma-detect/cnn"):
        md.build_model("numpy/cnn", num_classes=9)


def test_known_package_is_suggested(monkeypatch):
    monkeypatch.setitem(registry.KNOWN, "gated_net", "melanoma-detect-gated-net")
    with pytest.raises(UnknownModelError, match="pip install melanoma-detect-gated-net"):
        md.build_model("gated_net", num_classes=9)


def test_directory_page_lists_the_known_packages():
    page = (Path(__file__).parents[2] / "docs" / "plugins.md").read_text(encoding="utf-8")
    listed = dict(re.findall(r"^\| `(\w+)` \| `([\w-]+)` \|", page, re.MULTILINE))
    assert listed == registry.KNOWN


def test_variant_after_a_colon():
    model = md.build_model("mobilenet_v2:0.35", num_classes=3, input_shape=(32, 32, 3), weights=None)
    assert model.architecture["options"] == {"variant": "0.35", "weights": "None"}
    with pytest.raises(ModelError, match=r"variant='huge'; expected one of '1\.4'"):
        md.build_model("mobilenet_v2:huge", num_classes=3, input_shape=(32, 32, 3), weights=None)
    with pytest.raises(ModelError, match="expected the variant once"):
        md.build_model("mobilenet_v2:0.35", variant="1.0", num_classes=3, input_shape=(32, 32, 3))
    with pytest.raises(ModelError, match="'cnn' has no variants, but got cnn:large; its builder is cnn"):
        md.build_model("cnn:large", num_classes=3)


def test_description_is_read_without_importing(install):
    code = '''
        import no_such_module

        def build(*, input_shape, num_classes):
            """See more.

            Not this.
            """
    '''
    install("melanoma-detect-seen", {"seen": "melanoma_detect_seen:build"}, code)
    assert next(entry for entry in md.list_models() if entry.name == "seen").description == "See more."


def test_description_falls_back_to_the_package_summary(install):
    install("melanoma-detect-quiet", {"quiet": "melanoma_detect_quiet:build"}, TINY, summary="Summary: A quiet one.\n")
    assert next(entry for entry in md.list_models() if entry.name == "quiet").description == "A quiet one."


def test_built_in_architectures_have_descriptions():
    assert all(entry.description for entry in md.list_models())


UNSAFE_TARGETS = {
    "os:system": r"unexpected keyword argument|missing a required argument",
    "builtins:exec": r"got an unexpected keyword argument|missing a required argument",
    "builtins:dict": "shows no signature|returned dict",
    "subprocess:Popen": "missing a required argument|unexpected keyword argument",
    "os.system('touch owned'):x": "expected letters",
    "../../etc/passwd": "expected letters",
    "os:path.join.__globals__": "is a dict; expected a function",
}


@pytest.mark.parametrize("target", UNSAFE_TARGETS)
def test_unsafe_target_raises_and_is_not_run(install, target, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    install("melanoma-detect-strange", {"strange": target})
    with pytest.raises(ModelError, match=UNSAFE_TARGETS[target]):
        md.build_model("strange", num_classes=3, input_shape=(32, 32, 3))
    assert not (tmp_path / "owned").exists()


def test_unsafe_name_is_listed_and_raises(install):
    install("melanoma-detect-named", {"../\x1b[31mred": "melanoma_detect_named:build"}, TINY)
    assert "../\x1b[31mred" in [entry.name for entry in md.list_models()]
    with pytest.raises(ModelError):
        md.build_model("melanoma-detect-named/../\x1b[31mred", num_classes=3)


@pytest.mark.parametrize(
    ("code", "error", "message"),
    [
        ("import sys; sys.exit(3)", BrokenPluginError, r"cannot be imported \(SystemExit: 3\)"),
        ("raise RuntimeError('no licence')", BrokenPluginError, "RuntimeError: no licence"),
        ("def build(:", BrokenPluginError, "SyntaxError"),
        (
            "def build(*, input_shape, num_classes): raise SystemExit(4)",
            BrokenPluginError,
            r"exit the program \(SystemExit",
        ),
        ("def build(*, input_shape, num_classes): raise MemoryError('too large')", MemoryError, "too large"),
        ("def build(*, input_shape, num_classes): return 'a model'", ContractError, "returned str"),
        ("build = None", BrokenPluginError, "is a NoneType"),
        ("", BrokenPluginError, "AttributeError"),
    ],
)
def test_faulty_plugin_raises_and_others_still_work(install, code, error, message):
    install("melanoma-detect-wrong", {"wrong": "melanoma_detect_wrong:build"}, code)
    with pytest.raises(error, match=message):
        md.build_model("wrong", num_classes=3, input_shape=(32, 32, 3))
    assert md.build_model("cnn", num_classes=2, input_shape=(32, 32, 3)).name == "cnn"


def test_the_list_prints_as_a_table():
    models = md.list_models()
    lines = str(models).splitlines()
    assert lines[0] == f"{len(models)} architectures"
    assert len(lines) == len(models) + 1
    assert repr(models) == str(models)
    assert isinstance(models, list)
    assert lines[1 + [entry.name for entry in models].index("cnn")].endswith("and a dense layer of 128.")
    assert not any(" Build " in line for line in lines)


BROKEN = {
    "no value": "[melanoma_detect.models]\nalone\n",
    "not UTF-8": b"[melanoma_detect.models]\n\xff = x:y\n",
    "no section": "[melanoma_detect.models\nx = y:z\n= =\n",
}


@pytest.mark.parametrize("points", BROKEN)
def test_a_package_that_says_nonsense_of_itself_hides_no_other(tmp_path, monkeypatch, points):
    content = BROKEN[points]
    info = tmp_path / "site" / "broken-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: broken\nVersion: 1.0\n", encoding="utf-8")
    (info / "entry_points.txt").write_bytes(content if isinstance(content, bytes) else content.encode())
    monkeypatch.syspath_prepend(tmp_path / "site")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        assert find_entry("cnn").package == "melanoma-detect"
    assert all(
        "broken-1.0.dist-info: the architectures of this package cannot be listed" in str(w.message) for w in caught
    )


@pytest.mark.parametrize(
    "code",
    ["raise SystemExit(3)", "raise GeneratorExit", "def (:", "def f(): f()\nf()", "raise ValueError('\\x1b[2J\\nx')"],
)
def test_a_module_that_raises_anything_is_an_error_that_names_its_package(install, code):
    install("gated", {"gated": "gated:build"}, code)
    with pytest.raises(
        BrokenPluginError, match=r"architecture 'gated': gated \S+ is installed, but .* cannot be imported"
    ) as e:
        find_builder("gated")
    assert str(e.value).isprintable()
