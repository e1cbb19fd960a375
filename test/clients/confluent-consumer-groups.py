"""A group of KIP-848 through confluent-kafka (librdkafka): what consumer-groups.test.ts runs. Prints what it saw as JSON.

    confluent-consumer-groups.py <host:port>
"""

import json
import sys
import time

from confluent_kafka import Consumer, Producer
from confluent_kafka.admin import AdminClient, NewPartitions, NewTopic

SERVERS = sys.argv[1]
TOPIC = "modern"
GROUP = "modern-group"

admin = AdminClient({"bootstrap.servers": SERVERS})
admin.create_topics([NewTopic(TOPIC, 4)])[TOPIC].result(10)
admin.create_partitions([NewPartitions(TOPIC, 6)])[TOPIC].result(10)
producer = Producer({"bootstrap.servers": SERVERS})
sent = 0
seen = []


def send(count):
    global sent
    for _ in range(count):
        producer.produce(TOPIC, key=str(sent), value=str(sent))
        sent += 1
    producer.flush(10)


def join(assignor):
    made = Consumer(
        {
            "bootstrap.servers": SERVERS,
            "group.id": GROUP,
            "group.protocol": "consumer",
            "group.remote.assignor": assignor,
            "auto.offset.reset": "earliest",
            "enable.auto.commit": False,
        }
    )
    made.subscribe([TOPIC])
    return made


def poll(members, until):
    end = time.time() + 30
    while not until():
        if time.time() > end:
            raise TimeoutError("what was waited for did not come")
        for member in members:
            message = member.poll(0.05)
            if message is None:
                continue
            if message.error():
                raise RuntimeError(str(message.error()))
            seen.append(message.value().decode())
            member.commit(message, asynchronous=False)


def counts(members):
    return [len(member.assignment()) for member in members]


send(100)
first = join("uniform")
poll([first], lambda: len(seen) == 100)
second, third = join("uniform"), join("range")
poll([first, second, third], lambda: counts([first, second, third]) == [2, 2, 2])
send(100)
poll([first, second, third], lambda: len(seen) == 200)
second.close()
poll([first, third], lambda: counts([first, third]) == [3, 3])
send(100)
poll([first, third], lambda: len(seen) == 300)
described = admin.describe_consumer_groups([GROUP])[GROUP].result(10)
first.close()
third.close()
again = join("uniform")
send(1)
poll([again], lambda: len(seen) == 301)
again.close()
print(
    json.dumps(
        {
            "seen": len(seen),
            "distinct": len(set(seen)),
            "last": seen[-1],
            "members": len(described.members),
            "state": described.state.name,
        }
    )
)
