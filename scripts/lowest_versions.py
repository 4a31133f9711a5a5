"""Install the lowest versions that pyproject.toml allows, or the newest with pre-releases, and use them once each.

    python scripts/lowest_versions.py                                     the small install
    python scripts/lowest_versions.py --extras training tensorflow        the whole library
    python scripts/lowest_versions.py --newest --extras training tensorflow

uv (`pip install uv`) finds the versions: of each direct requirement the lowest, of what those require the newest that fits.
They go into an environment of their own, where scripts/check_install.py runs. Nothing else on the machine is touched.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
PARTS = {"training": "training", "serve": "extras"}  # extras that bring steps of scripts/check_install.py


def find_uv() -> str:
    """Return the path of uv, beside this Python or on the PATH."""
    uv = shutil.which("uv", path=str(Path(sys.executable).parent)) or shutil.which("uv")
    if uv is None:
        sys.exit("uv is not installed, which finds the lowest versions: pip install uv")
    return uv


def compile_versions(uv: str, extras: list[str], *, which: str, python: str) -> str:
    """Return the versions to install, as pip's requirements: the `lowest`, the `newest` or the latest `released`."""
    command = [uv, "pip", "compile", "--quiet", "--no-header", "--no-annotate", "--python", python]
    command += ["--resolution=lowest-direct"] if which == "lowest" else ["--resolution=highest"]
    command += ["--prerelease=allow"] if which == "newest" else []
    command += [f"--extra={extra}" for extra in extras]
    done = subprocess.run([*command, str(ROOT / "pyproject.toml")], capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"no set of versions fits: {done.stderr.strip()}")
    return done.stdout


def install(uv: str, folder: Path, versions: str, *, python: str) -> Path:
    """Make an environment with these versions and this project; return its Python."""
    subprocess.run([uv, "venv", "--quiet", "--python", python, "--clear", str(folder)], check=True)
    own = folder / ("Scripts" if os.name == "nt" else "bin") / "python"
    requirements = folder / "versions.txt"
    requirements.write_text(versions, encoding="utf-8")
    command = [uv, "pip", "install", "--quiet", "--python", str(own)]
    subprocess.run([*command, "--requirements", str(requirements)], check=True)
    # As a user's is, and not this folder: what lies beside the package must not be needed.
    subprocess.run([*command, "--no-deps", str(ROOT)], check=True)
    return own


def main() -> int:
    """Do what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--extras", nargs="*", default=[], help="such as training tensorflow")
    parser.add_argument(
        "--newest", action="store_const", dest="which", const="newest", help="the newest, pre-releases too"
    )
    parser.add_argument("--released", action="store_const", dest="which", const="released", help="the newest releases")
    parser.add_argument("--folder", type=Path, help="keep the environment there")
    parser.add_argument("--python", default=sys.executable, help="a Python, or a version of one")
    parser.add_argument("--list", action="store_true", help="print the versions, and install nothing")
    parser.set_defaults(which="lowest")
    chosen = parser.parse_args()
    uv = find_uv()
    versions = compile_versions(uv, chosen.extras, which=chosen.which, python=chosen.python)
    print(versions, flush=True)
    if chosen.list:
        return 0
    parts = [PARTS[extra] for extra in chosen.extras if extra in PARTS]
    with tempfile.TemporaryDirectory() as scratch:
        start = time.perf_counter()
        own = install(uv, chosen.folder or Path(scratch, "venv"), versions, python=chosen.python)
        print(f"installed in {time.perf_counter() - start:.0f} s", flush=True)
        # Not PYTHONPATH: what is installed there is what is tried.
        environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
        command = [
            str(own),
            "-W",
            "error::DeprecationWarning:melanoma_detect",
            str(ROOT / "scripts" / "check_install.py"),
            *parts,
        ]
        return subprocess.run(command, env=environment, cwd=scratch, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
