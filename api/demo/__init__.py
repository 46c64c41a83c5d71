"""`trunkline demo`: a small contact centre at work, driven over HTTP only, and every Task accounted for.

plan.py     how big, how fast, and the seed
client.py   the HTTP client
center.py   queues, workflow and agents that are set up
play.py     callers who post Tasks and agents who take them
tally.py    what was seen, and when
board.py    the live table, and its plain form
audit.py    asks the API for the end of every Task
run.py      all of it, against a server of its own
"""

from api.demo.plan import Plan
from api.demo.run import run_demo

__all__ = ["Plan", "run_demo"]
