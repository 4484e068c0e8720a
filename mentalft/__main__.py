"""``python -m mentalft`` is the console script ``mentalft``."""

from mentalft.cli import main

if __name__ == "__main__":
    main()
