"""What the models of the script language share: a value that a person wrote in YAML."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
Emotion = Literal["joy", "anger", "sadness", "fear", "surprise", "disgust"]


class Frozen(BaseModel):
    """What people write in YAML: a value, and a word that is not known is a fault."""

    model_config = ConfigDict(frozen=True, extra="forbid")
