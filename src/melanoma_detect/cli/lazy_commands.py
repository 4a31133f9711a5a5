"""Commands whose modules are imported only when they are used: a command starts without the modules of the others."""

import importlib
from typing import Any

import typer
from typer.core import TyperGroup

from melanoma_detect.cli.interruption import show_interruption

# The module of each command; --help lists them in this order.
MODULES = {
    "demo": "train",
    "train": "train",
    "evaluate": "evaluate",
    "localize": "localize",
    "predict": "predict",
    "card": "predict",
    "explain": "explain",
    "similar": "similar",
    "export": "export",
    "score": "score",
    "watch": "watch",
    "serve": "serve",
    "audit": "data",
    "classes": "data",
    "fingerprint": "fingerprint",
    "lab": "lab",
    "balance": "balance",
    "models": "models",
    "check-model": "models",
    "new-plugin": "new_plugin",
}


class LazyCommandGroup(TyperGroup):
    """The group of all commands, which imports the module of a command when it runs, describes or completes it."""

    def make_context(self, *args: Any, **options: Any) -> Any:
        """Read the command line, and print the help that it may ask for.

        Args:
            *args: Of the base.
            **options: Of the base.

        Returns:
            The context.
        """
        with show_interruption():
            return super().make_context(*args, **options)

    def invoke(self, ctx: Any) -> Any:
        """Run the command that the command line names; what interrupts it ends it with one line.

        Args:
            ctx: The context.

        Returns:
            What the command returns.
        """
        with show_interruption():
            return super().invoke(ctx)

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002 - the signature of the base
        """Return the names of all commands.

        Args:
            ctx: The context.

        Returns:
            The names, in the order of `--help`.
        """
        return list(MODULES)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Return a command, imported with its module.

        Args:
            ctx: The context.
            cmd_name: The command's name.

        Returns:
            The command, or None if there is none of this name.
        """
        if cmd_name not in MODULES:  # one of those may have been meant
            for name in MODULES:
                self.get_command(ctx, name)
        elif cmd_name not in self.commands:
            module = importlib.import_module(f"melanoma_detect.cli.{MODULES[cmd_name]}")
            for info in module.app.registered_commands:
                name = info.name or typer.main.get_command_name(info.callback.__name__)
                if name == cmd_name:
                    self.commands[name] = typer.main.get_command_from_info(
                        info,
                        pretty_exceptions_short=module.app.pretty_exceptions_short,
                        rich_markup_mode=module.app.rich_markup_mode,
                    )
        command = self.commands.get(cmd_name)
        if command is not None:
            _hide_flag_types(command, ctx)
        return command

    def get_params(self, ctx: Any) -> Any:
        """Return the options of the group itself.

        Args:
            ctx: The context.

        Returns:
            The options.
        """
        parameters = super().get_params(ctx)
        for parameter in parameters:
            _hide_type(parameter)
        return parameters


def _hide_flag_types(command: Any, ctx: Any) -> None:
    for parameter in (*command.params, command.get_help_option(ctx)):
        _hide_type(parameter)


def _hide_type(parameter: Any) -> None:
    """Show a flag without a type in `--help`: it takes no value."""
    if getattr(parameter, "is_flag", False) and parameter.metavar is None:
        parameter.metavar = ""
