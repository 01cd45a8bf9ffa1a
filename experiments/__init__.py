"""Trainings that anybody can repeat: a network, a set of pictures, a seed; out come a curve, a measurement, weights.

python -m experiments.mnist lenet5
"""
