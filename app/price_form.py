"""The prices in force, and a form that sets one."""

from datetime import UTC, date, datetime, time
from decimal import Decimal

import pandas as pd
import streamlit as st

from app import components, session, timing_readings
from pipelines.report.labels import moment
from voice_ai.db.connect import Row
from voice_ai.errors import VoiceAIError
from voice_ai.store.prices import ITEMS, Price, set_price

_RULE = (
    "A call has the price that was in force in the hour (UTC) in which it was dialed. A new price "
    "holds from now on and changes no cost of before; only where there was no price can one begin "
    "in the past."
)


def show() -> None:
    with st.container(border=True):
        st.markdown("**Prices in force**", help=_RULE)
        try:
            known = timing_readings.prices_in_force()
        except VoiceAIError as error:
            components.unreachable(error)
            return
        if known:
            st.dataframe(pd.DataFrame([_row(row) for row in known]), hide_index=True)
        else:
            components.empty("No price is known yet, so nothing has a cost.")
        _form()


def _row(row: Row) -> dict[str, object]:
    return {
        "For one": ITEMS.get(row["item"], row["item"]),
        "Price": f"{row['amount'].normalize():f}",
        "Currency": row["currency"],
        "Where": row["country"] or "everywhere",
        "Since": moment(row["valid_from"]),
    }


def _form() -> None:
    with st.form("price", border=False, clear_on_submit=False):
        one, two, three, four, five = st.columns([4, 2, 1.3, 1.5, 2.2], vertical_alignment="bottom")
        item = one.selectbox("For one", list(ITEMS), format_func=lambda name: ITEMS[name])
        amount = two.text_input("Price", placeholder="0.014", help="More than 0, with a point.")
        currency = three.text_input("Currency", "USD", max_chars=3)
        country = four.text_input("Country", "", max_chars=2, help="Two letters, or empty.")
        since = five.date_input(
            "Since",
            None,
            help="Empty: from now on. Earlier only where no price was in force.",
        )
        if st.form_submit_button("Set the price", icon=":material/payments:"):
            day = since if isinstance(since, date) else None
            _set(item, amount, currency, country, day)


def _set(item: str, amount: str, currency: str, country: str, since: date | None) -> None:
    try:
        number = Decimal(amount.strip())
    except ArithmeticError:
        st.error("The price is a number such as 0.014.")
        return
    price = Price(item, number, currency.strip().upper(), country.strip().upper() or None)
    begins = datetime.combine(since, time(), UTC) if since else None
    try:
        with session.asking() as db:
            set_price(db, price, by=session.user(), now=session.context().clock.now(), since=begins)
    except VoiceAIError as error:
        st.error(error.message)
        return
    timing_readings.prices_in_force.clear()
    st.toast("The price is set. Costs go by it once the lake has it, a minute or so from now.")
    st.rerun()
