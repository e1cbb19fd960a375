"""Transactions through confluent-kafka (librdkafka): what transactions.test.ts runs. Prints what it saw as JSON.

    confluent-transactions.py <host:port>
"""

import json
import sys
import time

from confluent_kafka import Consumer, KafkaException, Producer, TopicPartition

SERVERS = sys.argv[1]
TOPIC = "librdkafka"


def producer():
    made = Producer(
        {
            "bootstrap.servers": SERVERS,
            "transactional.id": "librdkafka",
            "transaction.timeout.ms": 10000,
            "log_level": 0,
        }
    )
    made.init_transactions(10)
    return made


def consumer(isolation):
    return Consumer(
        {
            "bootstrap.servers": SERVERS,
            "group.id": "group-" + isolation,
            "auto.offset.reset": "earliest",
            "isolation.level": isolation,
            "enable.auto.commit": False,
        }
    )


def read(source, count):
    values = []
    deadline = time.time() + 15
    while len(values) < count and time.time() < deadline:
        message = source.poll(0.5)
        if message is not None and message.error() is None:
            values.append(message.value().decode())
    return values


def transact(source, values, commit):
    source.begin_transaction()
    for value in values:
        source.produce(TOPIC, value)
    if commit:
        source.commit_transaction(10)
    else:
        source.flush(10)
        source.abort_transaction(10)


first = producer()
for number in range(10):
    transact(first, ["%s-%d" % (what, number) for what in ("a", "b")], number % 3 != 2)

committed = consumer("read_committed")
committed.assign([TopicPartition(TOPIC, 0, 0)])
everything = consumer("read_uncommitted")
everything.assign([TopicPartition(TOPIC, 0, 0)])
seen = read(committed, 14)
all_seen = read(everything, 20)

position = committed.position([TopicPartition(TOPIC, 0)])
before = committed.committed([TopicPartition(TOPIC, 0)], 10)[0].offset
first.begin_transaction()
first.produce(TOPIC, "with offsets")
first.send_offsets_to_transaction(position, committed.consumer_group_metadata(), 10)
first.commit_transaction(10)
after = committed.committed([TopicPartition(TOPIC, 0)], 10)[0].offset

second = producer()
fenced = False
try:
    transact(first, ["zombie"], True)
except KafkaException as error:
    fenced = error.args[0].fatal()
transact(second, ["heir"], True)
last = read(committed, 2)
for source in (committed, everything):
    source.close()

print(
    json.dumps(
        {
            "seen": seen,
            "all": all_seen,
            "position": position[0].offset,
            "before": before,
            "after": after,
            "fenced": fenced,
            "last": last,
        }
    )
)
