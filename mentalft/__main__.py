"""The console script ``mentalft``, also as ``python -m mentalft``.

Processes that read dialogues import this module again; the command line's own imports are not for them.
"""


def main() -> None:
    """Entry point of the console script."""
    from mentalft.cli.main import main as command_line

    command_line()


if __name__ == "__main__":
    main()
