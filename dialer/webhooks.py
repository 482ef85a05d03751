"""What the carrier tells us: signed, applied once, acknowledged only after the commit."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from uuid import UUID

import structlog
from fastapi import APIRouter, HTTPException, Request, Response

from dialer import journal
from dialer.adapters.twilio import TwilioSignatures, hang_up_twiml
from dialer.callbacks import CallbackUrls
from dialer.carrier import Carrier, CarrierSilent
from dialer.connecting import connect_twiml
from dialer.end_batches import EndBatches
from dialer.journal_batch import End
from dialer.live_calls import LiveCalls
from dialer.metrics import ServerMetrics
from dialer.revocations import is_revoked
from dialer.transfers import Transfers
from voice_ai.calls import AttemptState, Reading, answer_class, is_terminal
from voice_ai.clock import Clock
from voice_ai.db import queries
from voice_ai.db.connect import Pool
from voice_ai.errors import NotFound
from voice_ai.ids import AttemptId, CarrierSid

log = structlog.get_logger()
_SQL = queries("attempts")

# A conversation writes its last words before the call's end is settled; longer is not waited.
LAST_WORDS_S = 10.0


@dataclass(frozen=True)
class Webhooks:
    pool: Pool
    carrier: Carrier
    clock: Clock
    urls: CallbackUrls
    signatures: TwilioSignatures
    live: LiveCalls
    metrics: ServerMetrics
    transfers: Transfers

    @cached_property
    def _ends(self) -> EndBatches:
        return EndBatches(self.pool)

    async def proved(self, request: Request, attempt_id: UUID) -> Mapping[str, str]:
        """The form of a genuine callback for this attempt. Raises 403 for anything else."""
        form = await self.genuine(request, attempt_id)
        if form is not None:
            return form
        self.metrics.bad_signatures.inc()
        log.warning("callback_refused", route=request.scope["route"].path)
        raise HTTPException(403, "not signed by the carrier")

    async def genuine(self, request: Request, attempt_id: UUID) -> Mapping[str, str] | None:
        form = await signed_form(request, self.urls, self.signatures)
        admitted = self.urls.admits(attempt_id, request.query_params.get("t", ""))
        return form if admitted else None

    async def preflight(self, request: Request, nonce: UUID) -> dict[str, str]:
        """Echoes a signed trial. A wrong signature is part of every trial, so it is not counted."""
        if await self.genuine(request, nonce) is None:
            raise HTTPException(403, "not signed by the carrier")
        return {"nonce": str(nonce), "now": self.clock.now().isoformat()}

    async def answered(self, attempt_id: AttemptId, form: Mapping[str, str]) -> str:
        """The call was picked up: TwiML that connects it to us."""
        now = self.clock.now()
        async with self.pool.connection() as db, db.transaction():
            attempt = await journal.lock_attempt(db, attempt_id)
            if attempt is None:
                raise HTTPException(404, "no such attempt")
            news = news_of(form)
            if journal.reading(attempt, news.status, now) is Reading.LATE:
                await journal.late_call(db, attempt, news, now)
                return hang_up_twiml()
            if attempt["state"] == AttemptState.ENDED:
                return hang_up_twiml()
            await journal.apply_status(db, attempt, news, now)
            if await is_revoked(db, attempt):
                await journal.revoke(db, attempt)
                return hang_up_twiml()
            return await connect_twiml(db, self.urls, attempt_id)

    async def status(self, attempt_id: AttemptId, form: Mapping[str, str]) -> None:
        news = news_of(form)
        if is_terminal(news.status):
            await self.live.wait_until_over(attempt_id, LAST_WORDS_S)
            try:
                await self._ends.write(End(attempt_id, news, self.clock.now()))
            except NotFound as error:
                raise HTTPException(404, error.message) from error
            if news.status == "completed":  # nothing else was ever answered
                await self.transfers.person_gone(attempt_id)
            return
        now = self.clock.now()
        async with self.pool.connection() as db, db.transaction():
            attempt = await journal.lock_attempt(db, attempt_id)
            if attempt is None:
                raise HTTPException(404, "no such attempt")
            reading = journal.reading(attempt, news.status, now)
            if reading is Reading.LATE:
                await journal.late_call(db, attempt, news, now)
            else:
                await journal.apply_status(db, attempt, news, now)
        if reading is Reading.LATE:
            await self._cancel(news.sid)

    async def detection(self, attempt_id: AttemptId, form: Mapping[str, str]) -> None:
        """The verdict on who answered; without a conversation a machine is hung up on, unless it
        is to be left a message."""
        news = news_of({"AnsweredBy": "unknown", **form})
        answered_by, now = str(news.answered_by), self.clock.now()
        async with self.pool.connection() as db, db.transaction():
            attempt = await journal.lock_attempt(db, attempt_id)
            if attempt is None:
                raise HTTPException(404, "no such attempt")
            late = journal.reading(attempt, news.status, now) is Reading.LATE
            if late:
                await journal.late_call(db, attempt, news, now)
            else:
                await journal.apply_status(db, attempt, news, now)
        if late:
            await self._cancel(news.sid)
        if late or answer_class(answered_by) not in {"machine", "fax"}:
            return
        if (call := self.live.get(attempt_id)) is not None:
            call.control.machine_detected(answered_by)
        # A verdict that comes while a colleague is asked, or talks, comes after a person spoke.
        elif (
            attempt["state"] != AttemptState.ENDED
            and not await self.transfers.has_begun(attempt_id)
            and not await self._leaves_messages(attempt_id)
        ):
            await self._cancel(news.sid)

    async def _leaves_messages(self, attempt_id: AttemptId) -> bool:
        """Whether the machine is to be spoken to, by whichever process holds the conversation."""
        async with self.pool.connection() as db:
            row = await (
                await db.execute(_SQL.answering_policy, {"attempt_id": attempt_id})
            ).fetchone()
        return row is not None and (row["answering"] or {}).get("machine") == "leave_message"

    async def _cancel(self, sid: CarrierSid) -> None:
        try:
            await self.carrier.end(sid)
        except CarrierSilent as error:
            log.error("call_not_ended", call=sid, reason=str(error))


async def signed_form(
    request: Request, urls: CallbackUrls, signatures: TwilioSignatures
) -> Mapping[str, str] | None:
    """The form of a request that the carrier signed; None for any other request."""
    form = {key: str(value) for key, value in (await request.form()).items()}
    url = urls.full(request.url.path, request.url.query)
    given = request.headers.get("x-twilio-signature")
    return form if signatures.valid(url, form, given) else None


def news_of(form: Mapping[str, str]) -> journal.StatusNews:
    """A callback's form as news (fields: protocols, 2.3)."""
    sequence = number(form, "SequenceNumber")
    sip, error = number(form, "SipResponseCode"), number(form, "ErrorCode")
    return journal.StatusNews(
        sid=CarrierSid(form["CallSid"]),
        status=form.get("CallStatus", "in-progress"),
        sequence=None if sequence is None else int(sequence),
        answered_by=form.get("AnsweredBy") or None,
        detection_ms=number(form, "MachineDetectionDuration"),
        duration_s=number(form, "CallDuration"),
        sip_code=None if sip is None else int(sip),
        error_code=None if error is None else int(error),
    )


def number(form: Mapping[str, str], field: str) -> float | None:
    """A numeric field, None when it is absent or not a number."""
    try:
        value = float(form[field])
    except (KeyError, ValueError):
        return None
    return value if math.isfinite(value) else None


def routes(hooks: Webhooks) -> APIRouter:
    router = APIRouter(prefix="/twilio", include_in_schema=False)

    @router.post("/voice/{attempt_id}")
    async def voice(attempt_id: UUID, request: Request) -> Response:
        form = await hooks.proved(request, attempt_id)
        twiml = await hooks.answered(AttemptId(attempt_id), form)
        return Response(twiml, media_type="text/xml")

    @router.post("/status/{attempt_id}", status_code=204)
    async def status(attempt_id: UUID, request: Request) -> None:
        await hooks.status(AttemptId(attempt_id), await hooks.proved(request, attempt_id))

    @router.post("/detection/{attempt_id}", status_code=204)
    async def detection(attempt_id: UUID, request: Request) -> None:
        await hooks.detection(AttemptId(attempt_id), await hooks.proved(request, attempt_id))

    @router.post("/preflight/{nonce}")
    async def preflight(nonce: UUID, request: Request) -> dict[str, str]:
        return await hooks.preflight(request, nonce)

    return router
