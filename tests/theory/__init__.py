"""The engine, judged by queueing theory in virtual time. What theory says is in benchmarks/theory.

    load.py       random arrivals, work and patience, from a seed
    play.py       plays a load against a router, event by event, in virtual time, and counts
    plain.py      routers in memory: the right one, and wrong ones that the judge has to catch
    centre.py     the engine as a router: a Workspace on an embedded server
    cases.py      the systems, their exact figures and the sizes of the runs
    judge.py      estimates from replications, and the verdict
    report.py     the table of docs/theory.md

`python -m tests.theory` plays all cases in full and writes the table; the tests here are a short form of it.
"""
