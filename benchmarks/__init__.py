"""What `make bench` runs: figures with targets, each measured in rounds beside what it is compared with.

A benchmark is a class with the interface `Benchmark` of `figures.py`, in a module or package of its own, and a line in
`registry.py`. The rest is the same for all: servers to measure on (`bed.py`), rounds and medians (`main.py`,
`figures.py`), the machine (`machine.py`), and what people and programs are shown (`report.py`).
"""
