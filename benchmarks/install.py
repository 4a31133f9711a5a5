"""Size and time of an installation: melanoma-detect-core alone, with its extras, and the whole library.

The wheels are built from this checkout. Each installation is made twice, in a fresh environment each time: the first fills
pip's cache, the second is timed. The size is that of site-packages without pip.

    python benchmarks/install.py [--whole]
"""

import argparse
import subprocess
import sys
import sysconfig
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
PIP = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet"]


def main() -> None:
    """Install each distribution and print a row for it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--whole", action="store_true", help="the whole library too, with TensorFlow and with tensorflow-cpu"
    )
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for project in (ROOT, ROOT / "packages" / "melanoma-detect"):
            subprocess.run([*PIP, "wheel", "--no-deps", "--wheel-dir", folder, project], check=True)
        core, whole = (next(folder.glob(f"{name}-*.whl")) for name in ("melanoma_detect_core", "melanoma_detect"))
        rows = {f"melanoma-detect-core{extra}": [f"{core}{extra}"] for extra in ("", "[parquet]", "[serve]", "[dicom]")}
        if chosen.whole:
            rows["melanoma-detect-core[training,tensorflow-cpu]"] = [f"{core}[training,tensorflow-cpu]"]
            rows["melanoma-detect"] = [str(core), str(whole)]
        print(f"{'':45}      MB   seconds, warm cache")
        for row, wheels in rows.items():
            install(folder / "first", wheels)
            size, seconds = install(folder / "second", wheels)
            print(f"{row:45} {size:7.0f} {seconds:8.1f}", flush=True)


def install(environment: Path, wheels: list[str]) -> tuple[float, float]:
    """Install wheels into a fresh environment.

    Args:
        environment: The environment's folder, which is replaced.
        wheels: What pip installs.

    Returns:
        The size of its site-packages in MB, and the seconds that pip took.
    """
    subprocess.run([sys.executable, "-m", "venv", "--clear", "--without-pip", environment], check=True)
    places = {"base": str(environment), "platbase": str(environment)}
    python = Path(sysconfig.get_path("scripts", "venv", vars=places), "python")
    start = time.perf_counter()
    subprocess.run([*PIP, "--python", python, "install", *wheels], check=True)
    seconds = time.perf_counter() - start
    packages = Path(sysconfig.get_path("purelib", "venv", vars=places))
    return sum(file.stat().st_size for file in packages.rglob("*") if file.is_file()) / 1e6, seconds


if __name__ == "__main__":
    main()
