"""Lines of styled text. Rich is imported only when colour is wanted."""

from __future__ import annotations

from collections.abc import Iterable

Piece = tuple[str, str]  # text and style; a style is Rich's, "" is plain

CODE = "bold red"
NAME = "bold"
PLACE = "cyan"
GUTTER = "blue"
PRIMARY = "bold red"
SECONDARY = "bold blue"
HELP = "bold green"
FAINT = "bright_black"


def paint(pieces: Iterable[Piece], color: bool) -> str:
    if not color:
        return "".join(text for text, _ in pieces)
    from rich.color import ColorSystem
    from rich.style import Style

    return "".join(
        Style.parse(style).render(text, color_system=ColorSystem.STANDARD) if style else text
        for text, style in pieces
    )


def cells(text: str) -> int:
    """How many columns of a terminal the text takes."""
    if text.isascii():
        return len(text)
    from rich.cells import cell_len

    return cell_len(text)


def with_code(text: str) -> list[Piece]:
    """Backticked words in bold, backticks kept."""
    pieces: list[Piece] = []
    for number, part in enumerate(text.split("`")):
        pieces.append((f"`{part}`", NAME) if number % 2 else (part, ""))
    if len(pieces) % 2 == 0:  # an unpaired backtick: leave the text alone
        return [(text, "")]
    return [piece for piece in pieces if piece[0]]
