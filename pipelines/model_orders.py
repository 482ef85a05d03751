"""What pages ask of models: each order is one step in a version's life, said in one sentence."""

from dataclasses import dataclass

from ml.lifecycle import Lifecycle, Moved, deliver_trail
from ml.rollout.judge import Judge
from ml.rollout.start import Desk
from pipelines.flow_list import MODEL_ACTIONS, ModelAction
from voice_ai.context import Context
from voice_ai.db.connect import connect
from voice_ai.errors import BadInput

_WITHOUT_VERSION = ("rollback", "stop")


@dataclass(frozen=True)
class Order:
    """`share` is in percent of the calls, for a canary only; None: the plan's first share."""

    action: ModelAction
    task: str
    version: str | None = None
    share: float | None = None
    reason: str = "asked for on a page"

    @classmethod
    def of(
        cls, action: str, task: str, version: str | None, share: float | None, reason: str | None
    ) -> "Order":
        """Raises BadInput naming the field."""
        known = next((one for one in MODEL_ACTIONS if one == action), None)
        if known is None:
            raise BadInput(f"{action!r} is none of {', '.join(MODEL_ACTIONS)}", field="action")
        if version is None and known not in _WITHOUT_VERSION:
            raise BadInput(f"say which version of {task} to {known}", field="version")
        return cls(known, task, version, share, reason or cls.reason)


def obey(context: Context, order: Order, *, by: str) -> str:
    """Does it and says what came of it. Raises NotFound, Refused, NotAvailable."""
    if order.action in ("shadow", "canary", "stop"):
        return _roll_out(context, order, by)
    lifecycle = Lifecycle.of(context.settings, by)
    said = step(lifecycle, order)
    deliver_trail(lifecycle)
    return said


def step(lifecycle: Lifecycle, order: Order) -> str:
    """Judge, promote or roll back, and what came of it. Raises NotFound, Refused, NotAvailable."""
    if order.action == "gate":
        with lifecycle.locked():
            found, verdict = lifecycle.gate(order.task, order.version)
        made = f"{order.task} version {found.version}"
        if verdict.passed:
            return f"{made} passed its gate"
        return f"{made} did not pass its gate: {'; '.join(verdict.reasons)}"
    if order.action == "promote":
        assert order.version is not None
        return _moved(lifecycle.promote(order.task, order.version, why=order.reason))
    return _moved(lifecycle.rollback(order.task, order.version, why=order.reason))


def _moved(moved: Moved) -> str:
    said = f"{moved.task} version {moved.version} serves"
    if moved.before:
        said += f", version {moved.before} did before"
    return f"{said}; the registry's aliases follow when it answers" if moved.owed else said


def _roll_out(context: Context, order: Order, by: str) -> str:
    now = context.clock.now()
    with connect(context.role_url("flows"), name="voice-ai models", autocommit=True) as db:
        desk = Desk(Judge.of(context.settings, db), by, context.rehearsal)
        if order.action == "stop":
            ended = desk.stop(order.task, why=order.reason, now=now)
            return f"{order.task} version {ended.standing.version} is out of the calls"
        assert order.version is not None
        if order.action == "shadow":
            desk.shadow(order.task, order.version, now=now)
            return f"{order.task} version {order.version} listens beside the champion"
        begun = desk.canary(order.task, order.version, order.share, None, now=now)
        share = f"{begun.standing.share:g} % of the calls"
        return f"{order.task} version {order.version} answers in {share}"
