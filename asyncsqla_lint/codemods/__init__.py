"""The fixes as LibCST codemods, for LibCST's own runner:

    python -m libcst.tool codemod -x --no-format asyncsqla_lint.codemods.AddEagerLoad src

Each lints the project that a file belongs to, and makes in that file the fixes that need its kind of repair,
safe or not. Without `--no-format` LibCST hands each file that it changes to `black`.

LibCST's runner goes through Python files: what is mended in others (what ASQ113 has to ask for, in
`pyproject.toml`) only `--fix` mends.
"""

from __future__ import annotations

from asyncsqla_lint.codemods.command import Mending, command
from asyncsqla_lint.fixes.codemods import (
    awaitable_attributes,
    awaiting,
    bases,
    blocks,
    disposing,
    eager_load,
    factories,
    keyword,
    opening,
    redundant_load,
    refresh,
    results,
    run_sync,
    selecting,
    sequence,
    suppression,
    transactions,
    unblocking,
    urls,
)

AddAwait = command(awaiting.AddAwait)
AddBase = command(bases.AddBase)
AddCommit = command(transactions.AddCommit)
AddEagerLoad = command(eager_load.AddEagerLoad)
AddRefresh = command(refresh.AddRefresh)
AddRollback = command(transactions.AddRollback)
AddUnique = command(results.AddUnique)
AppendAttribute = command(run_sync.AppendAttribute)
AwaitDirectly = command(run_sync.AwaitDirectly)
AwaitInSequence = command(sequence.AwaitInSequence)
DisposeAfterYield = command(disposing.DisposeAfterYield)
DisposeAround = command(disposing.DisposeAround)
DisposeAsync = command(disposing.DisposeAsync)
DisposeAtEnd = command(disposing.DisposeAtEnd)
DisposeFinally = command(disposing.DisposeFinally)
MakeEngineAsync = command(unblocking.MakeEngineAsync)
MakePlain = command(unblocking.MakePlain)
MakeWriteOnly = command(bases.MakeWriteOnly)
MoveAwait = command(awaiting.MoveAwait)
OpenInBlock = command(opening.OpenInBlock)
PassFunction = command(run_sync.PassFunction)
PassOptions = command(eager_load.PassOptions)
QueryToSelect = command(selecting.QueryToSelect)
RemoveAwait = command(awaiting.RemoveAwait)
RemoveEagerLoad = command(redundant_load.RemoveEagerLoad)
RemoveItems = command(keyword.RemoveItems)
RemoveKeywords = command(keyword.RemoveKeywords)
RemoveSuppression = command(suppression.RemoveSuppression)
ReplaceCallee = command(factories.ReplaceCallee)
ReplaceInText = command(urls.ReplaceInText)
ReplacePool = command(factories.ReplacePool)
RollBackInHandler = command(transactions.RollBackInHandler)
RunDdlSync = command(run_sync.RunDdlSync)
SelectWriteOnly = command(selecting.SelectWriteOnly)
SetDrivername = command(urls.SetDrivername)
SetKeyword = command(keyword.SetKeyword)
SetScope = command(factories.SetScope)
ToggleLoop = command(blocks.ToggleLoop)
ToggleWith = command(blocks.ToggleWith)
UseAwaitableAttributes = command(awaitable_attributes.UseAwaitableAttributes)
WrapText = command(results.WrapText)
YieldFromBlock = command(opening.YieldFromBlock)

__all__ = [name for name, value in vars().items() if isinstance(value, type) and value is not Mending]
