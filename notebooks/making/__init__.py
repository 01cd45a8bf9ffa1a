"""How the notebooks are made from the lectures' text, and what is asked of them."""
