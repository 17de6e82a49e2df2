"""Our Models are held against the mappers that SQLAlchemy makes of the very same source."""

from __future__ import annotations

import pytest

from .model_styles import STYLES
from .truth import Shape, execute, make_index, understand


def compare(source: str) -> None:
    truth, ours = execute(source), understand(make_index({"models": source}))
    assert ours.keys() == truth.keys()
    for name in truth:
        check_model(name, truth[name], ours[name])


def check_model(name: str, truth: Shape, ours: Shape) -> None:
    for part in ("relationships", "columns"):
        assert ours[part].keys() == truth[part].keys(), f"{name}.{part}"
        for key, expected in truth[part].items():
            found = dict(ours[part][key])
            expected = dict(expected)
            if part == "columns":
                assert len(found["foreign_keys"]) == len(expected["foreign_keys"]), f"{name}.{key}"
                if any(reference.startswith("<") for reference in found["foreign_keys"]):
                    del found["foreign_keys"], expected["foreign_keys"]
            assert found == expected, f"{name}.{key}"
    for part in truth.keys() - {"relationships", "columns"}:
        assert ours[part] == truth[part], f"{name}: {part}"


@pytest.mark.parametrize("style", sorted(STYLES))
def test_a_style(style: str) -> None:
    compare(STYLES[style])
