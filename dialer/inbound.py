"""Messages and calls to our own numbers: who we are, and a way to never be called again.

Answered always, whether or not a campaign runs. An opt-out is in the suppression table before it is
confirmed; without Postgres it is in the synced spool, and until that is written nobody dials. When
it can be kept nowhere the answer is 503, so that the carrier asks its fallback address.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import structlog
from fastapi import APIRouter, HTTPException, Request, Response

from dialer.adapters import twilio_inbound as twiml
from dialer.adapters.twilio import TwilioSignatures
from dialer.callbacks import CallbackUrls
from dialer.gate import wait_for_number
from dialer.metrics import ServerMetrics
from dialer.opt_outs import GONE, suppress_contact
from dialer.spool import ContactOptOut, OptOutSpool
from dialer.webhooks import signed_form
from voice_ai import inbound as rules
from voice_ai.clock import Clock
from voice_ai.db import queries
from voice_ai.db.connect import AsyncDb, Pool
from voice_ai.errors import BadInput
from voice_ai.store.suppressions import e164
from voice_ai.vault import Keyring

log = structlog.get_logger()
_SQL = queries("inbound")
# The carrier gives a webhook 15 seconds. What takes longer is spooled, or is in force already.
_DATABASE_S = 6.0
_SENDS_S = 6.0
_TROUBLE = (*GONE, TimeoutError)
STEPS = ("choice", "again", "number", "number-again")


@dataclass(frozen=True)
class Contact:
    """One message, or one word of a call. `sender` None: the number is withheld."""

    sid: str
    kind: Literal["sms", "inbound"]
    sender: str | None
    reached: str
    heard: rules.Heard | None
    text: str

    @classmethod
    def of(cls, form: Mapping[str, str], kind: Literal["sms", "inbound"]) -> "Contact":
        """Raises 400 for a form that no carrier sends."""
        sid = form.get("MessageSid" if kind == "sms" else "CallSid")
        if not sid or "To" not in form:
            raise HTTPException(400, "the form names no message or call")
        sender = rules.shown_number(form.get("From", ""))
        if kind == "sms":
            text = form.get("Body", "")
            return cls(sid, kind, sender, form["To"], rules.read_message(text), text)
        digits, speech = form.get("Digits", ""), form.get("SpeechResult", "")
        said = " ".join(part for part in (digits, speech) if part)
        heard = rules.read_choice(digits, speech) if said else None
        return cls(sid, kind, sender, form["To"], heard, said)


@dataclass(frozen=True)
class Inbound:
    pool: Pool
    keyring: Keyring
    clock: Clock
    urls: CallbackUrls
    signatures: TwilioSignatures
    spool: OptOutSpool
    metrics: ServerMetrics

    async def proved(self, request: Request) -> Mapping[str, str]:
        """The form of a genuine request of the carrier. Raises 403 for anything else."""
        form = await signed_form(request, self.urls, self.signatures)
        if form is None:
            self.metrics.bad_signatures.inc()
            log.warning("callback_refused", route=request.scope["route"].path)
            raise HTTPException(403, "not signed by the carrier")
        return form

    async def message(self, form: Mapping[str, str]) -> str:
        contact = Contact.of(form, "sms")
        business = await self._kept(contact)
        if contact.heard == "stop":
            if contact.sender is not None:
                await self._never_again(contact, contact.sender)
            return twiml.reply_twiml(rules.never_again(business))
        if contact.heard == "help":
            return twiml.reply_twiml(rules.help_text(business))
        if contact.heard == "start":
            return twiml.reply_twiml(rules.start_text(business))
        return twiml.reply_twiml(None)

    async def call(self, form: Mapping[str, str]) -> str:
        """The call is answered: who we are, and the offer."""
        business = await self._kept(Contact.of(form, "inbound"))
        return twiml.ask_twiml(rules.greeting(business), self.urls.inbound("choice"))

    async def step(self, step: str, form: Mapping[str, str]) -> str:
        contact = Contact.of(form, "inbound")
        if step.startswith("number"):
            return await self._typed(contact, form.get("Digits", ""), last=step != "number")
        business = await self._kept(contact)
        if contact.heard != "stop":
            if step == "choice":
                return twiml.ask_twiml(rules.once_more(business), self.urls.inbound("again"))
            return twiml.say_twiml(rules.goodbye(business))
        if contact.sender is None:
            return twiml.ask_number_twiml(rules.which_number(), self.urls.inbound("number"))
        await self._never_again(contact, contact.sender)
        return twiml.say_twiml(f"Thank you. {rules.never_again(business)} Goodbye.")

    async def _typed(self, contact: Contact, digits: str, *, last: bool) -> str:
        """A number typed by somebody whose own is withheld."""
        try:
            number = e164(rules.typed_number(digits))
        except BadInput:
            if last:
                return twiml.say_twiml(rules.how_to_reach_us())
            again = self.urls.inbound("number-again")
            return twiml.ask_number_twiml(rules.which_number_again(), again)
        await self._never_again(contact, number)
        return twiml.say_twiml(f"Thank you. {rules.never_again(None)} Goodbye.")

    async def _kept(self, contact: Contact) -> str | None:
        """Notes the contact once; the business whose number it is, None when nobody can say.

        What cannot be noted is answered all the same.
        """
        try:
            async with (
                asyncio.timeout(_DATABASE_S),
                self.pool.connection(timeout=3.0) as db,
                db.transaction(),
            ):
                await db.execute(_SQL.limits)
                return await self._note(db, contact)
        except _TROUBLE as error:
            log.error("contact_not_noted", kind=contact.kind, reason=type(error).__name__)
            return None

    async def _note(self, db: AsyncDb, contact: Contact) -> str | None:
        now = self.clock.now()
        reached = {"fingerprint": self.keyring.fingerprint(contact.reached)}
        line = await (await db.execute(_SQL.line_of, reached)).fetchone()
        number_id = None
        if contact.sender is not None:
            known = {"fingerprint": self.keyring.fingerprint(contact.sender)}
            row = await (await db.execute(_SQL.number_of, known)).fetchone()
            number_id = row["id"] if row else None
        values = {
            "sid": contact.sid,
            "kind": "sms" if contact.kind == "sms" else "call",
            "number_id": number_id,
            "caller_id_number": line["number_id"] if line else None,
            "seller_id": line["seller_id"] if line else None,
            "heard": contact.heard,
            "text_sealed": self.keyring.encrypt(contact.text.encode()) if contact.text else None,
            "suppressed": False,
            "now": now,
        }
        noted = await db.execute(_SQL.receive, values)
        if noted.rowcount == 0 and contact.heard is not None:
            await db.execute(_SQL.hear, values)
        if line is None:
            return None
        if contact.kind == "inbound":
            await db.execute(_SQL.answered, {"number_id": line["number_id"], "now": now})
        business: str | None = line["legal_name"]
        return business

    async def _never_again(self, contact: Contact, number: str) -> None:
        """Durable on return, or 503."""
        said = ContactOptOut(
            sid=contact.sid,
            kind=contact.kind,
            fingerprint=self.keyring.fingerprint(number),
            sealed=self.keyring.encrypt(number.encode()),
            key_id=self.keyring.key_id,
            reached=self.keyring.fingerprint(contact.reached),
            received_at=self.clock.now(),
        )
        try:
            async with (
                asyncio.timeout(_DATABASE_S),
                self.pool.connection(timeout=3.0) as db,
                db.transaction(),
            ):
                await db.execute(_SQL.limits)
                number_id = await suppress_contact(db, said)
        except _TROUBLE as error:
            self._spool(said, type(error).__name__)
            return
        try:
            async with asyncio.timeout(_SENDS_S), self.pool.connection(timeout=3.0) as db:
                await wait_for_number(db, number_id)
        except _TROUBLE as error:
            # In force all the same; a call that was on its way is ended while it rings.
            log.warning("send_not_waited_for", reason=type(error).__name__)

    def _spool(self, said: ContactOptOut, reason: str) -> None:
        try:
            self.spool.put_contact(said)
        except OSError as error:
            log.error("opt_out_lost", kind=said.kind, reason=type(error).__name__)
            raise HTTPException(503, "the opt-out could not be kept; try again") from error
        log.error("opt_out_spooled", kind=said.kind, reason=reason)


def routes(inbound: Inbound) -> APIRouter:
    router = APIRouter(prefix="/twilio", include_in_schema=False)

    @router.post("/sms")
    async def sms(request: Request) -> Response:
        return _xml(await inbound.message(await inbound.proved(request)))

    @router.post("/inbound")
    async def call(request: Request) -> Response:
        return _xml(await inbound.call(await inbound.proved(request)))

    @router.post("/inbound/{step}")
    async def step(step: str, request: Request) -> Response:
        form = await inbound.proved(request)
        if step not in STEPS:
            raise HTTPException(404, "no such step")
        return _xml(await inbound.step(step, form))

    return router


def _xml(twiml_text: str) -> Response:
    return Response(twiml_text, media_type="text/xml")
