"""`python -m asyncsqla_lint` and the console script."""

from asyncsqla_lint.cli import main

if __name__ == "__main__":
    main()
