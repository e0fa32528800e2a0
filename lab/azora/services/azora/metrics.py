"""What a service counts. The job label comes from whoever scrapes."""

from prometheus_client import Counter, Histogram

MILLISECONDS = (1, 2, 5, 10, 20, 35, 50, 75, 100, 150, 200, 300, 500, 1000, 2000, 5000)

http_requests = Counter("http_requests", "Requests answered.", ["method", "route", "status"])
http_duration = Histogram(
    "http_request_duration_ms", "Time to answer, in milliseconds.", ["method", "route"], buckets=MILLISECONDS
)
db_queries = Counter("db_queries", "Statements sent to the database.", ["operation", "model"])
db_duration = Histogram(
    "db_query_duration_ms", "Time a statement took, in milliseconds.", ["operation", "model"], buckets=MILLISECONDS
)
