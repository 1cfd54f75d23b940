"""python -m infra deploy|manage|destroy STACK: what ``make deploy`` and so on call."""

import re
import shlex
import sys
from argparse import ArgumentParser, ArgumentTypeError, Namespace

from infra.aws import StackError, failures_in_words, say
from infra.deploy import deploy
from infra.destroy import destroy
from infra.manage import manage
from infra.stack import state


def main(arguments: list[str]) -> int:
    """Do what ``arguments`` ask; return the exit status."""
    options = _parser().parse_args(arguments)
    try:
        with failures_in_words():
            return int(options.do(options))
    except StackError as error:
        say(f"triphase: {error}")
        return 1
    except KeyboardInterrupt:
        say("\ntriphase: no longer waiting; AWS goes on with what it has begun.")
        return 130


def _deploy(options: Namespace) -> int:
    """Print the stack's environment, for a shell to evaluate."""
    for name, value in deploy(options.stack, dict(options.parameters)).items():
        print(f"export {name}={shlex.quote(value)}")
    return 0


def _manage(options: Namespace) -> int:
    return manage(options.stack, _words(options.command))


def _words(command: list[str]) -> list[str]:
    """Return the words of a command; one alone is a line such as ``make manage`` passes on."""
    if len(command) > 1:
        return command
    try:
        return shlex.split(command[0])
    except ValueError as error:
        raise StackError(f"The command cannot be read: {error}.") from error


def _destroy(options: Namespace) -> int:
    if not state(options.stack):
        raise StackError(f"There is no stack called {options.stack}.")
    if not options.yes and _typed_name() != options.stack:
        raise StackError("That is not its name: nothing was changed.")
    destroy(options.stack)
    return 0


def _typed_name() -> str:
    say("This deletes every picture, item and account. Type the stack's name to go on:")
    return sys.stdin.readline().strip()


def _parser() -> ArgumentParser:
    parser = ArgumentParser(prog="python -m infra", description=__doc__)
    commands = parser.add_subparsers(required=True)
    first = commands.add_parser("deploy", help="make or update a stack; print its environment")
    first.add_argument("stack", type=_stack_name)
    first.add_argument("parameters", nargs="*", type=_parameter, metavar="Parameter=value")
    first.set_defaults(do=_deploy)
    second = commands.add_parser("manage", help="run a command of manage.py on a stack's site")
    second.add_argument("stack", type=_stack_name)
    second.add_argument("command", nargs="+", help="behind --, such as: -- migrate --plan")
    second.set_defaults(do=_manage)
    third = commands.add_parser("destroy", help="remove a stack and all it holds")
    third.add_argument("stack", type=_stack_name)
    third.add_argument("--yes", action="store_true", help="do not ask")
    third.set_defaults(do=_destroy)
    return parser


def _stack_name(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9-]{0,127}", text):
        raise ArgumentTypeError("name a stack: STACK=letters, digits and hyphens")
    return text


def _parameter(text: str) -> tuple[str, str]:
    name, is_one, value = text.partition("=")
    if not is_one:
        raise ArgumentTypeError(f"{text!r} is not like SiteHost=pictures.example.org")
    return name, value


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
