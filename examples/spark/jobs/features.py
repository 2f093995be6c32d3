"""What is known of a customer, from all orders."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as f


def of_customers(orders: DataFrame) -> DataFrame:
    """How many orders, how much in all, and the day of the last."""
    return orders.groupBy("customer").agg(
        f.count("*").alias("orders"),
        f.round(f.sum("amount"), 2).alias("total"),
        f.max("day").alias("last_day"),
    )
