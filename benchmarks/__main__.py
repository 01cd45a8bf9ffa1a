"""All of them: python -m benchmarks, or make bench. Half an hour on two cores."""

from benchmarks import closure, layers, roofline, training, tsne

for benchmark in (closure, layers, training, roofline, tsne):
    benchmark.main()
