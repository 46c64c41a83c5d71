"""What queueing theory knows exactly of a router that serves first come, first served.

formulas.py  one queue: Erlang B and C, two priorities (Cobham), abandonment (Erlang A)
systems.py   a system as theory describes it: kinds of Tasks, their rates, who can serve them
skills.py    skills: the product form of FCFS-ALIS (Adan and Weiss, 2014), by enumeration
"""
