"""Where the carrier asks what next while a call is handed over; each request is proved first."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from fastapi import APIRouter, Request, Response

from dialer.transfers import Transfers
from dialer.webhooks import Webhooks
from voice_ai.conversation.turns import State, Transfer
from voice_ai.ids import AttemptId

Step = Literal["transfer", "resume", "done", "whisper", "accept", "leg"]


@dataclass(frozen=True)
class CallHandover:
    """The media session's port to `Transfers`, for one call."""

    transfers: Transfers
    attempt_id: AttemptId

    async def begin(self, transfer: Transfer, state: State) -> str | None:
        return await self.transfers.begin(self.attempt_id, transfer, state)

    async def taken_over(self, state: State) -> bool:
        return await self.transfers.keep(self.attempt_id, state)


def routes(hooks: Webhooks) -> APIRouter:
    router = APIRouter(prefix="/twilio/transfer", include_in_schema=False)

    @router.post("/{step}/{attempt_id}")
    async def asked(step: Step, attempt_id: UUID, request: Request) -> Response:
        form = await hooks.proved(request, attempt_id)
        turn = request.query_params.get("n", "")
        answer = await _answer(hooks.transfers, step, AttemptId(attempt_id), turn, form)
        if answer is None:
            return Response(status_code=204)
        return Response(answer, media_type="text/xml")

    return router


async def _answer(
    transfers: Transfers, step: Step, attempt_id: AttemptId, turn: str, form: Mapping[str, str]
) -> str | None:
    match step:
        case "transfer":
            return await transfers.connect(attempt_id)
        case "resume":
            return await transfers.go_back(attempt_id)
        case "done":
            return await transfers.done(attempt_id, turn, form)
        case "whisper":
            return await transfers.whisper(attempt_id, turn)
        case "accept":
            return await transfers.accept(attempt_id, turn, form)
        case "leg":
            await transfers.leg(attempt_id, turn, form)
    return None
