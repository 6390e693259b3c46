"""A simulated federation in which the truth is known: what an order of the candidates is worth."""
