"""Make docs/engines.md from the results of a run."""

import ast
from collections.abc import Iterable, Sequence
from itertools import groupby
from pathlib import Path

from tests.engines.elsewhere import EXCLUDED
from tests.engines.engines import TITLES
from tests.engines.known import reason_for
from tests.engines.recording import Result
from tests.engines.servers.daemon import ROOT

PAGE = ROOT / "docs" / "engines.md"
INTRODUCTION = """\
# Engines: what S3, DynamoDB and SQS servers do of what the product relies on

Made by `make test-engines` from what its run gave; do not edit. Every check is a test in
`tests/engines/`, written once and asked of every engine. "yes": the engine does what AWS documents.
"no": it does not, for the reason with that number, which `tests/engines/known.py` states; if it
comes to do so, the run fails until that file and this page say so.

radosgw carries out lifecycle rules when a check says so, with a second for a day: its own clock is
off, so that nothing vanishes unasked. `tests/engines/test_store.py` lets that clock run, faster.

radosgw has no queues: it posts events to an address. Looked at, and asked nothing here:

- **ScyllaDB's Alternator**, the tables of `compose.yaml`: neither PyPI nor Debian nor npm has the
  server, and the run fetches from nowhere else.
- **MinIO**: they do not have it either, and it stores a form's `tagging` without comparing it with
  the policy.
- **DynamoDB Local**: its licence asks for an AWS account.
- **SeaweedFS 4.48**, on PyPI: it refuses each form whose policy has a condition on `tagging`, and
  the product's have.
- **LocalStack 4.9**, on PyPI: it does not check the signature of a form.
- **ministack's S3**, but for what files need (one PUT, parts, queues, events): a form's `tagging`
  becomes no tags, and no rule is ever carried out. The template is deployed to it
  (`tests/infra/`).
"""
ELSEWHERE = """\
## The product's own tests on Ceph radosgw

The tests in `tests/functional/` and `tests/browser/` that go by way of the bucket run a second
time with their bucket on radosgw (`tests/engines/elsewhere.py`), and so does what only an engine
with a clock can show: pending objects vanish, the live one stays. The upload and the confirm, and
the checks of S3 above but for what `provision` sets up, run once more over HTTPS, with a TLS front
(`tests/tls.py`) before the gateway. Left out, by name:
"""


def page(results: Sequence[Result]) -> str:
    """Return the whole page."""
    reasons: list[str] = []
    sections = [
        _section(module, list(rows), reasons)
        for module, rows in groupby(results, key=lambda result: result.place[0])
    ]
    numbered = [f"{number}. {reason}" for number, reason in enumerate(reasons, 1)]
    left_out = [f"- `{name}`: {reason}" for name, reason in sorted(EXCLUDED.items())]
    return "\n".join(
        [
            INTRODUCTION,
            *sections,
            "## Reasons\n",
            *numbered,
            "",
            ELSEWHERE,
            *left_out,
            "",
        ]
    )


def _section(module: str, rows: list[Result], reasons: list[str]) -> str:
    """Return the table of one module; new ``reasons`` are added."""
    title = ast.get_docstring(ast.parse((Path(__file__).parent / module).read_text()))
    given = {(row.check, row.engine): row.outcome for row in rows}
    engines = [name for name in TITLES if any(row.engine == name for row in rows)]
    lines = [
        f"## {title}",
        "",
        _row(["check", *(TITLES[name] for name in engines)]),
        _row(["---"] * (len(engines) + 1)),
    ]
    for check in dict.fromkeys(row.check for row in rows):
        cells = [
            _cell(name, check, given.get((check, name), "not asked"), reasons) for name in engines
        ]
        lines.append(_row([_in_words(check), *cells]))
    return "\n".join([*lines, ""])


def _cell(engine: str, check: str, outcome: str, reasons: list[str]) -> str:
    if outcome != "no":
        return outcome
    reason = reason_for(engine, check)
    if reason not in reasons:
        reasons.append(reason)
    return f"no ({reasons.index(reason) + 1})"


def _in_words(check: str) -> str:
    """Return the name of a check as a sentence."""
    name, bracket, parameters = check.partition("[")
    words = name.replace("_", " ")
    text = f"{words}: {parameters.removesuffix(']')}" if bracket else words
    escaped = text.replace("|", "\\|").replace("<", "&lt;").replace("*", "\\*")
    return escaped if len(escaped) < 200 else f"{escaped[:120]}…"


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"
