"""Everything this library raises or warns on purpose.

```
MelanomaDetectError
├── DatasetError        a folder or table that cannot become a Dataset
│   └── LeakError       an image or lesion that would stand in two splits
├── ImageError          an image that cannot be read (also a ValueError)
├── ModelError          an architecture that cannot be used
│   ├── UnknownModelError    no architecture has this name (also a LookupError)
│   ├── BrokenPluginError    its package is installed but cannot be imported
│   └── ContractError        its builder returned something other than what was agreed
├── DetectorError       a detector that cannot be trained, saved or loaded
└── OutputError         a place that cannot be written (also an OSError)

DataWarning (a UserWarning)       something in the data that changes what a result means
DetectorWarning (a UserWarning)   something about a detector that whoever uses it should know
```

Catch `MelanomaDetectError` to catch them all.
"""


class MelanomaDetectError(Exception):
    """Something this library refuses, with what was found and what to do."""


class DatasetError(MelanomaDetectError, ValueError):
    """A folder or table that cannot become a Dataset."""


class LeakError(DatasetError):
    """An image, its copy or its lesion would stand in two splits."""


class ImageError(MelanomaDetectError, ValueError):
    """An image that cannot be read."""


class ModelError(MelanomaDetectError):
    """An architecture that cannot be used."""


class UnknownModelError(ModelError, LookupError):
    """No installed package offers an architecture under this name."""


class BrokenPluginError(ModelError):
    """The package that offers the architecture is installed, but cannot be imported."""


class ContractError(ModelError):
    """A builder returned something other than the contract asks for."""


class DetectorError(MelanomaDetectError):
    """A detector that cannot be trained, saved or loaded."""


class OutputError(MelanomaDetectError, OSError):
    """A place that cannot be written."""


class DataWarning(UserWarning):
    """Something in the data that changes what a result means."""


class DetectorWarning(UserWarning):
    """Something about a detector that whoever uses it should know."""
