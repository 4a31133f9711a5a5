"""The drawing of the exception tree agrees with the classes."""

import inspect

from melanoma_detect import errors


def test_every_class_is_in_the_drawing():
    classes = [member for _, member in inspect.getmembers(errors, inspect.isclass)]
    assert all(member.__name__ in errors.__doc__ for member in classes)
    exceptions = [member for member in classes if not issubclass(member, Warning)]
    assert all(issubclass(member, errors.MelanomaDetectError) for member in exceptions)


def test_the_drawing_shows_the_base_classes():
    indents = {}
    for line in errors.__doc__.splitlines():
        name = line.lstrip("│├└─ ").split(" ")[0]
        if hasattr(errors, name):
            indents[name] = len(line) - len(line.lstrip("│├└─ "))
    stack = []
    for name, indent in indents.items():
        while stack and stack[-1][1] >= indent:
            stack.pop()
        if stack:
            assert issubclass(getattr(errors, name), getattr(errors, stack[-1][0]))
        stack.append((name, indent))
