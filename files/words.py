"""What the script of the files page says."""

WORDS: dict[str, str] = {}
