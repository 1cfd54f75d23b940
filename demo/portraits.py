"""Draws portraits of invented people for the demo's users, each from a seed."""

import io
import math
import random

from PIL import Image, ImageDraw

SIDE = 640  # pixels, drawn at twice that and scaled down for smooth edges
SCALE = 2
SKINS = ["#f6d3b8", "#e8b48c", "#c98d62", "#a56a42", "#7a4a2c", "#f9dfc9"]
HAIRS = ["#2b2320", "#5a3825", "#8d5a2b", "#d8a657", "#a23b2a", "#5b5f73"]
CLOTHES = ["#e4572e", "#2e86ab", "#3c9d72", "#6c4fa1", "#d99a2b", "#c14d7a"]
SKIES = [("#ffe6c7", "#ffb199"), ("#d5f0ff", "#8fc7f2"), ("#e3f7dd", "#96d6a8"),
         ("#f0e1ff", "#b89df0"), ("#fff3c4", "#f7cf6b"), ("#ffdfe8", "#f39ab5")]  # fmt: skip

Box = tuple[float, float, float, float]


def portrait(seed: int) -> bytes:
    """Return a PNG of 640 by 640 pixels, always the same for a seed."""
    pen = _Pen(seed)
    pen.sky()
    pen.hair_behind()
    pen.shoulders()
    pen.head()
    pen.hair_in_front()
    pen.face()
    encoded = io.BytesIO()
    pen.image.resize((SIDE, SIDE), Image.Resampling.LANCZOS).save(encoded, "PNG")
    return encoded.getvalue()


class _Pen:
    """Draws on a square with sides of length 1."""

    def __init__(self, seed: int) -> None:
        chance = random.Random(seed)  # noqa: S311 (a drawing, not a secret)
        # Each list is read in steps of its own, so that consecutive seeds differ in all colours.
        self.skin = SKINS[(seed * 5 + 1) % len(SKINS)]
        self.hair = HAIRS[seed % len(HAIRS)]
        self.cloth = CLOTHES[seed % len(CLOTHES)]
        self.light, self.deep = SKIES[(seed * 5 + 2) % len(SKIES)]
        self.style = seed % 3
        self.glasses = seed % 2 == 1
        self.tilt = chance.uniform(-0.01, 0.01)
        self.smile = chance.uniform(30, 60)
        self.pixels = SIDE * SCALE
        self.image = Image.new("RGB", (self.pixels, self.pixels), self.light)
        self.draw = ImageDraw.Draw(self.image)

    def sky(self) -> None:
        """Draw a light background with a large disc."""
        self.ellipse((0.08, 0.04, 0.92, 0.88), self.deep)

    def shoulders(self) -> None:
        """Draw the clothes and the neck."""
        self.ellipse((0.12, 0.74, 0.88, 1.5), self.cloth)
        self.rounded((0.42, 0.58, 0.58, 0.82), 0.08, _darker(self.skin, 0.88))
        self.pie((0.36, 0.66, 0.64, 0.88), 0, 180, _darker(self.skin, 0.88))

    def head(self) -> None:
        """Draw the head and the ears."""
        for side in (-1, 1):
            middle = 0.5 + side * 0.2
            self.ellipse((middle - 0.045, 0.42, middle + 0.045, 0.54), _darker(self.skin, 0.93))
        self.rounded((0.3, 0.2, 0.7, 0.68), 0.2, self.skin)

    def hair_behind(self) -> None:
        """Draw the hair that the head and the shoulders will cover in part."""
        if self.style == 0:
            self.rounded((0.24, 0.16, 0.76, 0.82), 0.22, self.hair)
        elif self.style == 2:
            for x, y in _circle(0.5, 0.32, 0.25, 11):
                self.ellipse((x - 0.1, y - 0.1, x + 0.1, y + 0.1), self.hair)

    def hair_in_front(self) -> None:
        """Draw the hair above the forehead."""
        if self.style == 1:
            self.pie((0.28, 0.12, 0.72, 0.58), 180, 360, self.hair)
            self.pie((0.28, 0.2, 0.5, 0.5), 180, 300, self.hair)
        else:
            self.pie((0.29, 0.14, 0.71, 0.52), 195, 345, self.hair)

    def face(self) -> None:
        """Draw eyes, brows, nose, mouth and cheeks."""
        dark = "#2a2230"
        for side in (-1, 1):
            x, y = 0.5 + side * 0.09, 0.44 + side * self.tilt
            self.ellipse((x - 0.022, y - 0.026, x + 0.022, y + 0.026), dark)
            self.ellipse((x - 0.002, y - 0.018, x + 0.012, y - 0.004), "#ffffff")
            self.arc((x - 0.05, y - 0.085, x + 0.05, y - 0.025), 205, 335, _darker(self.hair, 0.8))
            self.ellipse((x - 0.05 + side * 0.05, 0.52, x + 0.03 + side * 0.05, 0.57),
                         _mixed(self.skin, "#e8636b", 0.3))  # fmt: skip
            if self.glasses:
                self.arc((x - 0.068, y - 0.062, x + 0.068, y + 0.062), 0, 360, "#3a3f55")
        if self.glasses:
            self.arc((0.475, 0.42, 0.525, 0.47), 200, 340, "#3a3f55")
        self.arc((0.475, 0.46, 0.525, 0.535), 40, 140, _darker(self.skin, 0.75))
        self.arc((0.41, 0.48, 0.59, 0.61), 90 - self.smile, 90 + self.smile, "#9c3b3f")

    # --- shapes, in fractions of the side ---

    def ellipse(self, box: Box, colour: str) -> None:
        self.draw.ellipse(self._box(box), fill=colour)

    def rounded(self, box: Box, radius: float, colour: str) -> None:
        self.draw.rounded_rectangle(self._box(box), radius=radius * self.pixels, fill=colour)

    def pie(self, box: Box, start: float, end: float, colour: str) -> None:
        self.draw.chord(self._box(box), start, end, fill=colour)

    def arc(self, box: Box, start: float, end: float, colour: str) -> None:
        self.draw.arc(self._box(box), start, end, fill=colour, width=self.pixels // 70)

    def _box(self, box: Box) -> Box:
        left, top, right, bottom = (edge * self.pixels for edge in box)
        return left, top, right, bottom


def _circle(x: float, y: float, radius: float, points: int) -> list[tuple[float, float]]:
    turns = (math.tau * number / points for number in range(points))
    return [(x + radius * math.cos(turn), y + radius * math.sin(turn)) for turn in turns]


def _mixed(colour: str, other: str, share: float) -> str:
    pairs = zip(_channels(colour), _channels(other), strict=True)
    return "#" + "".join(f"{round(one + (two - one) * share):02x}" for one, two in pairs)


def _darker(colour: str, factor: float) -> str:
    return _mixed("#000000", colour, factor)


def _channels(colour: str) -> tuple[int, ...]:
    return tuple(bytes.fromhex(colour[1:]))
