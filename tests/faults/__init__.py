"""Processes that are killed, frozen and restarted under load; afterwards everything is counted.

    test_matcher_death.py    a matcher killed, or frozen, with entries read and not acknowledged
    test_two_matchers.py     two matchers at work, one of them killed
    test_group_kill.py       every process of `serve` at once, its server too, then a restart on the data
    test_server_restart.py   the embedded server alone, while API and matcher live
    test_poison.py           an entry that no matcher can do

A fault that hits nothing proves nothing, so each test says what its fault saw, and fails at zero:

    test_matcher_death.py    entries that the victim held when it died or stood still, whose Tasks were in no pool
                             yet; a process is frozen first and then asked about, so the count is certain
    test_two_matchers.py     entries that each matcher had done before the death, and those that went down with it
    test_group_kill.py       processes that were alive until SIGKILL (all six), callers who were cut off (all nine),
                             Tasks that were completed, and Tasks that were open
    test_server_restart.py   calls that were refused: of every program, and of the agents
    test_poison.py           tries before the entry was set aside (exactly MAX_DELIVERIES)

Processes of a deployment are frozen before they are killed: together they then die in one instant. This is the
death of processes, not of the machine: what a process has written, the kernel still brings to the disk.

Linux only, since processes are looked at through /proc. TRUNKLINE_KILLS=100 kills a hundred deployments, TRUNKLINE_SEED
begins at other moments.
"""
