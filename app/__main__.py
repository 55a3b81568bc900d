"""`python -m app` is `moorage`."""

from app.cli.main import main

main()
