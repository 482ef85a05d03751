"""Telephone numbers as people write them."""

import phonenumbers


def e164(text: str) -> str:
    """The number in E.164. Raises ValueError saying what is expected."""
    try:
        number = phonenumbers.parse(text, None)
    except phonenumbers.NumberParseException as error:
        raise ValueError(f"{text!r} is not a number like +12125550123") from error
    if not phonenumbers.is_possible_number(number):
        raise ValueError(f"{text!r} is not a possible phone number")
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
