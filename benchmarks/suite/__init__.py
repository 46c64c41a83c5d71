"""`trunkline bench`: load on any deployment over HTTP, how fast it was, and whether what it did was right.

report.py     the JSON report: its schema, reading and writing
latency.py    latencies in HDR histograms, charged from the intended send time, merged over processes
"""
