"""The chat in a browser on this machine, through Gradio; nothing of it is fetched from or sent elsewhere."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from functools import partial
from html import escape
from importlib.util import find_spec
from threading import Event
from typing import Any

from mentalft.chat import notices
from mentalft.chat.session import SETTABLE, Choice, Piece, Session
from mentalft.console import language, say, shown
from mentalft.errors import ConfigError, UserError
from mentalft.records import Message
from mentalft.words import Said, told

LOOPBACK = "127.0.0.1"
FONTS = ("system-ui", "PingFang SC", "Microsoft YaHei", "Noto Sans CJK SC", "sans-serif")
"""What the reader's machine has; a theme of Gradio's may name fonts that a browser would fetch."""
CHOICES: tuple[Choice, ...] = ("left", "tie", "right")


def check_gradio() -> None:
    """Raise :class:`ConfigError` where Gradio is not installed."""
    if find_spec("gradio") is None:
        raise ConfigError("--web needs the gradio package: pip install 'mentalft[chat]'")


def serve(begin: Callable[[], Session], region: str, port: int | None = None) -> None:
    """Serve the page until Ctrl-C.

    Args:
        begin: gives each browser tab a session of its own.
        region: whose help lines are shown.
        port: the first that is free from 7860 on if left out.

    Raises:
        UserError: the port is taken.
    """
    with Served(begin, region, port) as served:
        say(Said("chat.web", {"url": served.url}))
        try:
            Event().wait()
        except KeyboardInterrupt:
            return


class Served:
    """The page while it is served."""

    def __init__(self, begin: Callable[[], Session], region: str, port: int | None = None) -> None:
        os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"  # read when it is imported
        import gradio

        self.page = page(begin, region)
        try:
            _, self.url, _ = self.page.launch(
                server_name=LOOPBACK, server_port=port, share=False, prevent_thread_lock=True, quiet=True,
                footer_links=[], ssr_mode=False, pwa=False, mcp_server=False, enable_monitoring=False,
                theme=gradio.themes.Base(font=FONTS, font_mono=("monospace",)),
            )  # fmt: skip
        except OSError as error:
            raise UserError(
                f"no page can be served at port {port or '7860 to 7959'}; give a free one: --port"
            ) from error

    def __enter__(self) -> Served:
        return self

    def __exit__(self, *_: object) -> None:
        self.page.close(verbose=False)


def page(begin: Callable[[], Session], region: str) -> Any:
    """Gradio's description of the page."""
    import gradio

    first = begin()
    names = [voice.name for voice in first.voices]
    with gradio.Blocks(title="mentalft-chat", analytics_enabled=False, fill_width=True) as made:
        talk = gradio.State()
        gradio.Markdown(told(notices.opening(region), language()))
        with gradio.Row():
            chats = [
                gradio.Chatbot(
                    render_markdown=False, latex_delimiters=[], reasoning_tags=[], feedback_options=None,
                    buttons=[], min_width=280, height="50vh",
                )
                for _ in names
            ]  # fmt: skip
        risk = gradio.Markdown(visible=False)
        with gradio.Row(visible=False) as votes:
            gradio.Markdown(_label("web_vote"))
            choices = {choice: gradio.Button(_label(choice), min_width=60) for choice in CHOICES}
        message = gradio.Textbox(show_label=False, placeholder=_label("web_message"), max_lines=8)
        with gradio.Row():
            send, stop, again, reset, save, blind = (
                gradio.Button(_label(f"web_{name}"), min_width=80, variant="primary" if name == "send" else "secondary")
                for name in ("send", "stop", "again", "reset", "save", "blind")
            )
        with gradio.Accordion(_label("web_settings"), open=False):
            only = gradio.CheckboxGroup(names, value=names, label=_label("web_only"))
            system = gradio.Textbox(first.system or "", label=_label("web_system"), lines=2)
            with gradio.Row():
                numbers = {
                    key: gradio.Number(first.value(key), label=key, min_width=100, precision=0 if kind is int else None)
                    for key, kind in SETTABLE.items()
                }

        shown = [*chats, risk, votes, blind]
        at_once: dict[str, Any] = {"api_visibility": "private", "show_progress": "hidden"}
        # all but "stop" wait for each other, so that nothing is changed while somebody answers
        in_turn = {**at_once, "concurrency_limit": 1, "concurrency_id": "talk"}
        made.load(lambda: _opened(begin()), None, [talk, *shown], **in_turn)
        asked = partial(_ask, region)
        gradio.on([message.submit, send.click], asked, [talk, message], [message, *shown], **in_turn)
        again.click(_again, [talk], shown, **in_turn)
        stop.click(Session.stop, [talk], None, queue=False, **at_once)
        gradio.on(
            [reset.click, *(chat.clear for chat in chats)], partial(_done, Session.reset), [talk], shown, **in_turn
        )
        save.click(partial(_done, _save), [talk], shown, **in_turn)
        blind.click(partial(_done, _turn_blind), [talk], shown, **in_turn)
        for choice, button in choices.items():
            button.click(partial(_done, partial(Session.vote, choice=choice)), [talk], shown, **in_turn)
        only.input(partial(_done, Session.only), [talk, only], shown, **in_turn)
        system.blur(_set_system, [talk, system], None, **in_turn)
        for key, number in numbers.items():
            gradio.on([number.blur, number.submit], partial(_set, key), [talk, number], [number], **in_turn)
    return made


