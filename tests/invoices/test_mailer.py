"""The mailer against a real mail server that refuses, hangs up and keeps silent."""

from __future__ import annotations

import asyncio
import socket
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP, Envelope, Session
from django.core.mail import EmailMessage
from django.core.mail.backends.base import BaseEmailBackend
from django.core.mail.backends.locmem import EmailBackend as MemoryBackend
from django.core.mail.backends.smtp import EmailBackend as SMTPEmailBackend
from pytest_django import Settings

from apps.invoices.errors import (
    Deferred,
    InDoubt,
    LoginRefused,
    Refused,
    SenderRefused,
    Unreachable,
)
from apps.invoices.mailer import Mailer
from apps.invoices.sink import Sink
from tests.invoices.conftest import SMTP as SMTP_BACKEND
from tests.invoices.conftest import RunningSink, SinkStarter


def message(to: str = "compta@client.example", **facts: Any) -> EmailMessage:
    return EmailMessage(
        **{
            "subject": "Facture",
            "body": "Bonjour,\n.\nCordialement\n",
            "from_email": "Comptoir du Héron <facturation@heron.example>",
            "to": [to],
            **facts,
        }
    )


def test_a_mail_arrives_as_it_was_written(sink: RunningSink) -> None:
    with Mailer() as mailer:
        words = mailer.send(message())

    (mail,) = sink.mails
    assert words == "2.0.0 OK: kept"
    assert mail["X-Envelope-From"] == "facturation@heron.example"
    assert mail["From"] == "Comptoir du Héron <facturation@heron.example>"
    assert mail.get_content() == "Bonjour,\n.\nCordialement\n"


def test_many_mails_go_over_one_connection(sink: RunningSink) -> None:
    with Mailer() as mailer:
        for _ in range(20):
            mailer.send(message())

    assert (sink.connections, len(sink.mails)) == (1, 20)


def test_a_connection_is_replaced_after_so_many_mails(sink: RunningSink) -> None:
    with Mailer(mails_per_connection=4) as mailer:
        for _ in range(10):
            mailer.send(message())

    assert (sink.connections, len(sink.mails)) == (3, 10)


def test_a_refused_recipient_does_not_cost_the_connection(sink: RunningSink) -> None:
    with Mailer() as mailer:
        mailer.send(message("a@client.example"))
        with pytest.raises(Refused) as refused:
            mailer.send(message("5xx-550.compta@client.example"))
        mailer.send(message("b@client.example"))

    assert (refused.value.code, refused.value.command) == (550, "RCPT")
    assert "simulated permanent failure" in refused.value.text
    assert sink.recipients == ["a@client.example", "b@client.example"]
    assert sink.connections == 1


def test_a_recipient_put_off_is_deferred_with_the_servers_words(sink: RunningSink) -> None:
    with Mailer() as mailer, pytest.raises(Deferred, match=r"451 .*temporary") as deferred:
        mailer.send(message("4xx-451@client.example"))

    assert deferred.value.code == 451


def test_a_line_that_breaks_after_the_content_leaves_the_mail_in_doubt(sink: RunningSink) -> None:
    with Mailer() as mailer:
        with pytest.raises(InDoubt):
            mailer.send(message("drop-data@client.example"))
        mailer.send(message("next@client.example"))

    # The server had taken it: sending it again would have been once too often.
    assert sink.recipients == ["drop-data@client.example", "next@client.example"]
    assert sink.connections == 2


def test_an_international_domain_is_sent_as_dns_knows_it(sink: RunningSink) -> None:
    with Mailer() as mailer:
        mailer.send(message("compta@société.example"))

    assert sink.recipients == ["compta@xn--socit-esab.example"]


