"""Whether there is an interrupted training to resume: a slip in `--out` must not train from the beginning unnoticed."""

from pathlib import Path

from melanoma_detect.cli.checks import OptionError
from melanoma_detect.cli.console import print_note
from melanoma_detect.utils.suggest import did_you_mean

_SUFFIX = ".training"


def check_resumable(out: Path) -> None:
    """Print a note if no interrupted training belongs to a run folder: it then starts from the beginning.

    A job that a scheduler starts again may always say `--resume`; so that is no error, unless the name is a slip.

    Args:
        out: The run folder.

    Raises:
        OptionError: There is none, but one of a run whose name is much alike.
    """
    if has_checkpoint(out):
        return
    others = [path.name[1 : -len(_SUFFIX)] for path in sorted(out.parent.glob(f".*{_SUFFIX}"))]
    if hint := did_you_mean(out.name, others):
        raise OptionError(
            f"--resume: no interrupted training belongs to {out}; {hint}leave --resume out to train from the beginning"
        )
    print_note("Note", f"--resume: no interrupted training belongs to {out}; training starts from the beginning")


def has_checkpoint(out: Path) -> bool:
    """Return whether an interrupted training, or one that has just ended, has left its checkpoint beside a run folder.

    Args:
        out: The run folder.

    Returns:
        Whether there is a folder of checkpoints.
    """
    return (out.parent / f".{out.name}{_SUFFIX}").is_dir()
