"""Tell nine skin lesions apart and alert a dermatologist to melanoma."""

import os

import lazy_loader

from melanoma_detect.utils.missing_packages import explain_missing_packages
from melanoma_detect.utils.tensorflow_import import quiet_tensorflow

__version__ = "0.1.0"

# TensorFlow leaves its oneDNN kernels off on AMD processors, where they train the default network more than twice as
# fast (benchmarks/onednn.py). It reads this once, when it is first imported; a value of the user's own stands.
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
# From 1.29 on, ONNX Runtime's builds report to Microsoft which models they run, and leave a device's number in the home folder.
# Nothing of a clinic's leaves its machine because of this library; whoever wants to report sets the variable to 0.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
quiet_tensorflow()
explain_missing_packages()

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
