"""The router. It knows no HTTP.

A Task is created in one Lua script: it enters the step of its Workflow that its attributes lead to, and with it a
*pool*, the set of all Tasks that ask for the same Workers (placement.py, rules/). Where a Worker of the pool is
free, that script makes the Reservation; else the Task waits, and whichever script frees a Worker takes the best
waiting Task in the same step (lua/lib/market.lua). So no pool ever has both a waiting Task and a free Worker, and
there is no lost wake-up to look for.

What scripts cannot do is evaluate expressions. When a Task needs a pool that does not exist yet, or a Worker's
attributes change, the script leaves an entry in the inbox stream, and a matcher (matcher.py, matching.py) finds
members or pools through indexes in memory (market.py) and commits what it found through a script that refuses it
if anything it rests on has changed.

The modules, from the outside in:

    router.py                              Engine, the one object a process makes
    tasks.py reservations.py workers.py worker_channels.py          what lives: one script a change (live.py)
    workspaces.py activities.py task_channels.py task_queues.py workflows.py     configuration (config.py)
    accounts.py api_keys.py credential_store.py                     who may use it
    matcher.py matching.py market.py placement.py                   matching
    chronicle.py event_log.py events.py                             the log of what happened
    scripts.py keys.py records.py redis/                            Redis
    model.py errors.py sids.py settings.py checks.py                words that everything else uses
"""
