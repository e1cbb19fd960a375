// Apache Kafka's own client as a program that takes the words of ../compat/client.ts.

import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Properties;
import java.util.concurrent.Future;
import org.apache.kafka.clients.admin.*;
import org.apache.kafka.clients.consumer.CommitFailedException;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.errors.RebalanceInProgressException;
import org.apache.kafka.common.errors.WakeupException;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;

public class JavaClient {
  static String verb;
  static String first;
  static String second;

  static Properties settings(String... pairs) {
    Map<String, String> env = System.getenv();
    Properties settings = new Properties();
    settings.put("bootstrap.servers", env.get("COMPAT_BROKER"));
    if (env.containsKey("COMPAT_USER")) {
      settings.put("security.protocol", "SASL_SSL");
      settings.put("sasl.mechanism", "SCRAM-SHA-512");
      settings.put("sasl.jaas.config", String.format(
          "org.apache.kafka.common.security.scram.ScramLoginModule required username=\"%s\" password=\"%s\";",
          env.get("COMPAT_USER"), env.get("COMPAT_PASSWORD")));
      settings.put("ssl.truststore.type", "PEM");
      settings.put("ssl.truststore.location", env.get("COMPAT_CA"));
    }
    for (int i = 0; i < pairs.length; i += 2) settings.put(pairs[i], pairs[i + 1]);
    return settings;
  }

  static KafkaProducer<String, String> producer(String... pairs) {
    return new KafkaProducer<>(settings(pairs), new StringSerializer(), new StringSerializer());
  }

  static void send(KafkaProducer<String, String> producer) throws Exception {
    var input = new BufferedReader(new InputStreamReader(System.in));
    List<Future<?>> sent = new ArrayList<>();
    for (String value = input.readLine(); value != null; value = input.readLine()) {
      sent.add(producer.send(new ProducerRecord<>(first, value, value)));
    }
    producer.flush();
    for (var one : sent) one.get();
  }

  static void produce(String... pairs) throws Exception {
    try (var producer = producer(pairs)) {
      send(producer);
    }
  }

  static void transact() throws Exception {
    try (var producer = producer("transactional.id", second)) {
      producer.initTransactions();
      producer.beginTransaction();
      send(producer);
      if (verb.equals("commit")) producer.commitTransaction();
      else producer.abortTransaction();
    }
  }

  static void member() throws Exception {
    Properties settings = settings(
        "group.id", first,
        "session.timeout.ms", "6000",
        "heartbeat.interval.ms", "300",
        "auto.offset.reset", "earliest",
        "enable.auto.commit", "false",
        "isolation.level", "read_committed");
    var consumer = new KafkaConsumer<>(settings, new StringDeserializer(), new StringDeserializer());
    Thread main = Thread.currentThread();
    Runtime.getRuntime().addShutdownHook(new Thread(() -> {
      consumer.wakeup();
      try {
        main.join();
      } catch (InterruptedException ignored) {
        // The process ends anyway.
      }
    }));
    try {
      consumer.subscribe(List.of(second));
      while (true) {
        for (var record : consumer.poll(Duration.ofMillis(100))) System.out.println(record.value());
        System.out.flush();
        try {
          consumer.commitSync();
        } catch (CommitFailedException | RebalanceInProgressException rebalancing) {
          // The next owner reads it again.
        }
      }
    } catch (WakeupException leaving) {
      consumer.close();
    }
  }

  static void administer() throws Exception {
    try (Admin admin = Admin.create(settings())) {
      var resource = new ConfigResource(ConfigResource.Type.TOPIC, first);
      switch (verb) {
        case "create" ->
            admin.createTopics(List.of(new NewTopic(first, Optional.of(Integer.parseInt(second)), Optional.empty())))
                .all().get();
        case "delete" -> admin.deleteTopics(List.of(first)).all().get();
        case "alter" -> {
          var change = new AlterConfigOp(new ConfigEntry("retention.ms", second), AlterConfigOp.OpType.SET);
          admin.incrementalAlterConfigs(Map.of(resource, List.of(change))).all().get();
        }
        default -> {
          var topic = admin.describeTopics(List.of(first)).allTopicNames().get().get(first);
          System.out.println("partitions " + topic.partitions().size());
          var config = admin.describeConfigs(List.of(resource)).all().get().get(resource);
          System.out.println("retention.ms " + config.get("retention.ms").value());
        }
      }
    }
  }

  // Loads what the others need, for an archive of classes; nobody has to answer.
  static void load() {
    Properties settings = new Properties();
    settings.put("bootstrap.servers", "127.0.0.1:1");
    settings.put("group.id", "load");
    settings.put("transactional.id", "load");
    new KafkaProducer<>(settings, new StringSerializer(), new StringSerializer()).close();
    new KafkaConsumer<>(settings, new StringDeserializer(), new StringDeserializer()).close();
    Admin.create(settings).close();
  }

  public static void main(String[] arguments) throws Exception {
    verb = arguments[0];
    if (verb.equals("load")) {
      load();
      return;
    }
    first = arguments[1];
    second = arguments.length > 2 ? arguments[2] : "";
    switch (verb) {
      case "produce" -> produce("acks", "all", "compression.type", second);
      case "idempotent" -> produce("enable.idempotence", "true");
      case "commit", "abort" -> transact();
      case "member" -> member();
      default -> administer();
    }
  }
}