def _label(name: str) -> str:
    return told(Said(f"chat.{name}"), language())


def _opened(session: Session) -> list[Any]:
    return [session, *_view(session, {})]


def _ask(region: str, session: Session, message: str) -> Iterator[list[Any]]:
    if not message.strip():
        yield [message, *_unchanged(session)]
        return
    risk = notices.for_message(message, region)
    for update in _growing(session, session.ask(message), risk):
        yield ["", *update]


def _again(session: Session) -> Iterator[list[Any]]:
    yield from _growing(session, session.again())


def _growing(session: Session, pieces: Iterator[Piece], risk: Said | None = None) -> Iterator[list[Any]]:
    """The page while answers grow."""
    import gradio

    found: dict[int, Piece] = {}
    try:
        for piece in pieces:
            found[piece.column] = piece
            yield _view(session, found, risk)
    except UserError as error:
        gradio.Warning(str(error))
    for piece in found.values():
        if note := session.note(piece):
            gradio.Info(told(note, language()))
    yield _view(session, found, risk) if found else _unchanged(session)


def _done(work: Callable[..., Said | None], session: Session, *given: Any) -> list[Any]:
    """Do something with the session, and say what there is to say of it."""
    import gradio

    conversation = session.id
    try:
        said = work(session, *given)
    except UserError as error:
        gradio.Warning(str(error))
        return _unchanged(session)
    if said:
        gradio.Info(told(said, language()))
    return _unchanged(session) if session.id == conversation else _view(session, {})


def _save(session: Session) -> Said:
    return Said("chat.saved", {"path": shown(session.save())})


def _turn_blind(session: Session) -> Said:
    return session.set_blind(not session.blind)


def _set_system(session: Session, text: str) -> None:
    session.system = text.strip() or None


def _set(key: str, session: Session, value: float | None) -> Any:
    """Change a setting; what it is then."""
    import gradio

    try:
        session.set(key, "" if value is None else str(value))
    except UserError as error:
        gradio.Warning(str(error))
    return session.value(key)


def _unchanged(session: Session) -> list[Any]:
    """What is above the columns and beside them, which a conversation that goes on keeps."""
    import gradio

    columns = [
        gradio.update(label=told(session.titles[n], language()), visible=True)
        if n < len(session.columns)
        else gradio.update(visible=False)
        for n in range(len(session.voices))
    ]
    votes = gradio.update(visible=session.can_vote)
    return [*columns, gradio.skip(), votes, gradio.update(value=_label("web_reveal" if session.blind else "web_blind"))]


def _view(session: Session, pieces: dict[int, Piece], risk: Said | None = None) -> list[Any]:
    """The whole page, with what there is of the answers to the last message.

    Gradio shows HTML that stands in a message, images of elsewhere among it, also where it renders no Markdown; so what
    was written is escaped.
    """
    import gradio

    *columns, _, votes, blind = _unchanged(session)
    for column, voice in enumerate(session.columns):
        history = session.before if pieces else session.histories
        messages = [*history[voice.name], *([Message("user", session.message)] if pieces else [])]
        if piece := pieces.get(column):
            answer = f"{piece.response.text} {told(session.remark(piece.response), language())}".strip()
            messages.append(Message("assistant", answer))
        columns[column]["value"] = [{"role": m.role, "content": escape(m.content)} for m in messages]
    notice = gradio.update(value=f"**⚠ {told(risk, language())}**" if risk else "", visible=bool(risk))
    return [*columns, notice, votes, blind]
