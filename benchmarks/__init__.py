"""How fast cicd is, as counts, ratios and times: ``python -m benchmarks`` prints one table.

Times are reported and never tested: machines differ. What must hold everywhere is counted, and the
tests count it too.
"""
