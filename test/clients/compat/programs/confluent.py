"""confluent-kafka (librdkafka) as a program that takes the words of ../client.ts."""

import os
import signal
import sys

from confluent_kafka import Consumer, KafkaError, KafkaException, Producer
from confluent_kafka.admin import AdminClient, AlterConfigOpType, ConfigEntry, ConfigResource, NewTopic

VERB, FIRST, SECOND = (sys.argv[1:] + [""])[:3]
TIMEOUT_S = 20

BASE = {"bootstrap.servers": os.environ["COMPAT_BROKER"]}
if "COMPAT_USER" in os.environ:
    BASE |= {
        "security.protocol": "SASL_SSL",
        "sasl.mechanism": "SCRAM-SHA-512",
        "sasl.username": os.environ["COMPAT_USER"],
        "sasl.password": os.environ["COMPAT_PASSWORD"],
        "ssl.ca.location": os.environ["COMPAT_CA"],
    }


def on_delivery(error, _message):
    if error is not None:
        raise KafkaException(error)


def produce(producer):
    for line in sys.stdin:
        value = line.rstrip("\n")
        producer.produce(FIRST, key=value, value=value, on_delivery=on_delivery)
    if producer.flush(TIMEOUT_S) > 0:
        raise TimeoutError("not everything was acknowledged")


def transact():
    producer = Producer(BASE | {"transactional.id": SECOND})
    producer.init_transactions(TIMEOUT_S)
    producer.begin_transaction()
    produce(producer)
    if VERB == "commit":
        producer.commit_transaction(TIMEOUT_S)
    else:
        producer.abort_transaction(TIMEOUT_S)


def member():
    consumer = Consumer(
        BASE
        | {
            "group.id": FIRST,
            "session.timeout.ms": 6000,
            "heartbeat.interval.ms": 300,
            "auto.offset.reset": "earliest",
            "enable.auto.commit": False,
            "isolation.level": "read_committed",
        }
    )
    consumer.subscribe([SECOND])
    leaving = []
    signal.signal(signal.SIGTERM, lambda *_: leaving.append(True))
    while not leaving:
        message = consumer.poll(0.1)
        if message is None:
            continue
        if message.error():
            raise KafkaException(message.error())
        print(message.value().decode(), flush=True)
        try:
            consumer.commit(message, asynchronous=False)
        except KafkaException as error:
            # A rebalance has begun: the next owner reads it again.
            if error.args[0].code() not in (KafkaError.ILLEGAL_GENERATION, KafkaError.REBALANCE_IN_PROGRESS):
                raise
    consumer.close()


def administer():
    admin = AdminClient(BASE)
    resource = ConfigResource(ConfigResource.Type.TOPIC, FIRST)
    if VERB == "create":
        admin.create_topics([NewTopic(FIRST, int(SECOND))])[FIRST].result(TIMEOUT_S)
    elif VERB == "delete":
        admin.delete_topics([FIRST])[FIRST].result(TIMEOUT_S)
    elif VERB == "alter":
        entry = ConfigEntry("retention.ms", SECOND, incremental_operation=AlterConfigOpType.SET)
        resource.add_incremental_config(entry)
        admin.incremental_alter_configs([resource])[resource].result(TIMEOUT_S)
    else:
        print("partitions", len(admin.list_topics(FIRST, TIMEOUT_S).topics[FIRST].partitions))
        configs = admin.describe_configs([resource])[resource].result(TIMEOUT_S)
        print("retention.ms", configs["retention.ms"].value)


if VERB == "produce":
    produce(Producer(BASE | {"acks": "all", "compression.type": SECOND}))
elif VERB == "idempotent":
    produce(Producer(BASE | {"enable.idempotence": True}))
elif VERB in ("commit", "abort"):
    transact()
elif VERB == "member":
    member()
else:
    administer()
