"""What users of clickhouse-connect do, with its defaults; a line of JSON says what came of it. Arguments: port, user, password, "read" or "write"."""

import json
import sys

import clickhouse_connect
import pandas
from clickhouse_connect.driver.exceptions import DatabaseError

port, user, password, mode = int(sys.argv[1]), sys.argv[2], sys.argv[3], sys.argv[4]


def connect(**options):
    return clickhouse_connect.get_client(host="127.0.0.1", port=port, username=user, password=password, **options)


def error_code(query):
    try:
        client.query(query)
    except DatabaseError as error:
        return str(error)
    return "none"


def read_stream(**options):
    with connect(**options).query_row_block_stream("SELECT number, toString(number) FROM numbers(300000)") as blocks:
        return sum(len(block) for block in blocks)


client = connect()
found = {
    "query": client.query("SELECT count(), max(id) FROM gold.t WHERE id < 1000").result_rows,
    "without_session": connect(autogenerate_session_id=False).query("SELECT 1").result_rows,
    "df": list(client.query_df("SELECT * FROM gold.t WHERE id < 1000 ORDER BY id").shape),
    "arrow": client.query_arrow("SELECT id, s FROM gold.t WHERE id < 1000").num_rows,
    "parameters": client.query("SELECT {x:Int32} + 1", parameters={"x": 4}).result_rows,
    "settings": client.query("SELECT 1", settings={"max_execution_time": 600, "max_block_size": 100}).result_rows,
    "rows": client.query_np("SELECT id FROM gold.t ORDER BY id LIMIT 3").tolist(),
    "stream": {str(way): read_stream(compress=way) for way in ("lz4", "zstd", "gzip", "deflate", False)},
    "error": error_code("SELECT nope FROM gold.t"),
    "late_error": error_code("SELECT throwIf(number = 900000) FROM numbers(1000000)"),
}
client.command("SET join_use_nulls = 1")
found["session"] = client.command("SELECT getSetting('join_use_nulls')")
if mode == "read":
    first = {"max_result_rows": 3, "result_overflow_mode": "break"}
    found["first_rows"] = client.query("SELECT id FROM gold.t ORDER BY id", settings=first).result_rows
if mode == "write":
    frame = pandas.DataFrame({"id": [2000, 2001], "s": ["a", "b"]})
    found["insert_df"] = client.insert_df("gold.t", frame).written_rows
    for way in ("lz4", "zstd", "gzip", False):
        rows = [[3000 + row, str(row)] for row in range(20000)]
        found[f"insert_{way}"] = connect(compress=way).insert("gold.t", rows, column_names=["id", "s"]).written_rows
    client.command("CREATE TEMPORARY TABLE mine (a Int32)")
    client.insert("mine", [[1], [2]])
    found["temporary"] = client.query("SELECT sum(a) FROM mine").result_rows
print(json.dumps(found))
