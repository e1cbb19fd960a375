"""What boto3 makes of each thing it is allowed or denied; prints {name: "ok" or the error's code} (JSON).

Called by kinesis-security.test.ts: kinesis-security-client.py ENDPOINT. Keys and the authority come from AWS_*.
"""
import json
import sys

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

client = boto3.client("kinesis", endpoint_url=sys.argv[1], config=Config(retries={"max_attempts": 0}))
results = {}


def attempt(name, call):
    try:
        call()
        results[name] = "ok"
    except ClientError as error:
        results[name] = error.response["Error"]["Code"]


attempt("list", lambda: client.list_streams())
attempt("put", lambda: client.put_record(StreamName="orders", PartitionKey="k", Data=b"from boto3"))
attempt("read", lambda: client.get_shard_iterator(StreamName="orders", ShardId="0", ShardIteratorType="LATEST"))
attempt("other", lambda: client.put_record(StreamName="other", PartitionKey="k", Data=b"x"))
json.dump(results, sys.stdout)
