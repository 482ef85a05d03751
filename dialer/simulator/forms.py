"""The forms of the carrier's webhooks, field for field."""

from datetime import datetime

from dialer.simulator.call import Call, Recording, new_sid
from dialer.simulator.relay import RelayStream
from dialer.simulator.rendering import API, VERSION, rfc2822

Form = dict[str, str]
_PLACES = ("From", "To", "Caller", "Called")


def _country(number: str) -> str:
    return "US" if number.startswith("+1") else ""


def call_form(call: Call, status: str) -> Form:
    """The fields every webhook about a call has."""
    ends = {
        "From": call.order.sender,
        "Caller": call.order.sender,
        "To": call.order.to,
        "Called": call.order.to,
    }
    form = {
        "CallSid": call.sid,
        "AccountSid": call.account_sid,
        **ends,
        "CallStatus": status,
        "ApiVersion": VERSION,
        "Direction": call.direction,
    }
    if call.parent_sid is not None:
        form["ParentCallSid"] = call.parent_sid
    for place in _PLACES:
        form |= {
            f"{place}City": "",
            f"{place}State": "",
            f"{place}Zip": "",
            f"{place}Country": _country(ends[place]),
        }
    return form


def status_form(call: Call, status: str, now: datetime) -> Form:
    """A status callback; the sequence number is the next one of the call."""
    form = call_form(call, status) | {
        "Timestamp": rfc2822(now) or "",
        "CallbackSource": "call-progress-events",
        "SequenceNumber": str(call.events_sent),
    }
    call.events_sent += 1
    if call.status.final:
        form |= _final_fields(call)
    return form


def _final_fields(call: Call) -> Form:
    form = {
        "CallDuration": str(call.seconds or 0),
        "Duration": str(call.billed_minutes),
    }
    if call.sip_code is not None:
        form["SipResponseCode"] = str(call.sip_code)
    if call.answered_by is not None:
        form["AnsweredBy"] = call.answered_by
    if call.error_code is not None:
        form["ErrorCode"] = str(call.error_code)
        form["ErrorMessage"] = call.error_message or ""
    if call.order.record and call.recordings:
        recording = call.recordings[0]
        form |= {
            "RecordingUrl": recording_url(recording),
            "RecordingSid": recording.sid,
            "RecordingDuration": str(recording.seconds),
        }
    return form


def voice_form(call: Call) -> Form:
    """The request for TwiML, with the verdict when detection came first."""
    form = call_form(call, call.status.value)
    detection = call.order.detection
    if detection is not None and not detection.asynchronous and call.answered_by is not None:
        form["AnsweredBy"] = call.answered_by
        form["MachineDetectionDuration"] = str(call.detection_ms)
    return form


def detection_form(call: Call) -> Form:
    return {
        "CallSid": call.sid,
        "AccountSid": call.account_sid,
        "AnsweredBy": call.answered_by or "unknown",
        "MachineDetectionDuration": str(call.detection_ms),
    }


def recording_url(recording: Recording) -> str:
    return f"{recording.api_base}{API}/Accounts/{recording.account_sid}/Recordings/{recording.sid}"


def recording_form(recording: Recording) -> Form:
    return {
        "AccountSid": recording.account_sid,
        "CallSid": recording.call_sid,
        "RecordingSid": recording.sid,
        "RecordingUrl": recording_url(recording),
        "RecordingStatus": recording.status,
        "RecordingDuration": str(recording.seconds),
        "RecordingChannels": str(recording.channels),
        "RecordingStartTime": rfc2822(recording.created_at) or "",
        "RecordingSource": recording.source,
        "RecordingTrack": recording.track,
        "ErrorCode": "0",
    }


def stream_form(
    call: Call, stream_sid: str, name: str | None, event: str, error: str | None, now: datetime
) -> Form:
    form = {
        "AccountSid": call.account_sid,
        "CallSid": call.sid,
        "StreamSid": stream_sid,
        "StreamName": name or stream_sid,
        "StreamEvent": event,
        "Timestamp": now.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
    }
    if error is not None:
        form["StreamError"] = error
    return form


def relay_form(stream: RelayStream | None, status: str) -> Form:
    """What the request after a relay session has besides the call's fields."""
    form = {
        "SessionId": new_sid("VX") if stream is None else stream.sid,
        "SessionStatus": status,
        "SessionDuration": str(0 if stream is None else stream.seconds),
    }
    if stream is not None and stream.handoff is not None:
        form["HandoffData"] = stream.handoff
    return form
