"""The kinds of jobs: what each does, in steps. `background/job_runner.py` runs them."""
