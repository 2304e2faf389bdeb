"""``python -m foramgrade``: the command line."""

from foramgrade.cli import main

if __name__ == "__main__":
    main()
