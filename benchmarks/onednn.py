"""Training speed of the default network with and without TensorFlow's oneDNN kernels.

TensorFlow turns them on by default on Intel processors only; this library turns them on everywhere. Both are timed alternately,
each in a new process, and the median of the ratios is printed as `name value goal`.

    python benchmarks/onednn.py
"""

import os
import statistics
import subprocess
import sys

PROGRAM = """
import time
import melanoma_detect as md
import keras, numpy as np

rng = np.random.default_rng(1)
pixels, labels = rng.integers(0, 256, (320, 180, 180, 3)).astype("float32"), np.arange(320) % 9
model = md.build_model("cnn", num_classes=9)
model.compile("adam", "sparse_categorical_crossentropy")
model.fit(pixels, labels, verbose=0)
start = time.perf_counter()
model.fit(pixels, labels, verbose=0)
print(len(labels) / (time.perf_counter() - start))
"""


def images_a_second(onednn: str) -> float:
    """Train for one epoch in a new process; return the images per second."""
    environment = os.environ | {"TF_ENABLE_ONEDNN_OPTS": onednn, "TF_CPP_MIN_LOG_LEVEL": "3"}
    command = [sys.executable, "-c", PROGRAM]
    completed = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    return float(completed.stdout.split()[-1])


def main() -> None:
    """Time both three times, alternately."""
    pairs = [(images_a_second("1"), images_a_second("0")) for _ in range(3)]
    print(f"onednn_images_a_second {statistics.median(on for on, _ in pairs):.0f} -")
    print(f"plain_images_a_second {statistics.median(off for _, off in pairs):.0f} -")
    print(f"onednn_speedup {statistics.median(on / off for on, off in pairs):.2f} 1.00")


if __name__ == "__main__":
    main()
