"""Icons are drawn inline, silently."""

from __future__ import annotations

import re

import pytest

from apps.core.icons import PATHS
from apps.core.templatetags.icons import icon


@pytest.mark.parametrize("name", sorted(PATHS))
def test_an_icon_is_a_path_that_screen_readers_pass_over(name: str) -> None:
    svg = icon(name)

    assert 'aria-hidden="true"' in svg
    assert re.search(r'<path d="M[-MLHVCSQAZmlhvcsqaz0-9., ]+"/></svg>$', svg)


def test_a_misspelt_icon_is_an_error_at_once() -> None:
    with pytest.raises(KeyError):
        icon("mial")
