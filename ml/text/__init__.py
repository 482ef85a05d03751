"""Text: TF-IDF of words and characters, linear models, and if wanted sentence embeddings."""
