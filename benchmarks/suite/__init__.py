"""`trunkline bench`: load on any deployment over HTTP, how fast it was, and whether what it did was right.

command.py    from the command line to an exit status
bench.py      a scenario to its report
scenarios.py  the scenarios, made into plans
plan.py       what a run does, and what of it one generator process does
target.py     the deployment: one that runs, or one of its own
site.py       the Workspace, queues, Workflow and Workers of a run
generator.py  one generator process: callers.py post Tasks, agents.py answer offers.py, book.py keeps count
fleet.py      all generator processes
ledger.py     what a generator hands over
evidence.py   all that is known of a run when it is judged
arrivals.py   when Tasks are meant to be sent
run.py        one run from set-up to evidence
drain.py      the run of a backlog: fill two Workspaces, let Workers come, gather
pile.py       posts a backlog, many Tasks a request
inside.py     the server of an embedded deployment: memory, slow log
aftermath.py  what became of a run, asked when the load is over
journal.py    the deployment's own account: log of events and statistics
history.py    that log gone through: waits, and broken promises
theory.py     systems whose waits are known exactly: what was measured against what should have been
cases.py      those systems, and how each is played
known.py      their figures: how each is read off a run, and what it is exactly
backlog.py    what a waiting Task and an offer may cost
chaos.py      kills processes of an embedded deployment meanwhile
scale.py      the same loads on more and more processes
checks.py     the verdict's rules
summary.py    the report of a run
report.py     its schema, reading and writing
latency.py    latencies in HDR histograms, charged from the intended send time, merged over processes
board.py      what a person sees meanwhile
tables.py     and at the end
page.py       the same for a browser: page_charts.py says what is drawn, chart.py and chart_rows.py how
wire.py       the HTTP client
"""
