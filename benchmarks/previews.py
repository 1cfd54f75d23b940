"""What previews cost: pictures of some 100 MB and of the most pixels, in memory and seconds.

Run it as ``python -m benchmarks.previews``, maybe with names of pictures; it prints the table of
docs/operations.md. The pictures are made here, most of them of noise: that takes some minutes and
2 GB of memory. What is measured is the child process.
"""

import os
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass

from PIL import Image

from benchmarks.pictures import encoded, rescanned, square

MB = 1024 * 1024


def noise(bands: str, pixels: int) -> Image.Image:
    """Return a picture that no encoder makes small."""
    band = Image.effect_noise(square(pixels), 120)
    turns = list(Image.Transpose)[: len(bands)]
    return Image.merge(bands, [band.transpose(turn) for turn in turns])


def below(image: Image.Image, kind: str, *, best: int = 90, **options: object) -> bytes:
    """Return ``image`` encoded as well as 100 MB let it; some encoders fail above ``best``."""
    qualities = [quality for quality in (90, 75, 50, 25) if quality <= best]
    bodies = (encoded(image, kind, quality=quality, **options) for quality in qualities)
    return next(body for body in bodies if len(body) <= 100 * MB)


HEAVY: dict[str, Callable[[], bytes]] = {
    "JPEG": lambda: below(noise("RGB", 100_000_000), "JPEG"),
    "JPEG, most pixels": lambda: encoded(Image.new("RGB", square(199_000_000)), "JPEG"),
    "JPEG, progressive": lambda: below(noise("RGB", 40_000_000), "JPEG", progressive=True),
    "JPEG, progressive CMYK": lambda: below(
        noise("CMYK", 40_000_000), "JPEG", progressive=True, subsampling=0
    ),
    "JPEG, 50 scans": lambda: rescanned(
        encoded(Image.new("RGB", square(40_000_000)), "JPEG", progressive=True, subsampling=0), 50
    ),
    "PNG": lambda: encoded(noise("RGB", 33_000_000), "PNG", compress_level=1),
    "PNG, most pixels": lambda: encoded(
        Image.new("RGBA", square(64_000_000)), "PNG", compress_level=1
    ),
    "GIF": lambda: encoded(noise("RGB", 64_000_000).getchannel(0), "GIF"),
    "WebP": lambda: below(noise("RGB", 4096 * 4096), "WEBP", best=25, method=0),
    "WebP, lossless": lambda: encoded(
        noise("RGBA", 4096 * 4096), "WEBP", lossless=True, method=0, quality=0
    ),
    "AVIF": lambda: below(noise("RGB", 24_000_000), "AVIF", speed=10, subsampling="4:4:4"),
    "AVIF, alpha": lambda: below(noise("RGBA", 12_000_000), "AVIF", speed=10, subsampling="4:4:4"),
}


@dataclass
class Stored:
    """A picture in memory, in the place of one in a bucket; it counts the requests."""

    body: bytes
    requests: int = 0

    @property
    def size(self) -> int:
        """The length in bytes."""
        return len(self.body)

    def read(self, start: int, length: int) -> bytes:
        """Return a piece."""
        self.requests += 1
        return self.body[start : start + length]


def main() -> None:
    """Print the table."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    from files.previews import draw  # noqa: PLC0415 (after the settings)

    print("| picture | megapixels | file, MB | memory, MB | seconds | requests |")
    print("| --- | --- | --- | --- | --- | --- |")
    chosen = sys.argv[1:] or HEAVY
    for name, build in HEAVY.items():
        if name not in chosen:
            continue
        source = Stored(build())
        start = time.perf_counter()
        drawn = draw(source)
        seconds = time.perf_counter() - start
        pixels = (drawn.width or 0) * (drawn.height or 0) / 1e6
        print(
            f"| {name}{f' ({drawn.problem})' if drawn.problem else ''} | {pixels:.0f}"
            f" | {source.size / MB:.0f} | {(drawn.peak_bytes or 0) / MB:.0f} | {seconds:.1f}"
            f" | {source.requests} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
