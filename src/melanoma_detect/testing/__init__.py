"""Conformance kit: checks of what every architecture must be able to do, for authors of plugins.

With pytest, one test for each check:

```python
import pytest
from melanoma_detect.testing import MODEL_CHECKS


@pytest.mark.parametrize("check", MODEL_CHECKS, ids=lambda check: check.__name__)
def test_mynet(check):
    check("mynet")
```

Without pytest: `melanoma-detect check-model mynet`.

Each check takes a name from `list_models()` or a builder, `input_shape=` if the architecture needs images larger than 64×64,
and the builder's own options. A builder with an option `weights` is called with `weights=None` unless another value is given,
so that nothing is downloaded. A check that fails raises `ContractError`, or whatever the builder raised.
"""

from melanoma_detect.testing.checks import MODEL_CHECKS, CheckResult, check_model

__all__ = ["MODEL_CHECKS", "CheckResult", "check_model"]
