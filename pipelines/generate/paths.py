"""Ways through the sample scripts, by what comes of a call: who says something at which node.

A step is `a node` (the agent) or `c intent` (the person, at the node they answer to); of several
ways each has its weight.
"""

from collections.abc import Mapping

from pipelines.generate import planted

Way = tuple[float, str]
Ways = Mapping[str, tuple[Way, ...]]

_EARLY = planted.HANG_UP_AT

SURVEY: Ways = {
    "goal": (
        (0.70, "a opening, c yes, a rate, c rating, a happy, c thanks, a thanks"),
        (0.18, "a opening, c yes, a rate, c rating, a unhappy, c out_of_scope, a thanks"),
        (0.12, "a opening, c question, a opening, c yes, a rate, c rating, a happy, a thanks"),
    ),
    "conversed_no_goal": (
        (0.60, "a opening, c yes, a rate, c out_of_scope, a rate, c out_of_scope, a thanks"),
        (0.40, "a opening, c ask_robot, a opening, c yes, a rate, c question, a thanks"),
    ),
    "callback_requested": (
        (0.70, "a opening, c busy_now, a opening, c callback, a thanks"),
        (0.30, "a opening, c yes, a rate, c callback, a thanks"),
    ),
    "not_interested": (
        (0.75, "a opening, c question, a opening, c no, a declined, a thanks"),
        (0.25, "a opening, c yes, a rate, c no, a declined, a thanks"),
    ),
    "opt_out": (
        (0.65, "a opening, c opt_out, a opening, c opt_out, a thanks"),
        (0.35, "a opening, c ask_robot, a opening, c opt_out, a thanks"),
    ),
    "wrong_number": ((1.0, "a opening, c greeting, a opening, c wrong_person, a thanks"),),
    "human_hangup": (
        (_EARLY[0], "a opening"),
        (_EARLY[1], "a opening, c yes, a rate"),
        (_EARLY[2], "a opening, c yes, a rate, c rating, a happy"),
    ),
}  # fmt: skip
REMINDER: Ways = {
    "goal": (
        (0.70, "a opening, c yes, a confirmed, c thanks, a goodbye"),
        (0.30, "a opening, c question, a opening, c yes, a confirmed, c out_of_scope, a goodbye"),
    ),
    "conversed_no_goal": (
        (0.70, "a opening, c reschedule, a new_time, c out_of_scope, a noted, a goodbye"),
        (0.30, "a opening, c out_of_scope, a opening, c question, a left_open, a goodbye"),
    ),
    "callback_requested": ((1.0, "a opening, c busy_now, a opening, c callback, a goodbye"),),
    "not_interested": ((1.0, "a opening, c no, a new_time, c no, a left_open, a goodbye"),),
    "opt_out": (
        (0.65, "a opening, c opt_out, a opening, c opt_out, a goodbye"),
        (0.35, "a opening, c ask_robot, a opening, c opt_out, a goodbye"),
    ),
    "wrong_number": ((1.0, "a opening, c greeting, a opening, c wrong_person, a goodbye"),),
    "human_hangup": (
        (_EARLY[0], "a opening"),
        (_EARLY[1], "a opening, c no, a new_time"),
        (_EARLY[2], "a opening, c no, a new_time, c reschedule, a noted"),
    ),
}
WAYS: Mapping[str, Ways] = {"satisfaction_survey": SURVEY, "appointment_reminder": REMINDER}

# What is said at a node, and with an intent. No name and no number, as in redacted text.
AGENT_SAYS: Mapping[str, str] = {
    "opening": "Hello, I am an automated assistant on a recorded line. May I ask two questions?",
    "rate": "On a scale from one to five, how satisfied are you with our service?",
    "happy": "Thank you. What did you like the most?",
    "unhappy": "Thank you for being frank. What should we do better?",
    "declined": "That is quite all right.",
    "thanks": "Thank you for your time. Goodbye.",
    "confirmed": "Thank you. I have noted that you will be there. What should we know before?",
    "new_time": "No problem. Which day would suit you better?",
    "noted": "Thank you. I will pass that on to our office.",
    "left_open": "That is fine. I will leave the appointment as it is.",
    "goodbye": "You can reach us at any time. Thank you. Goodbye.",
}  # fmt: skip
CALLER_SAYS: Mapping[str, str] = {
    "yes": "yes, go ahead",
    "no": "no, thank you",
    "opt_out": "take me off your list please",
    "ask_robot": "am I talking to a robot",
    "busy_now": "I am in the middle of something",
    "callback": "call me tomorrow afternoon",
    "wrong_person": "you have got the wrong number",
    "reschedule": "can we make it another day",
    "question": "what is this about",
    "thanks": "everybody was very kind, thank you",
    "rating": "I would say four",
    "greeting": "hello, who is this",
    "out_of_scope": "well, the waiting room was rather cold",
}
