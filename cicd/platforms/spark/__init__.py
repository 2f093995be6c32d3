"""Apache Spark: jobs on a cluster that there is, or on this machine.

Nothing of pyspark is imported: the cluster is spoken to over HTTP, or by its own programs.
"""
