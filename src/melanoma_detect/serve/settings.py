"""The settings of the HTTP service: its token and its limits."""

import math
import os
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Self

from melanoma_detect.errors import DetectorError
from melanoma_detect.images.memory import MAX_PIXELS

TOKEN_VARIABLE = "MELANOMA_DETECT_TOKEN"  # noqa: S105 - its name, not a token
MIN_TOKEN_LENGTH = 16  # characters: nobody guesses a random one of this length over a network
_MAKE_ONE = "make one with: python -c 'import secrets; print(secrets.token_urlsafe(32))'"


@dataclass(frozen=True)
class ServeSettings:
    """What a service asks of its clients, and how much it takes at once.

    Attributes:
        token: What clients must send; None to ask for none. At least 16 printable ASCII characters without blanks.
        max_file_bytes: The largest file.
        max_request_bytes: The largest body of a request, all of its files together.
        max_total_bytes: The most bytes of bodies that are in memory at once, those of all requests together.
        max_files: The most files in a request, and the most frames in a DICOM file.
        max_pixels: The largest number of pixels of an image, at most 200 million. A pixel takes 3 bytes and more when it is
            decoded, in each thread.
        max_requests: The most requests with images at once; those beyond are told to come again (503).
        seconds: The longest time for a request, from its first byte to its answer.
        idle_seconds: The longest pause between two pieces of a body.
        threads: Threads that decode images; None for one per core.

    Raises:
        DetectorError: The token is too weak, or a limit is not positive or over its own limit.

    Examples:
        >>> ServeSettings(token="nobody-guesses-this", max_files=10)
        ServeSettings(max_file_bytes=50000000, ..., max_files=10, ...)
    """

    token: str | None = field(default=None, repr=False)
    max_file_bytes: int = 50_000_000
    max_request_bytes: int = 200_000_000
    max_total_bytes: int = 1_000_000_000
    max_files: int = 100
    max_pixels: int = MAX_PIXELS
    max_requests: int = 64
    seconds: float = 60.0
    idle_seconds: float = 10.0
    threads: int | None = None

    def __post_init__(self) -> None:
        if self.token is not None:
            _check_token(self.token)
        for limit in fields(self):
            value = getattr(self, limit.name)
            if limit.name != "token" and value is not None and not (value > 0 and math.isfinite(value)):
                raise DetectorError(f"{limit.name}={value}; expected a number over 0")
        if self.max_pixels > MAX_PIXELS:
            raise DetectorError(f"max_pixels={self.max_pixels}; expected at most {MAX_PIXELS}: no reader takes more")
        if self.max_total_bytes < self.max_request_bytes:
            raise DetectorError(
                f"max_total_bytes={self.max_total_bytes}; expected at least max_request_bytes={self.max_request_bytes}, or no "
                "such request could ever be read"
            )

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ, **limits: float | None) -> Self:
        """Return settings with the token that the variable MELANOMA_DETECT_TOKEN holds.

        Args:
            environment: The environment.
            **limits: The other fields.

        Returns:
            The settings; their token is None where the variable is not set.

        Raises:
            DetectorError: The variable is empty or its token is too weak, or a limit cannot be used.

        Examples:
            >>> ServeSettings.from_environment({"MELANOMA_DETECT_TOKEN": "nobody-guesses-this"}).token
            'nobody-guesses-this'
        """
        token = environment.get(TOKEN_VARIABLE)
        # A file of secrets ends in a line break, which no header can hold.
        return cls(token=None if token is None else token.strip(), **limits)  # type: ignore[arg-type]


def _check_token(token: str) -> None:
    """Raise DetectorError for a token that protects nothing; the message does not hold it."""
    if not token:
        raise DetectorError(f"{TOKEN_VARIABLE} is empty: unset it to serve without a token, or {_MAKE_ONE}")
    if len(token) < MIN_TOKEN_LENGTH:
        raise DetectorError(
            f"{TOKEN_VARIABLE} has {len(token)} characters; expected at least {MIN_TOKEN_LENGTH}: {_MAKE_ONE}"
        )
    if not (token.isascii() and token.isprintable()) or " " in token:
        raise DetectorError(f"{TOKEN_VARIABLE} holds blanks or characters that are not ASCII: {_MAKE_ONE}")
