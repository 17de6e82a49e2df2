"""Mending: a finding's repairs become edits, by codemods; edits become files, all or nothing.

`codemods/` (one file per kind of repair) → `edits` → `plan` (one pass) → `apply` (passes, until nothing
changes) → `writing`.
"""
