"""Makes the calls that come as lines of JSON on standard input and prints what each came to, a line of JSON each.

Called by model-clients.ts: boto3-caller.py ENDPOINT
Answers are held against botocore's own model: members known, types right, required ones there.
"""
import base64
import datetime
import json
import sys

import boto3
from botocore import xform_name
from botocore.config import Config
from botocore.exceptions import ClientError, ParamValidationError

client = boto3.client("kinesis", endpoint_url=sys.argv[1], config=Config(retries={"max_attempts": 0}))
model = client.meta.service_model

PYTHON_TYPES = {
    "string": str,
    "integer": int,
    "long": int,
    "boolean": bool,
    "blob": bytes,
    "timestamp": datetime.datetime,
}


def untag(value):
    if isinstance(value, list):
        return [untag(item) for item in value]
    if not isinstance(value, dict):
        return value
    if "$blob" in value:
        return base64.b64decode(value["$blob"])
    if "$time" in value:
        return datetime.datetime.fromtimestamp(value["$time"] / 1000, datetime.timezone.utc)
    return {name: untag(member) for name, member in value.items()}


def problems(shape, value, path):
    if shape.type_name == "structure":
        found = [f"{path}.{name} is not in the model" for name in value if name not in shape.members]
        found += [f"{path}.{name} is missing" for name in shape.required_members if name not in value]
        for name, member in shape.members.items():
            if name in value:
                found += problems(member, value[name], f"{path}.{name}")
        return found
    if shape.type_name == "list":
        return [text for item in value for text in problems(shape.member, item, path)]
    if shape.type_name == "map":
        return [text for item in value.values() for text in problems(shape.value, item, path)]
    right = isinstance(value, PYTHON_TYPES[shape.type_name])
    return [] if right else [f"{path} is {type(value).__name__}, not {shape.type_name}"]


def call(operation, given):
    if operation not in model.operation_names:
        return {"unknown": operation}
    try:
        output = getattr(client, xform_name(operation))(**untag(given))
    except ParamValidationError as error:
        if "Unknown parameter" in str(error):
            return {"unknown": str(error)}
        raise
    except ClientError as error:
        status = error.response["ResponseMetadata"]["HTTPStatusCode"]
        told = error.response["Error"]
        return {"error": told["Code"], "message": told.get("Message", ""), "status": status}
    output.pop("ResponseMetadata", None)
    shape = model.operation_model(operation).output_shape
    if operation == "SubscribeToShard":
        event = next(iter(output["EventStream"]))["SubscribeToShardEvent"]
        output["EventStream"].close()
        shape = shape.members["EventStream"].members["SubscribeToShardEvent"]
        return {"output": None, "problems": problems(shape, event, operation)}
    if shape is None:
        return {"output": None, "problems": [f"{name}: an answer where none belongs" for name in output]}
    return {"output": None, "problems": problems(shape, output, operation)}


def answer(value):
    print(json.dumps(value), flush=True)


answer({"version": boto3.__version__})
for line in sys.stdin:
    request = json.loads(line)
    answer(call(request["operation"], request["input"]))
