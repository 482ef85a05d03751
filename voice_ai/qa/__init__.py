"""How calls sound: scorecard and arithmetic, what facts can judge, who listens to what."""
