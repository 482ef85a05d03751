"""Which arm is the control; light, so that a dialer may ask too."""


def control_of(arms: tuple[str, ...]) -> str:
    """The arm that the others are compared with: the one named control, else the first by name."""
    return "control" if "control" in arms else min(arms)
