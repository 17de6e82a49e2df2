"""Asks an installed SQLAlchemy what it is; the linter itself reads the tables.

Only `generate` comes here. These modules run under the interpreter of an environment that has SQLAlchemy,
and need nothing else of ours.
"""
