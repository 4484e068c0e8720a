"""The chat in a terminal: answers side by side where there is room; plain text where there is no terminal."""

from __future__ import annotations

import re
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

from rich.console import Console, ConsoleOptions, RenderResult
from rich.live import Live
from rich.segment import Segment
from rich.table import Table
from rich.text import Text

from mentalft.chat import notices
from mentalft.chat.session import SETTABLE, Choice, Piece, Session
from mentalft.console import console, language, shown
from mentalft.errors import ConfigError, DataError, UserError
from mentalft.generation.streaming import GROWING
from mentalft.words import Said, listed, told

ROOM = 100
"""Columns of a terminal from which on answers stand side by side,"""
ROOM_EACH = 40
"""and those that each of them must have."""
CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
"""Characters by which a text could steer the terminal."""
CHOICES: dict[str, Choice] = {
    "left": "left", "l": "left", "左": "left", "right": "right", "r": "right", "右": "right",
    "tie": "tie", "t": "tie", "平": "tie",
}  # fmt: skip


class Terminal:
    """One session's front.

    Args:
        region: whose help lines are shown.
        interactive: whether a person types; otherwise each line of standard input is a message or a command, notices
            go to standard error, and a mistake ends it.
    """

    def __init__(self, session: Session, region: str, *, interactive: bool) -> None:
        self.session, self.region, self.interactive = session, region, interactive
        self.ended = False

    def run(self) -> None:
        """Talk until the user ends it.

        Raises:
            UserError: nobody types, and a line cannot be done, or there is none.
        """
        self._tell(notices.opening(self.region), "yellow")
        if self.interactive:
            self._greet()
        lines = 0
        for line in self._lines():
            lines += 1
            try:
                self._do(line)
            except UserError as error:
                if not self.interactive:
                    raise
                console.print(str(error), style="red", soft_wrap=False)
            if self.ended:
                return
        if not lines:
            raise DataError("there was no message on standard input; write one: echo TEXT | mentalft-chat RUN")

    def _greet(self) -> None:
        kept = Said("chat.kept", {"path": shown(self.session.run_dir / "chats")})
        self._tell(kept if self.session.keep else Said("chat.not_kept"))
        names = listed([voice.name for voice in self.session.columns])
        self._tell(Said("chat.ready", {"names": names, "decoding": str(self.session.decoding)}))

    def _lines(self) -> Iterator[str]:
        """What is typed, line by line, without empty ones, until there is no more."""
        if not self.interactive:
            yield from filter(None, map(str.strip, sys.stdin))
            return
        with suppress(ImportError):  # line editing, where Python has it
            import readline  # noqa: F401
        while True:
            line = self._typed(Said("chat.prompt"))
            if line is None:
                return
            if line:
                yield line

    def _typed(self, prompt: Said) -> str | None:
        """One line; None at its end (Ctrl-D)."""
        try:
            return input(told(prompt, language())).strip()
        except KeyboardInterrupt:
            console.print()
            self._tell(Said("chat.ctrl_d"))
            return ""
        except EOFError:
            console.print()
            self.ended = True
            return None

    def _do(self, line: str) -> None:
        if not line.startswith("/"):
            self._ask(line)
            return
        name, _, argument = line[1:].partition(" ")
        if name not in COMMANDS:
            raise ConfigError(f"/{name} is no command; there are {', '.join(f'/{known}' for known in COMMANDS)}")
        COMMANDS[name].work(self, argument.strip())

    def _ask(self, message: str) -> None:
        if risk := notices.for_message(message, self.region):
            self._tell(risk, "bold yellow")
        self._show(self.session.ask(message))

    def _tell(self, said: Said, style: str = "dim") -> None:
        if self.interactive:
            console.print(told(said, language()), style=style, soft_wrap=False)
        else:
            print(told(said, language()), file=sys.stderr)

    def _show(self, pieces: Iterator[Piece]) -> None:
        with self._interruptible():
            last = self._growing(pieces) if self.interactive else self._plain(pieces)
        if note := self.session.note(last):
            self._tell(note, "yellow")
        if self.interactive and self.session.can_vote:
            self._vote()

    @contextmanager
    def _interruptible(self) -> Iterator[None]:
        """Ctrl-C ends the answer that is being written, and nothing else."""
        if not self.interactive:
            yield
            return
        before = signal.signal(signal.SIGINT, lambda *_: self.session.stop())
        try:
            with _without_echo():
                yield
        finally:
            signal.signal(signal.SIGINT, before)

    def _growing(self, pieces: Iterator[Piece]) -> Piece:
        """Show the answers as they grow, in columns where there is room, and their ends alone where they are long."""
        titles = [Text(told(title, language()), style="bold cyan") for title in self.session.titles]
        answers = [Text() for _ in titles]
        beside = len(titles) > 1 and console.width >= max(ROOM, len(titles) * ROOM_EACH)

        def table() -> Table:
            grid = Table.grid(padding=(0, 2, 0, 0), expand=beside)
            for _ in titles if beside else titles[:1]:
                grid.add_column(ratio=1 if beside else None, overflow="fold")
            if beside:
                grid.add_row(*titles)
                grid.add_row(*answers)
                return grid
            for title, answer in zip(titles, answers, strict=True):
                grid.add_row(title)
                grid.add_row(answer + "\n")
            return grid

        with Live(console=console, transient=True, auto_refresh=False) as live:
            for piece in pieces:
                answers[piece.column] = Text(CONTROL.sub("", piece.response.text)).append(*self._remark(piece))
                live.update(_End(table()), refresh=True)
        console.print(table(), soft_wrap=False)
        if beside:
            console.print()
        return piece

    def _plain(self, pieces: Iterator[Piece]) -> Piece:
        """Write each answer below its contender's name."""
        for piece in pieces:
            if piece.response.finish_reason != GROWING:
                print(told(self.session.titles[piece.column], language()))
                print(f"{CONTROL.sub('', piece.response.text)}{self._remark(piece)[0]}\n", flush=True)
        return piece

    def _remark(self, piece: Piece) -> tuple[str, str]:
        """What is said behind an answer, and its style."""
        remark = told(self.session.remark(piece.response), language())
        return f" {remark}" if remark and piece.response.text else remark, "dim"

    def _vote(self) -> None:
        while typed := self._typed(Said("chat.vote_prompt")):
            if typed in CHOICES:
                self._tell(self.session.vote(CHOICES[typed]))
                return
            if typed.startswith("/"):
                self._do(typed)
                return
            self._tell(Said("chat.vote_again", {"text": typed}), "yellow")

    def blind(self, _: str) -> None:
        if not self.interactive:
            raise ConfigError("/blind asks for votes and needs a terminal; run mentalft-chat RUN in one, or with --web")
        self._tell(self.session.set_blind(not self.session.blind))

    def only(self, names: str) -> None:
        self.session.only(names.split())
        self._tell(Said("chat.only", {"names": listed([voice.name for voice in self.session.columns])}))

    def again(self, _: str) -> None:
        self._show(self.session.again())

    def reset(self, _: str) -> None:
        self.session.reset()
        self._tell(Said("chat.new"))

    def system(self, text: str) -> None:
        self.session.system = text or None
        self._tell(Said("chat.system", {"text": text}) if text else Said("chat.no_system"))

    def set(self, argument: str) -> None:
        key, _, value = argument.replace("=", " ").partition(" ")
        if key:
            self.session.set(key, value.strip())
        self._tell(Said("chat.decoding", {"decoding": str(self.session.decoding)}))

    def save(self, name: str) -> None:
        path = self.session.save(Path(name).expanduser() if name else None)
        self._tell(Said("chat.saved", {"path": shown(path)}))

    def help(self, _: str) -> None:
        table = Table.grid(padding=(0, 2, 0, 0))
        for name, command in COMMANDS.items():
            what = Said(f"chat.help_{name}", {"settings": [*SETTABLE]} if name == "set" else {})
            table.add_row(f"/{name} {command.takes}", told(what, language()))
        console.print(table, soft_wrap=False)

    def quit(self, _: str) -> None:
        self.ended = True


