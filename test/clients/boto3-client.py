"""Puts the records of standard input (JSON) with boto3, reads the stream back, prints what it read (JSON).

Called by boto3.test.ts: boto3-client.py ENDPOINT STREAM SHARDS
"""
import base64
import json
import sys

import boto3

endpoint, stream, shards = sys.argv[1], sys.argv[2], int(sys.argv[3])
client = boto3.client("kinesis", endpoint_url=endpoint)

client.create_stream(StreamName=stream, ShardCount=shards)
client.get_waiter("stream_exists").wait(StreamName=stream, WaiterConfig={"Delay": 1, "MaxAttempts": 10})

records = [
    {"PartitionKey": record["key"], "Data": base64.b64decode(record["data"])}
    for record in json.load(sys.stdin)
]
for start in range(0, len(records), 100):
    answer = client.put_records(StreamName=stream, Records=records[start : start + 100])
    assert answer["FailedRecordCount"] == 0, answer

found = []
for shard in client.list_shards(StreamName=stream)["Shards"]:
    iterator = client.get_shard_iterator(
        StreamName=stream, ShardId=shard["ShardId"], ShardIteratorType="TRIM_HORIZON"
    )["ShardIterator"]
    while iterator:
        page = client.get_records(ShardIterator=iterator, Limit=50)
        for record in page["Records"]:
            found.append(
                {
                    "shard": shard["ShardId"],
                    "sequenceNumber": record["SequenceNumber"],
                    "arrivedAt": record["ApproximateArrivalTimestamp"].timestamp(),
                    "key": record["PartitionKey"],
                    "data": base64.b64encode(record["Data"]).decode(),
                }
            )
        if page["MillisBehindLatest"] == 0:
            break
        iterator = page["NextShardIterator"]

missing = None
try:
    client.describe_stream_summary(StreamName="no-such-stream")
except client.exceptions.ResourceNotFoundException as error:
    missing = error.response["Error"]["Code"]

json.dump({"records": found, "missing": missing}, sys.stdout)