class HangsUpBetweenMails(Sink):
    """Closes the line when the third mail begins, without a word."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.begun = 0

    async def handle_MAIL(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        self.begun += 1
        if self.begun == 3:
            assert server.transport is not None
            server.transport.close()
        envelope.mail_from = address
        return "250 OK"


class TiresAfterTwo(HangsUpBetweenMails):
    """Answers 421 to every third mail on a connection and closes it, as big providers do."""

    async def handle_MAIL(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        count = getattr(session, "count", 0) + 1
        session.count = count  # type: ignore[attr-defined]
        if count > 2:
            assert server.transport is not None
            asyncio.get_running_loop().call_later(0.02, server.transport.close)
            return "421 4.7.0 too many messages on this connection"
        envelope.mail_from = address
        return "250 OK"


class RefusesAndHangsUp(Sink):
    """Refuses every recipient and closes the line with the refusal."""

    async def handle_RCPT(  # noqa: N802
        self,
        server: SMTP,
        session: Session,
        envelope: Envelope,
        address: str,
        rcpt_options: list[str],
    ) -> str:
        await server.push("550 5.7.1 go away")
        assert server.transport is not None
        server.transport.close()
        return "550 unheard"


class AlwaysTired(Sink):
    """Answers 421 to every mail."""

    async def handle_MAIL(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        return "421 4.3.2 not now"


class RefusesContent(Sink):
    """Takes the recipient, then refuses what was written."""

    async def handle_DATA(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        return "554 5.6.0 no attachments here"


@pytest.mark.parametrize("kind", [HangsUpBetweenMails, TiresAfterTwo])
def test_a_connection_that_dies_between_mails_is_reopened(
    start_sink: SinkStarter, kind: type[Sink]
) -> None:
    wanted = [f"{n}@client.example" for n in range(6)]

    with start_sink(kind) as server, Mailer() as mailer:
        for recipient in wanted:
            mailer.send(message(recipient))

        assert server.recipients == wanted
        assert server.connections > 1


def test_a_server_that_refuses_and_hangs_up_is_still_heard(start_sink: SinkStarter) -> None:
    with start_sink(RefusesAndHangsUp), Mailer() as mailer:
        for _ in range(2):
            with pytest.raises(Refused, match=r"550 5.7.1 go away"):
                mailer.send(message())


def test_a_server_that_is_always_tired_is_tried_twice_and_deferred(
    start_sink: SinkStarter,
) -> None:
    with start_sink(AlwaysTired) as server, Mailer() as mailer:
        with pytest.raises(Deferred, match=r"421 4.3.2 not now"):
            mailer.send(message())

        assert server.connections == 2


def test_refused_content_is_told_from_a_refused_recipient(start_sink: SinkStarter) -> None:
    with start_sink(RefusesContent), Mailer() as mailer:
        with pytest.raises(Refused, match=r"554 5.6.0") as refused:
            mailer.send(message())

        assert refused.value.command == "DATA"


def test_no_server_at_all_is_unreachable(settings: Settings) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    settings.EMAIL_BACKEND, settings.EMAIL_HOST, settings.EMAIL_PORT = (
        SMTP_BACKEND,
        "127.0.0.1",
        port,
    )

    with Mailer() as mailer, pytest.raises(Unreachable):
        mailer.send(message())


def test_a_login_that_the_server_does_not_want_is_unreachable(
    sink: RunningSink, settings: Settings
) -> None:
    settings.EMAIL_HOST_USER, settings.EMAIL_HOST_PASSWORD = "heron", "wrong"

    with Mailer() as mailer, pytest.raises(LoginRefused):
        mailer.send(message())

    assert sink.mails == []


class KnowsNobody(Sink):
    """Takes no mail from the sender, whoever it is for."""

    async def handle_MAIL(  # noqa: N802
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        return "550 5.7.1 sender address not owned by you"


def test_a_refused_sender_is_told_from_a_refused_mail(start_sink: SinkStarter) -> None:
    with start_sink(KnowsNobody), Mailer() as mailer:
        with pytest.raises(SenderRefused, match=r"550 5.7.1 sender") as refused:
            mailer.send(message())

        assert isinstance(refused.value, Unreachable)


def test_a_connection_that_was_idle_is_not_trusted(sink: RunningSink) -> None:
    with Mailer(idle_seconds=0) as mailer:
        for _ in range(2):
            mailer.send(message())

    assert (sink.connections, len(sink.mails)) == (2, 2)


def test_any_other_backend_gets_one_mail_a_call(mailoutbox: list[EmailMessage]) -> None:
    with Mailer(MemoryBackend()) as mailer:
        mailer.send(message("a@client.example"))
        mailer.send(message("b@client.example"))

    assert [mail.to for mail in mailoutbox] == [["a@client.example"], ["b@client.example"]]


class SigningBackend(SMTPEmailBackend):
    """Sends in a way of its own, as backends that sign do."""

    def _send(self, email_message: EmailMessage) -> bool:
        email_message.extra_headers["X-Signed"] = "yes"
        return bool(super()._send(email_message))  # type: ignore[misc]


def test_a_backend_that_sends_in_its_own_way_does_so(sink: RunningSink) -> None:
    with Mailer(SigningBackend()) as mailer:
        mailer.send(message())

    (mail,) = sink.mails
    assert mail["X-Signed"] == "yes"


def test_what_a_backend_says_of_smtp_is_understood(start_sink: SinkStarter) -> None:
    with start_sink(Sink), Mailer(SigningBackend()) as mailer:
        with pytest.raises(Refused, match=r"550 5.1.1"):
            mailer.send(message("5xx-550@client.example"))
        with pytest.raises(Deferred, match="451"):
            mailer.send(message("4xx-451@client.example"))


class LazyBackend(BaseEmailBackend):
    def send_messages(self, email_messages: Any) -> int:
        return 0


class BreakingBackend(BaseEmailBackend):
    def send_messages(self, email_messages: Any) -> int:
        raise TimeoutError("no answer from the provider")


@pytest.mark.parametrize(
    ("backend", "outcome"), [(LazyBackend(), Refused), (BreakingBackend(), InDoubt)]
)
def test_another_backend_that_does_not_take_a_mail(
    backend: BaseEmailBackend, outcome: type[Exception]
) -> None:
    with Mailer(backend) as mailer, pytest.raises(outcome):
        mailer.send(message())
