"""Why something does not get on: facts, the rules that judge them, and the sentences."""
