"""The chat in a terminal: answers side by side where there is room; plain text where there is no terminal."""

from __future__ import annotations

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
from mentalft.console import console, language, say, shown
from mentalft.errors import ConfigError, DataError, UserError
from mentalft.generation.streaming import GROWING, STOPPED
from mentalft.words import Said, listed, told

ROOM = 100
"""Columns of a terminal from which on answers stand side by side,"""
ROOM_EACH = 40
"""and those that each of them must have."""
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
        self._tell(notices.opening(self.region), style="yellow")
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
                console.print(str(error), style="red")
            if self.ended:
                return
        if not lines:
            raise DataError("there was no message on standard input; write one: echo TEXT | mentalft-chat RUN")

    def _greet(self) -> None:
        kept = Said("chat.kept", {"path": shown(self.session.run_dir / "chats")})
        say(kept if self.session.keep else Said("chat.not_kept"), style="dim")
        names = listed([voice.name for voice in self.session.columns])
        say(Said("chat.ready", {"names": names, "decoding": str(self.session.decoding)}), style="dim")

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
            say(Said("chat.ctrl_d"), style="dim")
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
            self._tell(risk, style="bold yellow")
        self._show(self.session.ask(message))

    def _tell(self, said: Said, style: str) -> None:
        if self.interactive:
            say(said, style=style)
        else:
            print(told(said, language()), file=sys.stderr)

    def _show(self, pieces: Iterator[Piece]) -> None:
        count = len(self.session.columns)
        beside = self.interactive and count > 1 and console.width >= max(ROOM, count * ROOM_EACH)
        with self._interruptible():
            last = self._beside(pieces) if beside else self._below(pieces)
        if last.left_out:
            limit = self.session.cfg.data.max_length
            self._tell(Said("chat.left_out", {"limit": limit, "count": last.left_out}), style="yellow")
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
            yield
        finally:
            signal.signal(signal.SIGINT, before)

    def _beside(self, pieces: Iterator[Piece]) -> Piece:
        """Show the answers in columns, while they grow as much of their ends as the terminal has lines for."""
        answers = [Text(overflow="fold") for _ in self.session.columns]

        def table() -> Table:
            grid = Table(box=None, expand=True, padding=(0, 2, 0, 0), header_style="bold cyan")
            for title in self.session.titles:
                grid.add_column(told(title, language()), ratio=1, overflow="fold")
            grid.add_row(*answers)
            return grid

        with Live(console=console, transient=True, auto_refresh=False) as live:
            for piece in pieces:
                answers[piece.column] = Text(piece.response.text, overflow="fold").append(*self._remark(piece))
                live.update(_End(table()), refresh=True)
        console.print(table(), soft_wrap=False)
        console.print()
        return piece

    def _below(self, pieces: Iterator[Piece]) -> Piece:
        """Write the answers one under the other as they come."""
        column, written = -1, ""
        for piece in pieces:
            if piece.column != column:
                column, written = piece.column, ""
                console.print(told(self.session.titles[column], language()), style="bold cyan")
            text = piece.response.text
            if not text.startswith(written):  # what was written turned out to be thinking
                console.print()
                written = ""
            console.out(text[len(written) :], end="", highlight=False)
            written = text
            if piece.response.finish_reason != GROWING:
                console.print(Text("").append(*self._remark(piece)))
                console.print()
        return piece

    def _remark(self, piece: Piece) -> tuple[str, str]:
        """What is said behind an answer, and its style."""
        response = piece.response
        limit = self.session.decoding.max_new_tokens
        said = {
            STOPPED: Said("chat.stopped"),
            "length": Said("chat.cut", {"limit": limit}),
            GROWING: Said("chat.thinking") if response.thinking and not response.text else "",
        }.get(response.finish_reason, "" if response.text else Said("chat.empty"))
        remark = told(said, language())
        return f" {remark}" if remark and response.text else remark, "dim"

    def _vote(self) -> None:
        while typed := self._typed(Said("chat.vote_prompt")):
            if typed in CHOICES:
                say(self.session.vote(CHOICES[typed]), style="dim")
                return
            if typed.startswith("/"):
                self._do(typed)
                return
            say(Said("chat.vote_again", {"text": typed}), style="yellow")

    def blind(self, _: str) -> None:
        if not self.interactive:
            raise ConfigError("/blind asks for votes and needs a terminal; run mentalft-chat RUN in one, or with --web")
        say(self.session.set_blind(not self.session.blind))

    def only(self, names: str) -> None:
        self.session.only(names.split())
        self._tell(Said("chat.only", {"names": listed([voice.name for voice in self.session.columns])}), style="dim")

    def again(self, _: str) -> None:
        self._show(self.session.again())

    def reset(self, _: str) -> None:
        self.session.reset()
        self._tell(Said("chat.new"), style="dim")

    def system(self, text: str) -> None:
        self.session.system = text or None
        self._tell(Said("chat.system", {"text": text}) if text else Said("chat.no_system"), style="dim")

    def set(self, argument: str) -> None:
        key, _, value = argument.replace("=", " ").partition(" ")
        if key:
            self.session.set(key, value.strip())
        self._tell(Said("chat.decoding", {"decoding": str(self.session.decoding)}), style="dim")

    def save(self, name: str) -> None:
        path = self.session.save(Path(name).expanduser() if name else None)
        self._tell(Said("chat.saved", {"path": shown(path)}), style="dim")

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
