"""All that is known of the standard library."""

from __future__ import annotations

from asyncsqla_lint.flow.meanings import Meanings
from asyncsqla_lint.flow.stdlib import (
    builtins,
    context_variables,
    dispatching,
    exceptions,
    exit_stacks,
    field_names,
    functional,
    futures,
    iterables,
    iteration_tools,
    logging,
    mocking,
    named_tuples,
    namespaces,
    reflection,
    regular_expressions,
    signals,
    signatures,
)


def register(meanings: Meanings) -> None:
    builtins.register(meanings)
    context_variables.register(meanings)
    dispatching.register(meanings)
    exceptions.register(meanings)
    exit_stacks.register(meanings)
    field_names.register(meanings)
    functional.register(meanings)
    futures.register(meanings)
    signals.register(meanings)
    iterables.register(meanings)
    iteration_tools.register(meanings)
    named_tuples.register(meanings)
    logging.register(meanings)
    mocking.register(meanings)
    namespaces.register(meanings)
    reflection.register(meanings)
    regular_expressions.register(meanings)
    signatures.register(meanings)
