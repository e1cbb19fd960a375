import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.util.UUID;
import java.util.concurrent.CountDownLatch;
import software.amazon.awssdk.regions.Region;
import software.amazon.awssdk.services.cloudwatch.CloudWatchAsyncClient;
import software.amazon.awssdk.services.dynamodb.DynamoDbAsyncClient;
import software.amazon.awssdk.services.kinesis.KinesisAsyncClient;
import software.amazon.kinesis.common.ConfigsBuilder;
import software.amazon.kinesis.common.InitialPositionInStream;
import software.amazon.kinesis.common.InitialPositionInStreamExtended;
import software.amazon.kinesis.common.KinesisClientUtil;
import software.amazon.kinesis.coordinator.Scheduler;
import software.amazon.kinesis.exceptions.InvalidStateException;
import software.amazon.kinesis.exceptions.ShutdownException;
import software.amazon.kinesis.lifecycle.events.InitializationInput;
import software.amazon.kinesis.lifecycle.events.LeaseLostInput;
import software.amazon.kinesis.lifecycle.events.ProcessRecordsInput;
import software.amazon.kinesis.lifecycle.events.ShardEndedInput;
import software.amazon.kinesis.lifecycle.events.ShutdownRequestedInput;
import software.amazon.kinesis.metrics.MetricsLevel;
import software.amazon.kinesis.processor.ShardRecordProcessor;
import software.amazon.kinesis.processor.SingleStreamTracker;
import software.amazon.kinesis.retrieval.polling.PollingConfig;

/**
 * Reads a stream with the Kinesis Client Library until it has had so many records:
 *
 *   Kcl KINESIS DYNAMODB STREAM COUNT polling|fan-out
 *
 * Prints a line for each record (shard, partition key, data) and for each shard that ended.
 */
public class Kcl {
  public static void main(String[] arguments) throws Exception {
    String stream = arguments[2];
    String how = arguments[4];
    CountDownLatch wanted = new CountDownLatch(Integer.parseInt(arguments[3]));
    KinesisAsyncClient kinesis = KinesisClientUtil.createKinesisAsyncClient(
        KinesisAsyncClient.builder().endpointOverride(URI.create(arguments[0])).region(Region.US_EAST_1));
    DynamoDbAsyncClient dynamo = DynamoDbAsyncClient.builder()
        .endpointOverride(URI.create(arguments[1])).region(Region.US_EAST_1).build();
    CloudWatchAsyncClient cloudWatch = CloudWatchAsyncClient.builder().region(Region.US_EAST_1).build();

    SingleStreamTracker tracker = new SingleStreamTracker(stream,
        InitialPositionInStreamExtended.newInitialPosition(InitialPositionInStream.TRIM_HORIZON));
    ConfigsBuilder configs = new ConfigsBuilder(tracker, "voik-" + how, kinesis, dynamo, cloudWatch,
        UUID.randomUUID().toString(), () -> new Processor(wanted));
    var retrieval = configs.retrievalConfig();
    if (how.equals("polling")) retrieval.retrievalSpecificConfig(new PollingConfig(stream, kinesis));
    // Its own intervals are made for AWS: a test would wait for minutes.
    var coordinator = configs.coordinatorConfig();
    coordinator.parentShardPollIntervalMillis(500).shardConsumerDispatchPollIntervalMillis(200);
    var leases = configs.leaseManagementConfig();
    leases.failoverTimeMillis(1000).shardSyncIntervalMillis(1000).leasesRecoveryAuditorExecutionFrequencyMillis(1000);
    Scheduler scheduler = new Scheduler(configs.checkpointConfig(), coordinator, leases, configs.lifecycleConfig(),
        configs.metricsConfig().metricsLevel(MetricsLevel.NONE), configs.processorConfig(), retrieval);
    Thread thread = new Thread(scheduler);
    thread.setDaemon(true);
    thread.start();
    wanted.await();
    System.out.flush();
    System.exit(0);
  }

  static class Processor implements ShardRecordProcessor {
    private final CountDownLatch wanted;
    private String shard;

    Processor(CountDownLatch wanted) {
      this.wanted = wanted;
    }

    public void initialize(InitializationInput input) {
      shard = input.shardId();
    }

    public void processRecords(ProcessRecordsInput input) {
      input.records().forEach(record -> {
        String data = StandardCharsets.UTF_8.decode(record.data()).toString();
        System.out.println("record " + shard + " " + record.partitionKey() + " " + data);
        wanted.countDown();
      });
    }

    public void shardEnded(ShardEndedInput input) {
      System.out.println("ended " + shard);
      try {
        input.checkpointer().checkpoint();
      } catch (InvalidStateException | ShutdownException error) {
        throw new IllegalStateException(error);
      }
    }

    public void leaseLost(LeaseLostInput input) {}

    public void shutdownRequested(ShutdownRequestedInput input) {}
  }
}
