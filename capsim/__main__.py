"""``python -m capsim``: the same as the command ``capsim``."""

from capsim.cli import main

if __name__ == "__main__":
    main()
