"""What Python's and NumPy's readers raise on damaged or hostile bytes: no common base, so they are listed."""

import zipfile
import zlib

# NotImplementedError, RecursionError and UnicodeError belong to these.
DAMAGE = (
    *(zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError, MemoryError),
    *(LookupError, ValueError, TypeError, AttributeError, ArithmeticError),
)
