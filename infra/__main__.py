"""python -m infra deploy|manage|destroy STACK: what ``make deploy`` and so on call."""

import re
import shlex
import sys
from argparse import ArgumentParser, ArgumentTypeError, Namespace

from infra.aws import StackError, failures_in_words, say
from infra.deploy import deploy
from infra.destroy import destroy
from infra.manage import manage
from infra.protection import protect
from infra.stack import state


def main(arguments: list[str]) -> int:
    """Do what ``arguments`` ask; return the exit status."""
    ours, words = _parted(arguments)
    options = _parser().parse_args(ours, Namespace(words=words))
    try:
        with failures_in_words():
            return int(options.do(options))
    except StackError as error:
        say(f"triphase: {error}")
        return 1
    except KeyboardInterrupt:
        say("\ntriphase: no longer waiting; AWS goes on with what it has begun.")
        return 130


def _parted(arguments: list[str]) -> tuple[list[str], list[str]]:
    """Return the arguments, and what a command of manage.py is given behind the first ``--``.

    Of that argparse would drop a second ``--``.
    """
    if arguments[:1] != ["manage"] or "--" not in arguments:
        return arguments, []
    first = arguments.index("--")
    return arguments[:first], arguments[first + 1 :]


def _deploy(options: Namespace) -> int:
    """Print the stack's environment, for a shell to evaluate; then protect what it holds."""
    for name, value in deploy(options.stack, dict(options.parameters)).items():
        print(f"export {name}={shlex.quote(value)}", flush=True)
    try:
        with failures_in_words():
            protect(options.stack)
    except StackError as error:
        raise StackError(
            f"{error}\nThe stack is up, but its table and database may not be protected from "
            "deletion yet: deploy again."
        ) from error
    return 0


def _manage(options: Namespace) -> int:
    if bool(options.line) == bool(options.words):
        options.refuse("give a command of manage.py, by --line or behind --")
    return manage(options.stack, options.line or options.words)


def _destroy(options: Namespace) -> int:
    if not state(options.stack):
        raise StackError(f"There is no stack called {options.stack}.")
    if not options.yes:
        try:
            typed = _typed_name()
        except KeyboardInterrupt:
            say("\ntriphase: nothing was changed.")
            return 130
        if typed != options.stack:
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
    second = commands.add_parser(
        "manage",
        help="run a command of manage.py on a stack's site",
        usage="%(prog)s [-h] stack (--line=LINE | -- WORD ...)",
        epilog="Words behind -- are taken as they are, such as: -- migrate --plan",
    )
    second.add_argument("stack", type=_stack_name)
    second.add_argument("--line", type=_line, default=[], help="the command with a shell's quotes")
    second.set_defaults(do=_manage, refuse=second.error)
    third = commands.add_parser("destroy", help="remove a stack and all it holds")
    third.add_argument("stack", type=_stack_name)
    third.add_argument("--yes", action="store_true", help="do not ask")
    third.set_defaults(do=_destroy)
    return parser


def _stack_name(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z][A-Za-z0-9-]{0,127}", text):
        raise ArgumentTypeError("name a stack: STACK=letters, digits and hyphens")
    return text


def _line(text: str) -> list[str]:
    try:
        return shlex.split(text)
    except ValueError as error:
        raise ArgumentTypeError(f"the command cannot be read: {error}") from error


def _parameter(text: str) -> tuple[str, str]:
    name, is_one, value = text.partition("=")
    if not is_one:
        raise ArgumentTypeError(f"{text!r} is not like SiteHost=pictures.example.org")
    return name, value


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
