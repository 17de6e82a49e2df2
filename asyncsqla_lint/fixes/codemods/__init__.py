"""One file per kind of repair. The names of the codemods are what a `Repair` says."""
