"""What queueing theory knows exactly of a router that serves first come, first served.

formulas.py  one queue: Erlang B and C, two priorities (Cobham), abandonment (Erlang A)
chain.py     skills: the Markov chain itself, for any order of idle Workers, solved by iteration
ideal.py     a right router that takes no time, played in memory
chance.py    what chance does to a measured figure, and how much of it can be taken away
systems.py   a system as theory describes it: kinds of Tasks, their rates, who can serve them
skills.py    skills: the product form of FCFS-ALIS (Adan and Weiss, 2014), by enumeration
"""
