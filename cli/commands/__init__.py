"""One module per command of `billing`; each exposes `app`, a `typer.Typer` with one command or a few.

A module is imported when its command is called (cli/catalogue.py): what it imports costs the others nothing.
"""
