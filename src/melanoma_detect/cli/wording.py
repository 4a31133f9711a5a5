"""Messages of the library in the words of the command line: `--map` in place of `label_map=`."""

import re

# The library's keyword by which a message may name an argument, and the option that stands for it.
_OPTIONS = {
    "label_map": "--map",
    "format": "--format",
    **{
        name: f"--{name.replace('_', '-')}"
        for name in (
            *("rare", "conflicts", "images", "labels", "image_size", "batch_size", "seed", "squashed", "validation"),
            *("epochs", "recipe", "precision", "sensitivity", "devices", "weights", "callbacks", "resume", "overwrite"),
            *("target", "views", "image_type", "prevalence", "diagnosis", "method"),
            *("workers", "shard_size", "sort", "engine"),
        )
    },
}
_PHRASES = {
    "train one (Detector.fit) and save it": "train one with 'melanoma-detect train'",
    "See data.set_aside, and md.audit(data)": "See 'melanoma-detect audit'",
    " (seen='keep' keeps them)": "",
    "; see data.other_files": "",
}
_NAME = rf"(?<![\w/\\.-])({'|'.join(_OPTIONS)})="
# Compiled when there is a message: a command that has nothing to say starts ten milliseconds earlier.
_MAPPING = (
    r"""\blabel_map=\{["']?(?P<old>[^"':{}]*)["']?: ["']?(?P<new>[^"',{}]*)["']?(?:, \.\.\.)?\}(?: in load_dataset)?"""
)
_FLAG = rf"{_NAME}True\b"
_QUOTED = rf"""{_NAME}(["'])(.*?)\2"""
_BARE = rf"{_NAME}([^\s,;:()'\"]+|\([^()]*\))"


def name_options(message: object) -> str:
    """Return a message with options of the command line in place of keywords of Python.

    Args:
        message: A message of the library.

    Returns:
        The message.

    Examples:
        >>> name_options("the labels are numbers; name them with label_map={'0': 'nevus', ...}")
        'the labels are numbers; name them with --map 0=nevus'
        >>> name_options("sensitivity=2; take rare='train', or overwrite it (overwrite=True)")
        '--sensitivity 2; take --rare train, or overwrite it (--overwrite)'
    """
    text = str(message)
    for python, here in _PHRASES.items():
        text = text.replace(python, here)
    text = re.sub(_MAPPING, lambda found: f"--map {found['old']}={found['new']}", text)
    text = re.sub(_FLAG, lambda found: _OPTIONS[found[1]], text)
    text = re.sub(_QUOTED, lambda found: f"{_OPTIONS[found[1]]} {found[3]}", text)
    text = re.sub(_BARE, lambda found: f"{_OPTIONS[found[1]]} {found[2]}", text)
    text = re.sub(_NAME, lambda found: _OPTIONS[found[1]], text)
    return re.sub(r"\blabel_map\b", "--map", text)
