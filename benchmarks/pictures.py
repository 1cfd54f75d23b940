"""What the worst pictures within the limits cost: seconds and memory, each in a fresh process.

Run it as ``python -m benchmarks.pictures``; it prints a table. The pictures are made here.
"""

import io
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from PIL import Image

ROOT = Path(__file__).resolve().parents[1]
MAX_BYTES = 5 * 1024 * 1024
TURNED = Image.Exif()
TURNED[0x0112] = 6


class Cost(NamedTuple):
    """What a picture took: the outcome, seconds of work, and MB by which the process grew."""

    outcome: str
    seconds: float
    megabytes: float


def cost_of(*bodies: bytes) -> Cost:
    """Normalise ``bodies``, one after the other, in a fresh process, which must not complain."""
    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder) / str(number) for number in range(len(bodies))]
        for path, body in zip(paths, bodies, strict=True):
            path.write_bytes(body)
        done = subprocess.run(  # noqa: S603 (this very file)
            [sys.executable, "-m", "benchmarks.pictures", *paths],
            cwd=ROOT,
            capture_output=True,
            check=True,
            env={"DJANGO_SETTINGS_MODULE": "config.settings", "PATH": os.defpath},
            text=True,
        )
    if done.stderr:
        raise RuntimeError(done.stderr)
    outcome, seconds, megabytes = done.stdout.split()
    return Cost(outcome, float(seconds), float(megabytes))


def report_cost(paths: list[str]) -> None:
    """Print what the pictures at ``paths`` cost this process."""
    # Only the fresh process has the settings that these need.
    from pictures.errors import BadImage  # noqa: PLC0415
    from pictures.images import normalise  # noqa: PLC0415

    before, start, outcome = _peak_megabytes(), time.perf_counter(), "taken"
    for path in paths:
        try:
            normalise(Path(path).read_bytes())
        except BadImage:
            outcome = "refused"
    print(outcome, time.perf_counter() - start, _peak_megabytes() - before)


def _peak_megabytes() -> float:
    """Return the most memory this process ever had.

    On Linux getrusage() also counts what the parent had when it started this process.
    """
    status = Path("/proc/self/status")
    if status.exists():
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) / 1024
    unit = 1024**2 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit


def soft(mode: str, size: tuple[int, int]) -> Image.Image:
    """Return a picture of clouds."""
    bands = len(Image.new(mode, (1, 1)).getbands())
    small = (max(1, size[0] // 48), max(1, size[1] // 48))
    clouds = [
        Image.effect_noise(small, 120).resize(size, Image.Resampling.BILINEAR) for _ in range(bands)
    ]
    return clouds[0] if bands == 1 else Image.merge(mode, clouds)


def encoded(image: Image.Image, kind: str, **options: Any) -> bytes:
    """Return ``image`` encoded."""
    stream = io.BytesIO()
    image.save(stream, kind, **options)
    return stream.getvalue()


def within_limit(image: Image.Image, kind: str, **options: Any) -> bytes:
    """Return ``image`` encoded as well as 5 MB let it."""
    bodies = (encoded(image, kind, quality=quality, **options) for quality in (75, 50, 25, 10, 3))
    return next(body for body in bodies if len(body) <= MAX_BYTES)


def rescanned(body: bytes, scans: int) -> bytes:
    """Return a progressive JPEG whose last scan is repeated, within 5 MB."""
    last = body.rindex(b"\xff\xda")
    scan = body[last:-2]
    more = min(scans - body.count(b"\xff\xda"), (MAX_BYTES - len(body)) // len(scan))
    return body[:-2] + scan * more + b"\xff\xd9"


def square(pixels: int) -> tuple[int, int]:
    """Return the largest square of so many pixels."""
    return int(pixels**0.5), int(pixels**0.5)


SIZE = square(25_000_000)
JPEG_SIZE = square(64_000_000)
LONG = (65_500, 381)
SMALLER = (4096, 4096)

WORST: dict[str, Callable[[], bytes]] = {
    "JPEG": lambda: within_limit(soft("RGB", JPEG_SIZE), "JPEG", exif=TURNED),
    "JPEG, 65,500 wide": lambda: within_limit(soft("RGB", LONG), "JPEG", exif=TURNED),
    "JPEG, progressive": lambda: within_limit(
        soft("RGB", SIZE), "JPEG", progressive=True, subsampling=0
    ),
    "JPEG, progressive CMYK": lambda: within_limit(soft("CMYK", SIZE), "JPEG", progressive=True),
    "JPEG, 50 scans": lambda: rescanned(
        encoded(soft("RGB", SIZE), "JPEG", progressive=True, quality=3), 50
    ),
    "JPEG, 50 empty scans": lambda: rescanned(
        encoded(Image.new("RGB", SIZE), "JPEG", progressive=True, subsampling=0), 50
    ),
    "PNG": lambda: encoded(Image.new("RGB", SIZE), "PNG", exif=TURNED),
    "PNG, alpha": lambda: encoded(Image.new("RGBA", SIZE), "PNG", exif=TURNED),
    "PNG, gray and alpha": lambda: encoded(Image.new("LA", SIZE), "PNG"),
    "PNG, 16 bits": lambda: encoded(Image.new("I;16", SIZE), "PNG"),
    "PNG, palette": lambda: encoded(Image.new("P", SIZE), "PNG", transparency=0),
    "GIF": lambda: encoded(Image.new("P", SIZE), "GIF", transparency=0),
    "WebP": lambda: within_limit(soft("RGBA", SMALLER), "WEBP", method=0),
    "WebP, lossless": lambda: encoded(
        Image.new("RGBA", SMALLER, "#1234"), "WEBP", lossless=True, method=0
    ),
    "AVIF": lambda: within_limit(soft("RGB", SMALLER), "AVIF", speed=10),
    "AVIF, alpha": lambda: within_limit(
        soft("RGBA", SMALLER), "AVIF", speed=10, subsampling="4:4:4"
    ),
}


def main() -> None:
    """Print the table, or what one picture costs."""
    if len(sys.argv) > 1:
        report_cost(sys.argv[1:])
        return
    print(f"{'picture':24} {'pixels':>12} {'bytes':>10} {'seconds':>8} {'MB':>5}  outcome")
    for name, build in WORST.items():
        body = build()
        with Image.open(io.BytesIO(body)) as image:
            pixels = image.width * image.height
        outcome, seconds, megabytes = cost_of(body)
        print(
            f"{name:24} {pixels:12,} {len(body):10,} {seconds:8.2f} {megabytes:5.0f}  {outcome}",
            flush=True,
        )


if __name__ == "__main__":
    main()
