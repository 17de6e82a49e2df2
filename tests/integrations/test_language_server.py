"""The language server, spoken to by a real client over its standard input and output."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path

from lsprotocol import types
from pygls.lsp.client import LanguageClient

from asyncsqla_lint.about import NAME, VERSION

MODELS = """\
from sqlalchemy import ForeignKey
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship


class Base(DeclarativeBase):
    pass


class Author(Base):
    __tablename__ = "author"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]


class Post(Base):
    __tablename__ = "post"
    id: Mapped[int] = mapped_column(primary_key=True)
    author_id: Mapped[int] = mapped_column(ForeignKey("author.id"))
    author: Mapped[Author] = relationship()
"""
QUERIES = """\
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import joinedload

from models import Post


async def one(session: AsyncSession) -> Post:
    return (await session.scalars(select(Post))).one()
"""
LOADED = QUERIES.replace("select(Post)", "select(Post).options(joinedload(Post.author))")
ROUTES = """\
from sqlalchemy.ext.asyncio import AsyncSession

from queries import one


async def name(session: AsyncSession) -> str:
    post = await one(session)
    print("🎉", post.author.name)
"""

Published = list[types.Diagnostic]


class Editor:
    """A client, and what the server last said of each file."""

    def __init__(self, project: Path) -> None:
        self.project = project
        self.client = LanguageClient("editor", "1")
        self.published: asyncio.Queue[types.PublishDiagnosticsParams] = asyncio.Queue()
        self.messages: asyncio.Queue[str] = asyncio.Queue()

        @self.client.feature(types.TEXT_DOCUMENT_PUBLISH_DIAGNOSTICS)
        def publish(parameters: types.PublishDiagnosticsParams) -> None:
            self.published.put_nowait(parameters)

        @self.client.feature(types.WINDOW_SHOW_MESSAGE)
        def show(parameters: types.ShowMessageParams) -> None:
            self.messages.put_nowait(parameters.message)

    def uri(self, name: str) -> str:
        return (self.project / name).as_uri()

    def open(self, name: str) -> None:
        text = (self.project / name).read_text()
        document = types.TextDocumentItem(self.uri(name), types.LanguageKind.Python, 1, text)
        self.client.text_document_did_open(types.DidOpenTextDocumentParams(document))

    def type(self, name: str, version: int, text: str) -> None:
        document = types.VersionedTextDocumentIdentifier(version, self.uri(name))
        whole = types.TextDocumentContentChangeWholeDocument(text)
        self.client.text_document_did_change(types.DidChangeTextDocumentParams(document, [whole]))

    def close(self, name: str) -> None:
        document = types.TextDocumentIdentifier(self.uri(name))
        self.client.text_document_did_close(types.DidCloseTextDocumentParams(document))

    async def said(self, name: str, wanted: Callable[[Published], bool]) -> Published:
        """The diagnostics of a file, once they are as wanted."""
        while True:
            parameters = await asyncio.wait_for(self.published.get(), 60)
            if parameters.uri == self.uri(name) and wanted(list(parameters.diagnostics)):
                return list(parameters.diagnostics)


@asynccontextmanager
async def editing(project: Path) -> AsyncIterator[Editor]:
    editor = Editor(project)
    await editor.client.start_io(sys.executable, "-m", "asyncsqla_lint", "server")
    answer = await editor.client.initialize_async(
        types.InitializeParams(capabilities=types.ClientCapabilities(), root_uri=project.as_uri())
    )
    assert answer.server_info == types.ServerInfo(NAME, VERSION)
    editor.client.initialized(types.InitializedParams())
    yield editor
    await editor.client.shutdown_async(None)
    editor.client.exit(None)
    await editor.client.stop()


def in_editor(project: Path, session: Callable[[Editor], Coroutine[None, None, None]]) -> None:
    (project / "pyproject.toml").write_text('[project]\nname = "blog"\n')
    (project / "models.py").write_text(MODELS)
    (project / "queries.py").write_text(QUERIES)
    (project / "routes.py").write_text(ROUTES, encoding="utf-8")

    async def main() -> None:
        async with editing(project) as editor:
            await session(editor)

    asyncio.run(main())


def test_a_file_is_checked_when_it_is_opened(tmp_path: Path) -> None:
    async def session(editor: Editor) -> None:
        editor.open("routes.py")
        [diagnostic] = await editor.said("routes.py", bool)
        assert (diagnostic.code, diagnostic.source) == ("ASQ301", NAME)
        assert diagnostic.severity == types.DiagnosticSeverity.Error
        # UTF-16 units, which the protocol counts in by default: the party takes two.
        assert diagnostic.range.start == types.Position(7, 16)
        assert diagnostic.range.end == types.Position(7, 27)
        related = {
            place.location.uri: place.location.range.start for place in diagnostic.related_information or ()
        }
        assert related[editor.uri("queries.py")] == types.Position(8, 34)

    in_editor(tmp_path, session)


def test_unsaved_text_of_one_file_decides_in_another(tmp_path: Path) -> None:
    async def session(editor: Editor) -> None:
        editor.open("routes.py")
        editor.open("queries.py")
        await editor.said("routes.py", bool)
        editor.type("queries.py", 2, LOADED)
        await editor.said("routes.py", lambda diagnostics: not diagnostics)
        editor.type("queries.py", 3, "def broken(:\n")
        [broken] = await editor.said("queries.py", bool)
        assert broken.code == "ASQ901"
        editor.type("queries.py", 4, QUERIES)
        await editor.said("routes.py", bool)

    in_editor(tmp_path, session)


def test_a_closed_file_has_no_diagnostics(tmp_path: Path) -> None:
    async def session(editor: Editor) -> None:
        editor.open("routes.py")
        await editor.said("routes.py", bool)
        editor.close("routes.py")
        await editor.said("routes.py", lambda diagnostics: not diagnostics)

    in_editor(tmp_path, session)


def test_bad_settings_are_shown_once(tmp_path: Path) -> None:
    async def session(editor: Editor) -> None:
        (tmp_path / "pyproject.toml").write_text("[tool.asyncsqla-lint]\nslect = []\n")
        editor.open("routes.py")
        assert "unknown key `slect`" in await asyncio.wait_for(editor.messages.get(), 60)
        editor.type("routes.py", 2, ROUTES)
        editor.type("routes.py", 3, ROUTES)
        (tmp_path / "pyproject.toml").write_text("[tool.asyncsqla-lint]\nselect = ['ASQ3']\n")
        editor.type("routes.py", 4, ROUTES)
        await editor.said("routes.py", bool)
        assert editor.messages.empty()

    in_editor(tmp_path, session)
