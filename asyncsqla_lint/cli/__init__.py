"""The command line: arguments in, reports out. One file per command, imported when it is used."""
