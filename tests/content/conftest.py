"""Fixtures of all tests of pictures: warnings as in production, and what was decoded."""

from collections.abc import Callable
from typing import Any

import pytest
from PIL import AvifImagePlugin, ImageFile, WebPImagePlugin

from pictures import images


@pytest.fixture(autouse=True)
def warnings_as_in_production() -> None:
    """Ignore Pillow's warnings as the product does: as errors they would refuse the picture."""
    images.ignore_warnings_of_pillow()


@pytest.fixture
def decoded(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return a list that receives the format of each picture whose pixels are decoded."""
    asked: list[str] = []

    def spied(load: Callable[[Any], Any]) -> Callable[[Any], Any]:
        def spy(image: ImageFile.ImageFile) -> Any:
            asked.append(image.format or "")
            return load(image)

        return spy

    for plugin in (
        ImageFile.ImageFile,
        WebPImagePlugin.WebPImageFile,
        AvifImagePlugin.AvifImageFile,
    ):
        monkeypatch.setattr(plugin, "load", spied(plugin.load))
    return asked
