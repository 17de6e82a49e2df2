"""The language server: `asyncsqla-lint server`, over standard input and output.

Whatever is typed is checked in the light of the whole project, with the unsaved texts of all open files in
the place of those on disk: an option that is removed from a query in one file shows in the file that reads.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping, Sequence

import msgspec
from lsprotocol import types
from pygls.lsp.server import LanguageServer
from pygls.uris import from_fs_path, to_fs_path

from asyncsqla_lint.about import DOCUMENTATION, NAME, VERSION
from asyncsqla_lint.findings import UNUSED_SUPPRESSION, Finding, Location, Related
from asyncsqla_lint.report.context import LINE_END
from asyncsqla_lint.run.cache import Cache, stored
from asyncsqla_lint.run.outcome import Report
from asyncsqla_lint.run.pipeline import run
from asyncsqla_lint.workspace.config import ConfigError
from asyncsqla_lint.workspace.config_files import load_config

_PAUSE = 0.3  # seconds without a keystroke before what was typed is checked


class Document(msgspec.Struct, frozen=True):
    uri: str
    version: int | None
    path: str
    text: bytes


class Server(LanguageServer):
    def __init__(self) -> None:
        super().__init__(NAME, VERSION)
        self.caches: dict[str, Cache] = {}
        self._waiting: asyncio.TimerHandle | None = None
        self._checking = asyncio.Lock()
        self._tasks: set[asyncio.Task[None]] = set()
        self._complaints: set[str] = set()

    def schedule(self, delay: float) -> None:
        if self._waiting is not None:
            self._waiting.cancel()
        self._waiting = asyncio.get_running_loop().call_later(delay, self._start)

    def _start(self) -> None:
        task = asyncio.get_running_loop().create_task(self._check())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _check(self) -> None:
        async with self._checking:  # one at a time; the next one sees the newest texts
            documents = self._documents()
            loop = asyncio.get_running_loop()
            try:
                report = await loop.run_in_executor(None, check, documents, self.caches)
            except ConfigError as error:
                self._complain(str(error))
                return
            self._publish(documents, report)

    def _documents(self) -> list[Document]:
        found = []
        for uri, document in self.workspace.text_documents.items():
            path = to_fs_path(uri)
            if path is not None and path.endswith(".py"):
                text = document.source.encode("utf-8", "replace")
                found.append(Document(uri, document.version, os.path.abspath(path), text))
        return found

    def _complain(self, text: str) -> None:
        """Once: a setting that is wrong stays so for many keystrokes."""
        if text not in self._complaints:
            self._complaints.add(text)
            message = types.ShowMessageParams(types.MessageType.Error, f"{NAME}: {text}")
            self.window_show_message(message)

    def _publish(self, documents: Sequence[Document], report: Report) -> None:
        uris = {document.path: document.uri for document in documents}
        open_now = self.workspace.text_documents
        for document in documents:
            if document.uri not in open_now or open_now[document.uri].version != document.version:
                continue  # what was typed meanwhile is checked next
            places = Places(self, report, uris)
            diagnostics = [
                places.diagnostic(finding)
                for finding in report.findings
                if os.path.abspath(finding.path) == document.path
            ]
            self.text_document_publish_diagnostics(
                types.PublishDiagnosticsParams(document.uri, diagnostics, document.version)
            )


def check(documents: Sequence[Document], caches: dict[str, Cache]) -> Report:
    """With one cache for each project, which holds in memory what the last check has parsed."""
    paths = [document.path for document in documents]
    overlay: Mapping[str, bytes] = {document.path: document.text for document in documents}
    config = load_config(paths)
    cache = caches.get(config.root)
    if cache is None:
        cache = caches[config.root] = stored(config)
    return run(paths, config, overlay=overlay, cache=cache)


class Places:
    """From characters, counted from 1, to the client's units, counted from 0."""

    def __init__(self, server: Server, report: Report, uris: Mapping[str, str]) -> None:
        self._codec = server.workspace.position_codec
        self._report = report
        self._uris = uris
        self._lines: dict[str, list[str]] = {}

    def diagnostic(self, finding: Finding) -> types.Diagnostic:
        certain = finding.confidence == "certain"
        page = f"{DOCUMENTATION}/rules/{finding.name}" if DOCUMENTATION else None
        return types.Diagnostic(
            range=self._range(finding.path, finding.location, finding.end_location),
            message=finding.message,
            severity=types.DiagnosticSeverity.Error if certain else types.DiagnosticSeverity.Warning,
            code=finding.code,
            code_description=types.CodeDescription(page) if page else None,
            source=NAME,
            related_information=[self._related(related) for related in finding.related],
            tags=[types.DiagnosticTag.Unnecessary] if finding.code == UNUSED_SUPPRESSION else None,
        )

    def _related(self, related: Related) -> types.DiagnosticRelatedInformation:
        path = os.path.abspath(related.path)
        uri = self._uris.get(path) or from_fs_path(path) or ""
        place = self._range(related.path, related.location, related.end_location)
        return types.DiagnosticRelatedInformation(types.Location(uri, place), related.message)

    def _range(self, path: str, start: Location, end: Location) -> types.Range:
        if path not in self._lines:
            self._lines[path] = LINE_END.split(self._report.read(path) or "")
        lines = self._lines[path]

        def position(location: Location) -> types.Position:
            place = types.Position(location.row - 1, location.column - 1)
            if location.row > len(lines):
                return place
            return self._codec.position_to_client_units(lines, place)

        return types.Range(position(start), position(end))


def make_server() -> Server:
    server = Server()

    @server.feature(types.TEXT_DOCUMENT_DID_OPEN)
    def opened(server: Server, parameters: types.DidOpenTextDocumentParams) -> None:
        server.schedule(0)

    @server.feature(types.TEXT_DOCUMENT_DID_CHANGE)
    def changed(server: Server, parameters: types.DidChangeTextDocumentParams) -> None:
        server.schedule(_PAUSE)

    @server.feature(types.TEXT_DOCUMENT_DID_SAVE)
    def saved(server: Server, parameters: types.DidSaveTextDocumentParams) -> None:
        server.schedule(0)

    @server.feature(types.TEXT_DOCUMENT_DID_CLOSE)
    def closed(server: Server, parameters: types.DidCloseTextDocumentParams) -> None:
        uri = parameters.text_document.uri
        server.text_document_publish_diagnostics(types.PublishDiagnosticsParams(uri, []))
        server.schedule(0)

    return server


def serve() -> None:
    make_server().start_io()
