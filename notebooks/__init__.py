"""The lectures, in order, as text; `make notebooks` executes them and puts a notebook beside each."""
