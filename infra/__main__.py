"""python -m infra deploy|destroy STACK: what ``make deploy`` and ``make destroy`` call."""

import re
import shlex
import sys
from argparse import ArgumentParser, ArgumentTypeError, Namespace

from infra.aws import StackError, failures_in_words
from infra.deploy import deploy, say
from infra.destroy import destroy
from infra.stack import state


def main(arguments: list[str]) -> int:
    """Do what ``arguments`` ask; return the exit status."""
    options = _parser().parse_args(arguments)
    try:
        with failures_in_words():
            options.do(options)
    except StackError as error:
        say(f"triphase: {error}")
        return 1
    except KeyboardInterrupt:
        say("\ntriphase: no longer waiting; AWS goes on with what it has begun.")
        return 130
    return 0


def _deploy(options: Namespace) -> None:
    """Print the stack's environment, for a shell to evaluate."""
    for name, value in deploy(options.stack, dict(options.parameters)).items():
        print(f"export {name}={shlex.quote(value)}")


def _destroy(options: Namespace) -> None:
    if not state(options.stack):
        raise StackError(f"There is no stack called {options.stack}.")
    if not options.yes and _typed_name() != options.stack:
        raise StackError("That is not its name: nothing was changed.")
    destroy(options.stack)


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
    second = commands.add_parser("destroy", help="remove a stack and all it holds")
    second.add_argument("stack", type=_stack_name)
    second.add_argument("--yes", action="store_true", help="do not ask")
    second.set_defaults(do=_destroy)
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
