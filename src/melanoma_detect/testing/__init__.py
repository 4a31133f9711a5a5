"""The conformance kit: what every architecture must be able to do, for those who write one.

With pytest, one test for each check:

```python
import pytest
from melanoma_detect.testing import MODEL_CHECKS


@pytest.mark.parametrize("check", MODEL_CHECKS, ids=lambda check: check.__name__)
def test_mynet(check):
    check("mynet")
```

Without it: `melanoma-detect check-model mynet`.

Each check takes a name from `list_models()` or a builder, `input_shape=` where the architecture needs images larger than
64×64, and the builder's own options. Where a builder has an option `weights`, it is built with `weights=None` unless another
is given: nothing is downloaded. A check that fails raises `ContractError`, or what the builder raised.
"""

from melanoma_detect.testing.checks import MODEL_CHECKS, CheckResult, check_model

__all__ = ["MODEL_CHECKS", "CheckResult", "check_model"]
