"""What the pages about models share: one reader of the registry, MLflow's address."""

import streamlit as st

from app import session
from app.model_registry import RegistryReader
from ml.lifecycle import Lifecycle

MLFLOW = "http://127.0.0.1:5000"


@st.cache_resource(show_spinner=False)
def reader() -> RegistryReader:
    return RegistryReader(Lifecycle.of(session.context().settings))
