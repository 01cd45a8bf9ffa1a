"""All of them: python -m benchmarks, or make bench. Half an hour on two cores."""

from benchmarks import closure, layers, roofline, training

for benchmark in (closure, layers, training, roofline):
    benchmark.main()
