"""Job queues that others use on Redis, run beside ours on the same server: what a job costs them.

install.py       puts them into the user's cache, never into the repository
bullmq.js, arq_peer.py, dramatiq_peer.py, celery_peer.py
                 one program each: PROGRAM SOCKET JOBS WINDOW; they print one line of JSON

Each is a producer and a worker in one process, as bench_lives is for us, and a job that does nothing. Results are not
kept and finished jobs are removed, which is the least each of them can do. A first tenth warms up and is not counted.
The line has `per_s` (jobs a second, from the first put to the last done), `redis_cpu_us` (CPU time of the server a job,
INFO cpu) and `version`.
"""
