import com.google.common.util.concurrent.ListenableFuture;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import software.amazon.kinesis.producer.KinesisProducer;
import software.amazon.kinesis.producer.KinesisProducerConfiguration;
import software.amazon.kinesis.producer.UserRecordResult;

/**
 * Puts records with the Kinesis Producer Library, twice as many as COUNT:
 *
 *   Kpl KINESIS_PORT STS_PORT STREAM COUNT
 *
 * The first half goes before the library knows the shards; the second it can aggregate. Prints where each record went.
 */
public class Kpl {
  public static void main(String[] arguments) throws Exception {
    KinesisProducerConfiguration configuration = new KinesisProducerConfiguration()
        .setKinesisEndpoint("127.0.0.1")
        .setKinesisPort(Integer.parseInt(arguments[0]))
        .setStsEndpoint("127.0.0.1")
        .setStsPort(Integer.parseInt(arguments[1]))
        .setVerifyCertificate(false)
        .setRegion("us-east-1")
        .setMetricsLevel("none");
    KinesisProducer producer = new KinesisProducer(configuration);
    for (String round : new String[] {"a", "b"}) {
      List<ListenableFuture<UserRecordResult>> puts = new ArrayList<>();
      for (int i = 0; i < Integer.parseInt(arguments[3]); i++) {
        String key = round + String.format("%03d", i);
        ByteBuffer data = ByteBuffer.wrap(("data " + key).getBytes(StandardCharsets.UTF_8));
        puts.add(producer.addUserRecord(arguments[2], key, data));
      }
      producer.flushSync();
      for (ListenableFuture<UserRecordResult> put : puts) {
        UserRecordResult result = put.get();
        System.out.println(result.isSuccessful() + " " + result.getShardId() + " " + result.getSequenceNumber());
      }
    }
    System.out.flush();
    System.exit(0);
  }
}
