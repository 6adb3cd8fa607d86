"""What `make bench` runs: figures with targets, measured in rounds beside their references.

A benchmark is a class with the interface `Benchmark` of `figures.py`, in a module or package of its own, and a line in
`registry.py`. All share the servers (`bed.py`), the rounds and medians (`main.py`, `figures.py`), the description of
the machine (`machine.py`) and the output (`report.py`).
"""
