"""`python -m server.cli`: the placet command where it is not on the PATH."""

from server.cli import main

main()
