"""Deliberate mistakes in the Lua scripts, all of which the tests have to catch.

    table.txt      the mistakes, one line each
    table.py       reads them, and makes each in a copy of lua/
    trial.py       plays the quick tests against such a copy, until the first that fails
    plugin.py      for pytest: the scripts come from another folder
    histories.py   the last of the quick tests: a hundred random histories, without the search for a shorter one
    test_table.py  every line still fits the scripts, and leaves them Lua

    python -m tests.mutations [--list] [--only N ...] [--jobs 2] [--limit 120]

A mistake that no test catches is either none (the line is then wrong) or a test is missing. One that makes the tests
hang beyond the limit is not caught, unless its line says that it hangs.
"""
