"""python -m infra deploy|manage|destroy STACK: what the targets of the Makefile call."""

import re
import shlex
import sys
from argparse import ArgumentParser, ArgumentTypeError, Namespace

from infra.aws import StackError, as_stack_errors, say
from infra.deploy import deploy
from infra.destroy import destroy
from infra.manage import manage
from infra.protection import protect
from infra.stack import state


def main(arguments: list[str]) -> int:
    """Run the command that ``arguments`` name; return the exit status."""
    ours, words = _split(arguments)
    options = _parser().parse_args(ours, Namespace(words=words))
    try:
        with as_stack_errors():
            return int(options.do(options))
    except StackError as error:
        say(f"triphase: {error}")
        return 1
    except KeyboardInterrupt:
        say("\ntriphase: stopped waiting; AWS continues with what has begun.")
        return 130


def _split(arguments: list[str]) -> tuple[list[str], list[str]]:
    """Return the arguments before the first ``--`` of `manage`, and those after it.

    argparse would drop a second ``--`` from the words of the command.
    """
    if arguments[:1] != ["manage"] or "--" not in arguments:
        return arguments, []
    first = arguments.index("--")
    return arguments[:first], arguments[first + 1 :]


def _deploy(options: Namespace) -> int:
    """Print the stack's environment, for a shell to evaluate; then protect its data."""
    for name, value in deploy(options.stack, options.parameters).items():
        print(f"export {name}={shlex.quote(value)}", flush=True)
    try:
        with as_stack_errors():
            protect(options.stack)
    except StackError as error:
        raise StackError(
            f"{error}\nThe stack is up, but its bucket, table and database may not be protected "
            "yet: deploy again."
        ) from error
    return 0


def _manage(options: Namespace) -> int:
    if bool(options.line) == bool(options.words):
        options.refuse("give a command of manage.py, by --line or after --")
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
    say("This deletes every picture, item and account. Type the stack's name to continue:")
    return sys.stdin.readline().strip()


def _parser() -> ArgumentParser:
    parser = ArgumentParser(prog="python -m infra", description=__doc__)
    commands = parser.add_subparsers(required=True)
    first = commands.add_parser("deploy", help="make or update a stack; print its environment")
    first.add_argument("stack", type=_stack_name)
    first.add_argument("parameters", nargs="*", metavar="Parameter=value")
    first.set_defaults(do=_deploy)
    second = commands.add_parser(
        "manage",
        help="run a command of manage.py on a stack's site",
        usage="%(prog)s [-h] stack (--line=LINE | -- WORD ...)",
        epilog="Words after -- are passed on unchanged, such as: -- migrate --plan",
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


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
