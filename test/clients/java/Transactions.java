// Transactions through Apache Kafka's own client: what java-transactions.test.ts runs. Prints one line per finding.
//
//   java -cp <jars> Transactions.java <host:port>

import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;

public class Transactions {
  static final String TOPIC = "java";
  static final int COUNT = 60;

  static KafkaProducer<String, String> producer(String servers) {
    Properties settings = new Properties();
    settings.put("bootstrap.servers", servers);
    settings.put("transactional.id", "java");
    settings.put("transaction.timeout.ms", "20000");
    KafkaProducer<String, String> producer =
        new KafkaProducer<>(settings, new StringSerializer(), new StringSerializer());
    producer.initTransactions();
    return producer;
  }

  // Flushed before each end: the client may else end a transaction before it has sent its records, when it is starved.
  static void transact(KafkaProducer<String, String> producer, String value, boolean commit) {
    producer.beginTransaction();
    for (int partition = 0; partition < 2; partition++) {
      producer.send(new ProducerRecord<>(TOPIC, partition, null, value));
    }
    producer.flush();
    if (commit) producer.commitTransaction();
    else producer.abortTransaction();
  }

  public static void main(String[] arguments) throws Exception {
    String servers = arguments[0];
    Properties common = new Properties();
    common.put("bootstrap.servers", servers);
    Admin admin = Admin.create(common);
    admin.createTopics(List.of(new NewTopic(TOPIC, 2, (short) 1))).all().get();
    KafkaProducer<String, String> first = producer(servers);
    int wanted = 0;
    for (int i = 0; i < COUNT; i++) {
      boolean commit = i % 3 != 2;
      transact(first, (commit ? "committed " : "aborted ") + i, commit);
      if (commit) wanted += 2;
    }
    System.out.println("state " + admin.describeTransactions(List.of("java")).all().get().get("java").state());

    Properties settings = new Properties();
    settings.putAll(common);
    settings.put("group.id", "java");
    settings.put("auto.offset.reset", "earliest");
    settings.put("isolation.level", "read_committed");
    settings.put("enable.auto.commit", "false");
    KafkaConsumer<String, String> consumer =
        new KafkaConsumer<>(settings, new StringDeserializer(), new StringDeserializer());
    consumer.subscribe(List.of(TOPIC));
    int seen = 0;
    int aborted = 0;
    for (long end = System.currentTimeMillis() + 30000; seen < wanted && System.currentTimeMillis() < end; ) {
      for (ConsumerRecord<String, String> record : consumer.poll(Duration.ofMillis(500))) {
        seen++;
        if (record.value().startsWith("aborted")) aborted++;
      }
    }
    System.out.println("seen " + seen + " of " + wanted + ", aborted " + aborted);

    Map<TopicPartition, OffsetAndMetadata> positions = new HashMap<>();
    for (TopicPartition partition : consumer.assignment()) {
      positions.put(partition, new OffsetAndMetadata(consumer.position(partition)));
    }
    first.beginTransaction();
    first.send(new ProducerRecord<>(TOPIC, 0, null, "with offsets"));
    first.sendOffsetsToTransaction(positions, consumer.groupMetadata());
    first.flush();
    first.commitTransaction();
    System.out.println("offsets " + consumer.committed(consumer.assignment()).equals(positions));

    KafkaProducer<String, String> second = producer(servers);
    try {
      transact(first, "zombie", true);
      System.out.println("fenced false");
    } catch (Exception error) {
      System.out.println("fenced true");
    }
    transact(second, "heir", true);
    second.close();
    first.close(Duration.ofSeconds(1));
    consumer.close();
    admin.close();
  }
}
