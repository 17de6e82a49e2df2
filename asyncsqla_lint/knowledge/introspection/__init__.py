"""Asks an installed SQLAlchemy what it is; only `generate` and its tests come here, the linter reads the tables.

These modules run under the interpreter of an environment that has SQLAlchemy and need nothing else of ours.
"""
