"""The live harness: runs the fixtures under real SQLAlchemy releases and judges what happened.

`pins` → `environments` (one virtual environment per release) → `runner` (executed inside them) →
`reports` (what it saw, as data) → `verdicts` (is that what the fixture declares?).
"""
