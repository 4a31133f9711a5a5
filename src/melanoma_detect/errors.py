"""Exceptions and warnings of this library.

```
MelanomaDetectError
├── DatasetError        a folder or table from which no Dataset can be made (also a ValueError)
│   └── LeakError       an image or lesion that would be in two splits
├── ImageError          an image that cannot be read (also a ValueError)
│   ├── SeveralFramesError   a DICOM file of several frames, of which none is named
│   └── NoImageError         a DICOM file that holds no image of a lesion: a report, a document, a sheet
├── ModelError          an architecture that cannot be used
│   ├── UnknownModelError    no architecture has this name (also a LookupError)
│   ├── BrokenPluginError    its package is installed but cannot be imported
│   └── ContractError        its builder returned something other than the contract asks for
├── DetectorError       a detector that cannot be trained, saved or loaded
├── OutputError         a path that cannot be written (also an OSError)
└── MissingPackageError a package that is not installed: an extra (also a ModuleNotFoundError)

DataWarning (a UserWarning)       a property of the data that changes what a result means
DetectorWarning (a UserWarning)   a property of a detector that its users should know
```

Catch `MelanomaDetectError` to catch all exceptions.
"""

from melanoma_detect.printable import printable


class MelanomaDetectError(Exception):
    """Base class of all exceptions; each message has what was found, what was expected, and what to do.

    Names of files stand in messages: what would control a terminal, or begin another line of a log, is shown escaped.
    """

    def __str__(self) -> str:
        return printable(super().__str__())


class DatasetError(MelanomaDetectError, ValueError):
    """A folder or table from which no Dataset can be made."""


class LeakError(DatasetError):
    """An image, its copy or its lesion would be in two splits."""


class ImageError(MelanomaDetectError, ValueError):
    """An image that cannot be read."""


class SeveralFramesError(ImageError):
    """A DICOM file of several frames, of which none is named: it holds several images.

    Attributes:
        frames: How many frames the file has.
    """

    def __init__(self, message: str, frames: int = 0) -> None:
        super().__init__(message)
        self.frames = frames


class NoImageError(ImageError):
    """A DICOM file that shows no lesion by itself: a report, a document, a sheet that this library has drawn."""


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
    """A path that cannot be written."""


class MissingPackageError(MelanomaDetectError, ModuleNotFoundError):
    """A package that is not installed, because it belongs to an extra; the message has the command that installs it."""


class DataWarning(UserWarning):
    """A property of the data that changes what a result means."""


class DetectorWarning(UserWarning):
    """A property of a detector that its users should know."""
