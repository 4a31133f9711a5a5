"""Time of listing the architectures, the first time in a process and again, compared with importing Keras.

python benchmarks/registry.py
"""

import statistics
import subprocess
import sys

LIST = """
import time
import melanoma_detect as md
import melanoma_detect.models.registry
start = time.perf_counter()
md.list_models()
first = time.perf_counter()
md.list_models()
print(1000 * (first - start), 1000 * (time.perf_counter() - first))
"""
KERAS = "import time; start = time.perf_counter(); import keras; print(1000 * (time.perf_counter() - start), 0)"


def milliseconds(code: str) -> tuple[float, float]:
    """Run code in five new processes and return the medians of the two numbers that it prints."""
    runs = []
    for _ in range(5):
        completed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
        runs.append([float(word) for word in completed.stdout.split()[-2:]])
    first, again = zip(*runs, strict=True)
    return statistics.median(first), statistics.median(again)


def main() -> None:
    """Print the times."""
    first, again = milliseconds(LIST)
    print(f"list_models_first_ms {first:.1f} 50")
    print(f"list_models_again_ms {again:.1f} 50")
    print(f"import_keras_ms {milliseconds(KERAS)[0]:.0f} -")


if __name__ == "__main__":
    main()