class Command(NamedTuple):
    work: Callable[[Terminal, str], None]
    takes: str = ""


COMMANDS = {
    "blind": Command(Terminal.blind),
    "only": Command(Terminal.only, "[NAME …]"),
    "again": Command(Terminal.again),
    "reset": Command(Terminal.reset),
    "system": Command(Terminal.system, "[TEXT]"),
    "set": Command(Terminal.set, "[NAME VALUE]"),
    "save": Command(Terminal.save, "[FILE]"),
    "help": Command(Terminal.help),
    "quit": Command(Terminal.quit),
}


@contextmanager
def _without_echo() -> Iterator[None]:
    """Keys that are pressed meanwhile, Ctrl-C too, are not written between what is shown; they are not lost."""
    try:
        import termios
    except ImportError:  # Windows writes none
        yield
        return
    if not sys.stdin.isatty():
        yield
        return
    before = termios.tcgetattr(sys.stdin)
    silent = [*before]
    silent[3] &= ~termios.ECHO
    termios.tcsetattr(sys.stdin, termios.TCSADRAIN, silent)
    try:
        yield
    finally:
        termios.tcsetattr(sys.stdin, termios.TCSADRAIN, before)


class _End:
    """As many last lines of a table as fit on the terminal, below its first one."""

    def __init__(self, table: Table) -> None:
        self.table = table

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        lines = console.render_lines(self.table, options, pad=False)
        room = max(console.height - 2, 2)
        for line in lines if len(lines) <= room else [lines[0], *lines[1 - room :]]:
            yield from line
            yield Segment.line()
