"""What README.md says that tests compare with the code, and the programs that other pages show."""

import re
from functools import cache

from django.conf import settings


def readme() -> str:
    """Return the text of README.md."""
    return (settings.BASE_DIR / "README.md").read_text()


@cache
def documented_errors() -> set[tuple[int, str, str]]:
    """Return status, retry and code of each error of the JSON API."""
    rows = re.findall(r"^\| (\d{3}) \| `(\w+)` \| (.+) \|$", readme(), flags=re.MULTILINE)
    return {
        (int(status), retry, code)
        for status, retry, codes in rows
        for code in re.findall(r"`(\w+)`", codes)
    }


def programs(page: str, language: str) -> list[str]:
    """Return the blocks of code in ``language`` on a page of docs/, in their order."""
    text = (settings.BASE_DIR / "docs" / page).read_text()
    return re.findall(rf"^```{language}\n(.*?)^```$", text, flags=re.MULTILINE | re.DOTALL)
