"""Models that hear intent and emotion: data, training, evaluation, registry and serving."""
