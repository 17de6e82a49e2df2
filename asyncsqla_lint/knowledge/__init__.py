"""What SQLAlchemy, its drivers and SQLModel are, as data. `generate` makes the tables; the readers are here.

- `api`: classes, methods, what reading a Result gives, event targets, session keywords.
- `dialects`: URLs' backend and driver names, pools, engine keywords.
- `drivers`: what a driver takes at connect, and what to write in its stead.
- `names`: one name for every way to import the same object.
"""
