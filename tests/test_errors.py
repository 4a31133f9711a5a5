"""The error tree is what its drawing says."""

import inspect

from melanoma_detect import errors


def test_every_error_stands_in_the_drawing():
    classes = [found for _, found in inspect.getmembers(errors, inspect.isclass)]
    assert all(found.__name__ in errors.__doc__ for found in classes)
    raised = [found for found in classes if not issubclass(found, Warning)]
    assert all(issubclass(found, errors.MelanomaDetectError) for found in raised)


def test_the_drawing_has_the_parents():
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
