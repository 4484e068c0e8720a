"""Errors that are the user's to mend; the command line shows them without a traceback."""


class UserError(Exception):
    """Something the user gave cannot be used.

    The message names the thing, what was found, what is accepted, and the mend.
    """


class ConfigError(UserError):
    """One or more configuration values are out of range; each line of the message is one of them."""


class DataError(UserError):
    """A data file cannot be read, or what it holds cannot be used."""


class ModelError(UserError):
    """A model, tokenizer or embedder cannot be found or does not fit."""


class Stopped(KeyboardInterrupt):
    """The run was asked to stop, saved what it had, and can go on later."""

    def __init__(self, message: str, exit_code: int) -> None:
        super().__init__(message)
        self.exit_code = exit_code
