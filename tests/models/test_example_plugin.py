"""The example plugin: installed by pip into its own environment, used, and uninstalled."""

import json
import os
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

PLUGIN = Path(__file__).parents[2] / "examples" / "melanoma-detect-example-plugin"
NAME = "melanoma-detect-example-plugin"

TRAIN = """
import json, sys
import melanoma_detect as md

data = md.load_dataset(md.write_samples("lesions", train=12, test=4, size=48, classes=["melanoma", "nevus"]))
model = md.build_model("separable_net", num_classes=2, input_shape=(48, 48, 3), width=8)
detector = md.Detector.fit(model, data, epochs=2, progress=False)
detector.save("mine.detector")
photo = str(data.test.paths[0])
print(json.dumps([photo, detector.predict(photo).melanoma, detector.predictor.config.architecture]))
"""
PREDICT = "import melanoma_detect as md, sys; print(md.Detector.load('mine.detector').predict(sys.argv[1]).melanoma)"
LIST = "import melanoma_detect as md; print([entry.name for entry in md.list_models()])"


class Environment:
    """A temporary environment with this environment's packages and those that pip adds to it."""

    def __init__(self, folder):
        self.folder = folder
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder / "venv"], check=True)
        self.python = folder / "venv" / "bin" / "python"
        site = next((folder / "venv").glob("lib/python*/site-packages"))
        (site / "outer.pth").write_text(f"import site; site.addsitedir({sysconfig.get_path('purelib')!r})\n")

    def pip(self, *arguments):
        command = [sys.executable, "-m", "pip", "--python", self.python, "--quiet", "--disable-pip-version-check"]
        subprocess.run([*command, *arguments], check=True, capture_output=True, text=True)

    def run(self, *arguments):
        environment = os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3", "PYTHONDONTWRITEBYTECODE": "1"}
        return subprocess.run(
            [self.python, *arguments], cwd=self.folder, env=environment, capture_output=True, text=True, check=False
        )

    def output(self, *arguments):
        done = self.run(*arguments)
        assert done.returncode == 0, done.stderr
        return done.stdout


@pytest.fixture(scope="module")
def environment(tmp_path_factory):
    made = Environment(tmp_path_factory.mktemp("plugin"))
    made.pip("install", "--no-deps", "--no-build-isolation", PLUGIN)
    return made


@pytest.mark.slow
def test_install_use_and_uninstall(environment):
    assert "separable_net" in environment.output("-c", LIST)
    photo, melanoma, architecture = json.loads(environment.output("-c", TRAIN))
    assert architecture["package"] == NAME
    assert architecture["options"] == {"width": 8}
    assert float(environment.output("-c", PREDICT, photo)) == pytest.approx(melanoma, abs=1e-6)
    tests = environment.output("-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", PLUGIN, PLUGIN / "tests")
    assert " passed" in tests
    assert "failed" not in tests
    environment.pip("uninstall", "--yes", NAME)
    assert "separable_net" not in environment.output("-c", LIST)
    gone = environment.run("-c", "import melanoma_detect as md; md.build_model('separable_net', num_classes=2)")
    assert f"comes with {NAME}, which is not installed: pip install" in gone.stderr
    # ONNX Runtime does not need the package any more; Keras does, to build the layers.
    assert float(environment.output("-c", PREDICT, photo)) == pytest.approx(melanoma, abs=1e-6)
    by_keras = environment.run("-c", PREDICT.replace("'mine.detector'", "'mine.detector', engine='keras'"), photo)
    assert f"it was built by separable_net of {NAME} 0.1.0, which is not installed" in by_keras.stderr
