// Administration, and a group of KIP-848, through Kafka's own Java client: what consumer-groups.test.ts runs. Prints a
// line for each thing that it saw.
//
//     AdminAndGroups <host:port>

import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Properties;
import java.util.concurrent.ExecutionException;
import java.util.function.BooleanSupplier;
import java.util.stream.Stream;
import org.apache.kafka.clients.admin.*;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.serialization.StringDeserializer;
import org.apache.kafka.common.serialization.StringSerializer;

public class AdminAndGroups {
  static final String TOPIC = "java";
  static final String GROUP = "java-group";
  static final long WAIT_MS = 30_000;

  static String servers;
  static int sent = 0;
  static final List<String> seen = new ArrayList<>();

  static Properties properties() {
    Properties properties = new Properties();
    properties.put("bootstrap.servers", servers);
    return properties;
  }

  static KafkaConsumer<String, String> join() {
    Properties properties = properties();
    properties.put("group.id", GROUP);
    properties.put("group.protocol", "consumer");
    properties.put("auto.offset.reset", "earliest");
    properties.put("enable.auto.commit", "false");
    var consumer = new KafkaConsumer<>(properties, new StringDeserializer(), new StringDeserializer());
    consumer.subscribe(List.of(TOPIC));
    return consumer;
  }

  static void poll(List<KafkaConsumer<String, String>> members, BooleanSupplier until) {
    long end = System.currentTimeMillis() + WAIT_MS;
    while (!until.getAsBoolean()) {
      if (System.currentTimeMillis() > end) throw new IllegalStateException("what was waited for did not come");
      for (var member : members) {
        for (var record : member.poll(Duration.ofMillis(50))) seen.add(record.value());
        member.commitSync();
      }
    }
  }

  static void send(KafkaProducer<String, String> producer, int count) {
    for (int i = 0; i < count; i++, sent++) producer.send(new ProducerRecord<>(TOPIC, "k" + sent, "v" + sent));
    producer.flush();
  }

  static void administer(Admin admin) throws Exception {
    var topic = new NewTopic(TOPIC, Optional.of(4), Optional.empty()).configs(Map.of("segment.bytes", "65536"));
    admin.createTopics(List.of(topic)).all().get();
    admin.createPartitions(Map.of(TOPIC, NewPartitions.increaseTo(6))).all().get();
    System.out.println("partitions " + admin.describeTopics(List.of(TOPIC)).allTopicNames().get().get(TOPIC).partitions().size());
    var resource = new ConfigResource(ConfigResource.Type.TOPIC, TOPIC);
    var retention = new AlterConfigOp(new ConfigEntry("retention.ms", "3600000"), AlterConfigOp.OpType.SET);
    var segment = new AlterConfigOp(new ConfigEntry("segment.bytes", ""), AlterConfigOp.OpType.DELETE);
    admin.incrementalAlterConfigs(Map.of(resource, List.of(retention, segment))).all().get();
    var config = admin.describeConfigs(List.of(resource)).all().get().get(resource);
    System.out.println("retention.ms " + config.get("retention.ms").value() + " " + config.get("retention.ms").source());
    System.out.println("segment.bytes " + config.get("segment.bytes").source());
    var compact = new AlterConfigOp(new ConfigEntry("cleanup.policy", "compact"), AlterConfigOp.OpType.SET);
    try {
      admin.incrementalAlterConfigs(Map.of(resource, List.of(compact))).all().get();
    } catch (ExecutionException error) {
      System.out.println("compact " + error.getCause().getClass().getSimpleName());
    }
  }

  static void readInGroup(Admin admin, KafkaProducer<String, String> producer) throws Exception {
    send(producer, 100);
    var first = join();
    poll(List.of(first), () -> seen.size() == 100);
    var second = join();
    var third = join();
    poll(List.of(first, second, third), () -> Stream.of(first, second, third).allMatch(one -> one.assignment().size() == 2));
    send(producer, 100);
    poll(List.of(first, second, third), () -> seen.size() == 200);
    second.close();
    poll(List.of(first, third), () -> Stream.of(first, third).allMatch(one -> one.assignment().size() == 3));
    System.out.println("seen " + seen.size() + " distinct " + new HashSet<>(seen).size());
    var group = admin.describeConsumerGroups(List.of(GROUP)).all().get().get(GROUP);
    System.out.println("group " + group.type() + " " + group.groupState() + " " + group.members().size());
    first.close();
    third.close();
    System.out.println("offsets " + admin.listConsumerGroupOffsets(GROUP).partitionsToOffsetAndMetadata().get().size());
  }

  static void clean(Admin admin) throws Exception {
    var partition = new TopicPartition(TOPIC, 0);
    long end = admin.listOffsets(Map.of(partition, OffsetSpec.latest())).all().get().get(partition).offset();
    var deleted = admin.deleteRecords(Map.of(partition, RecordsToDelete.beforeOffset(end))).lowWatermarks();
    System.out.println("deleted " + (deleted.get(partition).get().lowWatermark() == end));
    var folder = admin.describeLogDirs(List.of(1)).allDescriptions().get().get(1).values().iterator().next();
    System.out.println("log dir " + (folder.totalBytes().getAsLong() > 0));
    try {
      admin.createPartitions(Map.of(TOPIC, NewPartitions.increaseTo(8))).all().get();
    } catch (ExecutionException error) {
      System.out.println("more partitions " + error.getCause().getClass().getSimpleName());
    }
    admin.deleteConsumerGroups(List.of(GROUP)).all().get();
    admin.deleteTopics(List.of(TOPIC)).all().get();
  }

  public static void main(String[] arguments) throws Exception {
    servers = arguments[0];
    try (Admin admin = Admin.create(properties());
        var producer = new KafkaProducer<>(properties(), new StringSerializer(), new StringSerializer())) {
      administer(admin);
      readInGroup(admin, producer);
      clean(admin);
    }
    System.out.println("done");
  }
}
